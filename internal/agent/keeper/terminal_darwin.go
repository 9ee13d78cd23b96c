package keeper

import (
	"bytes"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// nameBytes is the size of what TIOCPTYGNAME fills in (IOCPARM_LEN of its number in sys/ttycom.h).
const nameBytes = 128

// openTerminal makes a pseudoterminal as posix_openpt(3), grantpt(3), unlockpt(3) and ptsname(3) do: our side and the command's.
func openTerminal() (ours, theirs *os.File, err error) {
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, &os.PathError{Op: "open", Path: "/dev/ptmx", Err: err}
	}
	ours = os.NewFile(uintptr(fd), "/dev/ptmx")
	var name [nameBytes]byte
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), unix.TIOCPTYGRANT, 0)
	if errno == 0 {
		_, _, errno = syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), unix.TIOCPTYUNLK, 0)
	}
	if errno == 0 {
		_, _, errno = syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), unix.TIOCPTYGNAME, uintptr(unsafe.Pointer(&name)))
	}
	if errno != 0 {
		ours.Close()
		return nil, nil, errno
	}
	path, _, _ := bytes.Cut(name[:], []byte{0})
	theirs, err = os.OpenFile(string(path), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		ours.Close()
	}
	return ours, theirs, err
}
