package keeper

import (
	"os"

	"golang.org/x/sys/unix"
)

// openTerminal makes a pseudoterminal (pty(7)): our side, and the one of the command, which is opened by way of ours, so that it
// is the right one whatever is mounted at /dev/pts (ioctl_tty(2), TIOCGPTPEER).
func openTerminal() (ours, theirs *os.File, err error) {
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, &os.PathError{Op: "open", Path: "/dev/ptmx", Err: err}
	}
	ours = os.NewFile(uintptr(fd), "/dev/ptmx")
	err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	if err != nil {
		ours.Close()
		return nil, nil, err
	}
	peer, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.TIOCGPTPEER, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC)
	if errno != 0 {
		ours.Close()
		return nil, nil, errno
	}
	return ours, os.NewFile(peer, "tty"), nil
}
