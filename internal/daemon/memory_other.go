//go:build !linux && !darwin

package daemon

import (
	"fmt"
	"runtime"
)

// hostMemory gives the bytes of memory of this machine.
func hostMemory() (uint64, error) {
	return 0, fmt.Errorf("not known how on %s", runtime.GOOS)
}
