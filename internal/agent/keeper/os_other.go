//go:build !linux

package keeper

import (
	"context"
	"errors"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Without /proc, subreapers and control groups a container is its process group: descendants that leave it are not reached, and
// a keeper that was killed is succeeded by one that knows its containers by pid only.

func becomeSubreaper() error { return nil }

func reapChild(_ parent, _ func(pid int)) (pid int, ws unix.WaitStatus, ok bool) {
	for {
		pid, err := unix.Wait4(-1, &ws, unix.WNOHANG, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		return pid, ws, err == nil && pid > 0
	}
}

func bootID() string { return "" }

// startTime is 1 for "some process": there is no time to tell two apart by.
func startTime(int) uint64 { return 1 }

func alive(pid int, _ uint64) bool { return unix.Kill(pid, 0) == nil }

func processes() []process { return nil }

func readMarker(int) string { return "" }

func readVariable(int, string) string { return "" }

func surroundings(int) ([]string, string, error) {
	return nil, "", errors.New("its environment is not known, because its keeper was restarted while it ran")
}

func killProcess(process) {}

// watchEvery is how often an adopted process is looked at.
const watchEvery = time.Second

func watchEnd(pid int, start uint64) {
	for alive(pid, start) {
		time.Sleep(watchEvery)
	}
}

func listen(dir string) (net.Listener, error) {
	os.Remove(socketPath(dir))
	l, err := net.Listen("unix", socketPath(dir))
	if err != nil {
		return nil, err
	}
	return l, os.Chmod(socketPath(dir), 0o600)
}

func dial(ctx context.Context, dir string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "unix", socketPath(dir))
}

func flock(f *os.File) error { return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) }

func detached() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

func makeCgroups(string) (string, controls) { return "", controls{} }

func enterCgroup(string, *syscall.SysProcAttr) (*os.File, error) { return nil, nil }

func joinCgroup(string, *syscall.SysProcAttr) (*os.File, error) { return nil, nil }

func killCgroup(string) bool { return true }

func leaveCgroup(string) {}

func measureHost() (host, error) { return host{}, errors.New("this system is not measured") }
