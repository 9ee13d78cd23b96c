package keeper

import (
	"os"

	"golang.org/x/sys/unix"

	"ballast/internal/driver"
)

// setSize sets the size of a terminal. A size that cannot be set stays what it was.
func setSize(f *os.File, size driver.Size) {
	raw, err := f.SyscallConn()
	if err != nil {
		return
	}
	raw.Control(func(fd uintptr) {
		unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &unix.Winsize{Row: size.Rows, Col: size.Columns})
	})
}
