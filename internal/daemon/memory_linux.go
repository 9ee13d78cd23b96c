package daemon

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// hostMemory gives the bytes of memory of this machine.
func hostMemory() (uint64, error) {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		// MemTotal:       24683932 kB
		fields := strings.Fields(lines.Text())
		if len(fields) == 3 && fields[0] == "MemTotal:" && fields[2] == "kB" {
			kib, err := strconv.ParseUint(fields[1], 10, 54)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("%s has no line MemTotal", f.Name())
}
