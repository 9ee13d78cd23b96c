package keeper

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// becomeSubreaper makes orphaned descendants children of this process (prctl(2), PR_SET_CHILD_SUBREAPER).
func becomeSubreaper() error { return unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }

// reapChild takes one child that has ended, of the whole keeper or of the calling thread alone. before is told its number while that
// is still taken.
func reapChild(of parent, before func(pid int)) (pid int, ws unix.WaitStatus, ok bool) {
	var info unix.Siginfo
	options := unix.WEXITED | unix.WNOHANG | unix.WNOWAIT
	if of == thisThread {
		options |= unix.WNOTHREAD
	}
	for {
		err := unix.Waitid(unix.P_ALL, 0, &info, options, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return 0, 0, false
		}
		break
	}
	// siginfo_t is three ints, then a union aligned to pointers that begins with the pid (sigaction(2)).
	const word = unsafe.Sizeof(uintptr(0))
	const offset = (3*4 + word - 1) &^ (word - 1)
	peeked := *(*int32)(unsafe.Add(unsafe.Pointer(&info), offset))
	if peeked == 0 {
		return 0, 0, false
	}
	before(int(peeked))
	for {
		pid, err := unix.Wait4(int(peeked), &ws, unix.WNOHANG, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		return pid, ws, true // if syscall.ForkExec took it itself, pid belongs to nobody
	}
}

var bootID = sync.OnceValue(func() string {
	b, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return string(bytes.TrimSpace(b))
})

// parseStat reads /proc/<pid>/stat (proc_pid_stat(5)). The second field, the name, may hold anything, so what follows is found
// from the last parenthesis.
func parseStat(b []byte) (p process, ok bool) {
	open, shut := bytes.IndexByte(b, '('), bytes.LastIndexByte(b, ')')
	if open < 1 || shut < open {
		return p, false
	}
	fields := strings.Fields(string(b[shut+1:]))
	if len(fields) < 22 {
		return p, false
	}
	var errs [10]error
	p.pid, errs[0] = strconv.Atoi(string(bytes.TrimSpace(b[:open])))
	p.ppid, errs[1] = strconv.Atoi(fields[1])
	p.pgid, errs[2] = strconv.Atoi(fields[2])
	p.sid, errs[3] = strconv.Atoi(fields[3])
	p.start, errs[4] = strconv.ParseUint(fields[19], 10, 64)
	var ticks [4]uint64 // user and system time, its own and its children's
	for i := range ticks {
		ticks[i], errs[5+i] = strconv.ParseUint(fields[11+i], 10, 64)
	}
	p.user, p.system = ticks[0]+ticks[2], ticks[1]+ticks[3]
	p.rss, errs[9] = strconv.ParseUint(fields[21], 10, 64)
	p.zombie = fields[0] == "Z" || fields[0] == "X"
	return p, errors.Join(errs[:]...) == nil
}

// procFile reads a small file of /proc in one go, without the bookkeeping of os.File.
func procFile(buf []byte, path string) []byte {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(fd)
	n, err := unix.Read(fd, buf)
	if err != nil {
		return nil
	}
	return buf[:n]
}

func readStat(pid int) (process, bool) {
	var buf [1024]byte
	return parseStat(procFile(buf[:], "/proc/"+strconv.Itoa(pid)+"/stat"))
}

func startTime(pid int) uint64 {
	p, _ := readStat(pid)
	return p.start
}

// alive says whether a process is the one that was meant, and not dead.
func alive(pid int, start uint64) bool {
	p, ok := readStat(pid)
	return ok && !p.zombie && (start == 0 || p.start == start)
}

// processes reads the process table.
func processes() []process {
	d, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer d.Close()
	names, _ := d.Readdirnames(-1)
	all := make([]process, 0, len(names))
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			if p, ok := readStat(pid); ok {
				all = append(all, p)
			}
		}
	}
	return all
}

// maxEnviron bounds how much of an environment is searched: the kernel's own limit for arguments and environment.
const maxEnviron = 8 << 20

// surroundings gives the environment and the working directory of a process.
func surroundings(pid int) (env []string, dir string, err error) {
	for v := range bytes.SplitSeq(readEnviron(pid), []byte{0}) {
		if len(v) > 0 {
			env = append(env, string(v))
		}
	}
	dir, err = os.Readlink("/proc/" + strconv.Itoa(pid) + "/cwd")
	return env, dir, err
}

// readMarker gives the marker in a process's environment, "" if it has none or must not be read.
func readMarker(pid int) string { return readVariable(pid, Marker) }

// readVariable gives the value of a variable in a process's environment, "" if it has none or must not be read.
func readVariable(pid int, name string) string {
	for v := range bytes.SplitSeq(readEnviron(pid), []byte{0}) {
		if value, ok := bytes.CutPrefix(v, []byte(name+"=")); ok {
			return string(value)
		}
	}
	return ""
}

// readEnviron gives a process's environment as the kernel has it; nil if it must not be read.
func readEnviron(pid int) []byte {
	f, err := os.Open("/proc/" + strconv.Itoa(pid) + "/environ")
	if err != nil {
		return nil
	}
	defer f.Close()
	var env []byte
	for buf := make([]byte, 8<<10); len(env) < maxEnviron; {
		n, err := f.Read(buf)
		env = append(env, buf[:n]...)
		if err != nil {
			break
		}
	}
	return env
}

// killProcess sends SIGKILL to the process that was seen, and to no other that got its number since.
func killProcess(p process) {
	fd, err := unix.PidfdOpen(p.pid, 0)
	if err != nil {
		if alive(p.pid, p.start) {
			unix.Kill(p.pid, unix.SIGKILL)
		}
		return
	}
	defer unix.Close(fd)
	if alive(p.pid, p.start) {
		unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0)
	}
}

// watchEvery is how often a process is looked at where the kernel has no pidfd (before Linux 5.3).
const watchEvery = time.Second

// watchEnd returns when a process that is not our child has ended. It holds no thread while it waits.
func watchEnd(pid int, start uint64) {
	for alive(pid, start) {
		fd, err := unix.PidfdOpen(pid, 0)
		if err != nil {
			time.Sleep(watchEvery)
			continue
		}
		unix.SetNonblock(fd, true)
		f := os.NewFile(uintptr(fd), "pidfd")
		if raw, err := f.SyscallConn(); err == nil && alive(pid, start) {
			err = raw.Read(func(fd uintptr) bool {
				ready := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
				n, err := unix.Poll(ready, 0)
				return n > 0 || err != nil && !errors.Is(err, unix.EINTR)
			})
			if err != nil {
				time.Sleep(watchEvery)
			}
		}
		f.Close()
	}
}

// throughFD runs a call on a socket's path shortened by way of the directory's descriptor: a socket's name has at most 107 bytes
// (unix(7)), a data directory's may have more.
func throughFD(dir string, call func(path string) error) error {
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open the keeper's directory: %w", err)
	}
	defer unix.Close(fd)
	return call("/proc/self/fd/" + strconv.Itoa(fd) + "/" + socketName)
}

func listen(dir string) (l net.Listener, err error) {
	os.Remove(socketPath(dir)) // the lock is ours, so whoever made it is dead
	err = throughFD(dir, func(path string) error {
		u, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
		if err != nil {
			return fmt.Errorf("listen at %s: %w", socketPath(dir), err)
		}
		u.SetUnlinkOnClose(false) // the path is not ours to use later
		l = u
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(socketPath(dir), 0o600); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

func dial(ctx context.Context, dir string) (c net.Conn, err error) {
	err = throughFD(dir, func(path string) error {
		c, err = new(net.Dialer).DialContext(ctx, "unix", path)
		return err
	})
	return c, err
}

func flock(f *os.File) error { return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) }

// detached is how a keeper is spawned.
func detached() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

func measureHost() (host, error) {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return host{}, err
	}
	meminfo, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return host{}, err
	}
	return parseHost(stat, meminfo)
}
