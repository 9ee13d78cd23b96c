package daemon

import "golang.org/x/sys/unix"

// hostMemory gives the bytes of memory of this machine.
func hostMemory() (uint64, error) { return unix.SysctlUint64("hw.memsize") }
