//go:build !linux

package keeper

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// pipeFiles are the files that pipes have here.
func pipeFiles() []string { return pipeEndings[:] }

// makePipe makes a named pipe: our side, and the container's, which is open for reading, too.
func makePipe(path string) (ours, child *os.File, name pipeName, err error) {
	if err := unix.Mkfifo(path, 0o600); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, nil, 0, err
	}
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, nil, 0, err
	}
	both, err := unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		unix.Close(fd)
		return nil, nil, 0, err
	}
	return os.NewFile(uintptr(fd), path), os.NewFile(uintptr(both), path), 0, nil
}

// outputPipe makes a pipe whose reading side is for a goroutine that waits without holding a thread.
func outputPipe() (ours, child *os.File, err error) { return os.Pipe() }

// findPipe opens our side of a named pipe; nil if it is gone.
func findPipe(path string, _ pipeName, _ func(yield func(pid int) bool)) *os.File {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	return os.NewFile(uintptr(fd), path)
}
