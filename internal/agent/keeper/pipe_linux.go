package keeper

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// pipeFiles is empty: pipes have no files here. A file system makes files slowly, and pipes are found through their holders.
func pipeFiles() []string { return nil }

// makePipe makes a pipe: our side, for a goroutine that waits without holding a thread, and the container's, which is open for
// reading, too. Opening /proc/self/fd/N again gives another mode to the same pipe (proc_pid_fd(5)).
func makePipe(string) (ours, child *os.File, name pipeName, err error) {
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		return nil, nil, 0, err
	}
	defer unix.Close(p[1])
	var stat unix.Stat_t
	both := -1
	if err = unix.Fstat(p[0], &stat); err == nil {
		err = unix.SetNonblock(p[0], true) // ours alone: each side is an open file of its own
	}
	if err == nil {
		both, err = unix.Open("/proc/self/fd/"+strconv.Itoa(p[1]), unix.O_RDWR|unix.O_CLOEXEC, 0)
	}
	if err != nil {
		unix.Close(p[0])
		return nil, nil, 0, err
	}
	return os.NewFile(uintptr(p[0]), "pipe"), os.NewFile(uintptr(both), "pipe"), pipeName(stat.Ino), nil
}

// outputPipe makes a pipe whose reading side is for a goroutine that waits without holding a thread.
func outputPipe() (ours, child *os.File, err error) {
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		return nil, nil, err
	}
	if err := unix.SetNonblock(p[0], true); err != nil {
		unix.Close(p[0])
		unix.Close(p[1])
		return nil, nil, err
	}
	return os.NewFile(uintptr(p[0]), "pipe"), os.NewFile(uintptr(p[1]), "pipe"), nil
}

// findPipe opens our side of a pipe that one of the holders has open; nil if none has.
func findPipe(_ string, name pipeName, holders func(yield func(pid int) bool)) *os.File {
	target := fmt.Sprintf("pipe:[%d]", name)
	for pid := range holders {
		dir := "/proc/" + strconv.Itoa(pid) + "/fd"
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			path := filepath.Join(dir, e.Name())
			if link, err := os.Readlink(path); err != nil || link != target {
				continue
			}
			fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
			if err == nil {
				return os.NewFile(uintptr(fd), "pipe")
			}
		}
	}
	return nil
}
