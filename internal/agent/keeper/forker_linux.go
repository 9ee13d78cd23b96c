package keeper

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// forker makes processes on a thread of its own, of which they are the children. That thread has a table of descriptors of its own
// (unshare(2), CLONE_FILES), which stays as small as the keeper's was at the beginning: a child gets a copy of the table and closes
// all of it, and the keeper's holds two pipes for each container. What a child is to have is sent to the thread through a socket.
//
// On that thread nothing may be opened, polled or closed but by system calls: a descriptor there is not what the rest of the program
// means by its number. The Go runtime is no exception. What it needs itself, its poller, is open before the tables part.
type forker struct {
	turn   sync.Mutex    // held while work is queued: descriptors are sent in its order
	work   chan func()   // one after the other: syscall.ForkExec has a lock
	calls  chan struct{} // to chore; holds one
	chore  func()
	over   chan struct{}
	parted bool // the tables are two
	// near is the keeper's side of the socket, far the thread's.
	near, far int
	// away are groups of version 1 that the thread could not leave.
	away []string
}

// maxSent bounds the descriptors that a process gets: three, one for a failure to set limits, one of its control group.
const maxSent = 8

// maxQueued bounds the processes that wait to be made with their descriptors sent. The thread goes from one to the next without a rest,
// which between threads takes as long as a small process lives.
const maxQueued = 64

// newForker makes a forker before there are many descriptors. chore, which may be nil, is done on its thread at every call of call.
// Where the system refuses the thread its own table, it shares the keeper's.
func newForker(chore func()) (*forker, error) {
	r, w, err := os.Pipe() // opens what the Go runtime polls with
	if err != nil {
		return nil, fmt.Errorf("make a thread that forks: %w", err)
	}
	r.Close()
	w.Close()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("make a thread that forks: %w", err)
	}
	f := &forker{work: make(chan func(), maxQueued), calls: make(chan struct{}, 1), chore: chore, over: make(chan struct{}), near: pair[0], far: pair[1]}
	ready := make(chan struct{})
	go f.run(ready)
	<-ready
	if f.parted {
		unix.Close(f.far)
	}
	return f, nil
}

// run is the life of the thread. It ends with this goroutine, which never unlocks it.
func (f *forker) run(ready chan struct{}) {
	runtime.LockOSThread()
	if unix.Gettid() == unix.Getpid() { // whose table /proc/self/fd shows: that has to be the keeper's
		done := make(chan struct{})
		go func() {
			f.run(ready)
			close(done)
		}()
		<-done
		runtime.UnlockOSThread()
		return
	}
	f.parted = unix.Unshare(unix.CLONE_FILES) == nil
	if f.parted {
		unix.Close(f.near)
	}
	close(ready)
	for {
		select {
		case work := <-f.work:
			work()
		case <-f.calls:
			f.chore()
		case <-f.over:
			f.finish()
			return
		}
	}
}

// finish does what was queued before the end.
func (f *forker) finish() {
	for {
		select {
		case work := <-f.work:
			work()
		default:
			return
		}
	}
}

// close ends the thread. Its children become those of another thread of the keeper.
func (f *forker) close() {
	f.turn.Lock()
	defer f.turn.Unlock()
	close(f.over)
	unix.Close(f.near)
	if !f.parted {
		unix.Close(f.far)
	}
}

// call has the chore done, soon.
func (f *forker) call() {
	select {
	case f.calls <- struct{}{}:
	default: // it is going to be
	}
}

// fork makes a process that begins in groups of version 1.
func (f *forker) fork(groups []string, path string, argv []string, attr *syscall.ProcAttr) (pid int, err error) {
	forks := func() (int, error) { return f.forkIn(groups, path, argv, attr) }
	var sent []int
	if f.parted {
		sent = sentWith(attr)
		forks = func() (int, error) { return f.forkWith(sent, groups, path, argv, attr) }
	}
	done := make(chan struct{})
	if err := f.queue(sent, func() {
		defer close(done)
		pid, err = forks()
	}); err != nil {
		return 0, err
	}
	<-done
	return pid, err
}

// queue has work done on the thread, after descriptors for it were sent there.
func (f *forker) queue(descriptors []int, work func()) error {
	f.turn.Lock()
	defer f.turn.Unlock()
	select {
	case <-f.over:
		return errors.New("fork: the keeper has ended")
	default:
	}
	if f.parted {
		if err := unix.Sendmsg(f.near, []byte{0}, unix.UnixRights(descriptors...), nil, 0); err != nil {
			return fmt.Errorf("send descriptors: %s", err) // without its number: the command has no part in it
		}
	}
	f.work <- work
	return nil
}

// sentWith gives the descriptors that a process is made with, each once.
func sentWith(attr *syscall.ProcAttr) []int {
	fds := make([]int, 0, maxSent)
	for _, fd := range attr.Files {
		fds = append(fds, int(fd))
	}
	if attr.Sys.UseCgroupFD {
		fds = append(fds, attr.Sys.CgroupFD)
	}
	slices.Sort(fds)
	return slices.Compact(fds)
}

// forkWith makes, on the thread, a process with descriptors that were sent.
func (f *forker) forkWith(sent []int, groups []string, path string, argv []string, attr *syscall.ProcAttr) (pid int, err error) {
	here, err := f.receive(len(sent))
	if err != nil {
		return 0, fmt.Errorf("receive descriptors: %s", err)
	}
	defer func() {
		for _, fd := range here {
			unix.Close(fd)
		}
	}()
	translate := func(fd int) int { return here[slices.Index(sent, fd)] }
	mine, sys := *attr, *attr.Sys
	mine.Sys, mine.Files = &sys, make([]uintptr, len(attr.Files))
	for i, fd := range attr.Files {
		mine.Files[i] = uintptr(translate(int(fd)))
	}
	if sys.UseCgroupFD {
		sys.CgroupFD = translate(sys.CgroupFD)
	}
	return f.forkIn(groups, path, argv, &mine)
}

func (f *forker) receive(n int) ([]int, error) {
	var byte1 [1]byte
	var control [64]byte // CMSG_SPACE of maxSent descriptors is 48
	_, length, _, _, err := unix.Recvmsg(f.far, byte1[:], control[:], unix.MSG_CMSG_CLOEXEC)
	if err != nil {
		return nil, err
	}
	messages, err := unix.ParseSocketControlMessage(control[:length])
	if err != nil {
		return nil, err
	}
	if len(messages) != 1 { // none of them found room in the table
		return nil, unix.EMFILE
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err == nil && len(fds) != n {
		for _, fd := range fds {
			unix.Close(fd)
		}
		return nil, unix.EMFILE
	}
	return fds, err
}

// forkIn makes a process, on the thread. In version 1 of control groups a process begins in the groups of the thread that makes it,
// and a thread can be moved by itself.
func (f *forker) forkIn(groups []string, path string, argv []string, attr *syscall.ProcAttr) (pid int, err error) {
	if err := f.comeBack(f.away); err != nil {
		return 0, err
	}
	if len(groups) == 0 {
		return syscall.ForkExec(path, argv, attr)
	}
	for _, dir := range groups {
		if err = moveThread(dir); err != nil {
			break
		}
	}
	if err == nil {
		pid, err = syscall.ForkExec(path, argv, attr)
	}
	_ = f.comeBack(groups) // it is tried again before the next one
	return pid, err
}

// comeBack moves the thread to the groups that the keeper is in.
func (f *forker) comeBack(from []string) error {
	f.away = from
	for _, dir := range from {
		if err := moveThread(outside(dir)); err != nil {
			return err
		}
	}
	f.away = nil
	return nil
}

// moveThread moves the calling thread to a group of version 1. Its error has no number, by which it could be taken for the command's.
func moveThread(dir string) error {
	fd, err := unix.Open(filepath.Join(dir, "tasks"), unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err == nil {
		_, err = unix.Write(fd, []byte(strconv.Itoa(unix.Gettid())))
		unix.Close(fd)
	}
	if err != nil {
		return fmt.Errorf("enter a control group: %s", err)
	}
	return nil
}
