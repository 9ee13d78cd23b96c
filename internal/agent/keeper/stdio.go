package keeper

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"ballast/internal/driver"
	"ballast/internal/ecs"
	"ballast/internal/logfile"
)

// stdio is the output of one container: two pipes. The container's side is open for reading and writing, so that the container
// never meets a broken pipe; ours is at its end when the last process that holds the other side is gone.
type stdio struct {
	child [2]*os.File // standard output and error as the container gets them
	ours  [2]*os.File
	names [2]pipeName
	null  *os.File
	pumps sync.WaitGroup
}

// openStdio makes the pipes of a container.
func openStdio(path string) (s *stdio, err error) {
	s = &stdio{}
	if s.null, err = os.Open(os.DevNull); err != nil {
		return nil, err
	}
	for i, ending := range pipeEndings {
		if s.ours[i], s.child[i], s.names[i], err = makePipe(path + ending); err != nil {
			s.closeChildSide()
			s.close()
			return nil, fmt.Errorf("make pipe: %w", err)
		}
	}
	return s, nil
}

// reopenStdio opens our side of the pipes of a container that another keeper started. Processes that may hold them are told by
// holders, the first process first; a pipe that nobody holds is left out.
func reopenStdio(path string, names [2]pipeName, holders func(yield func(pid int) bool)) *stdio {
	s := &stdio{names: names}
	for i, ending := range pipeEndings {
		s.ours[i] = findPipe(path+ending, names[i], holders)
	}
	return s
}

// files gives the descriptors 0, 1 and 2 of the container.
func (s *stdio) files() []uintptr {
	return []uintptr{s.null.Fd(), s.child[0].Fd(), s.child[1].Fd()}
}

// giveTo lets a user open what the container writes to by name, as /dev/stdout. One that cannot be given can still be written to.
func (s *stdio) giveTo(u User) {
	for _, f := range s.child {
		_ = f.Chown(int(u.UID), int(u.GID))
	}
}

func (s *stdio) closeChildSide() {
	for _, f := range append(s.child[:], s.null) {
		if f != nil {
			f.Close()
		}
	}
}

func (s *stdio) close() {
	for _, f := range s.ours {
		if f != nil {
			f.Close()
		}
	}
}

// pump begins to read, until the container's side is closed by all who hold it.
func (s *stdio) pump(w *logfile.Writer) {
	for i, f := range s.ours {
		if f == nil {
			continue
		}
		s.pumps.Go(func() { pump(f, w.Stream(i == 1)) })
	}
}

// drain waits for the pumps to come to the end, for a time, and then ends them.
func (s *stdio) drain(d time.Duration) {
	timer := time.AfterFunc(d, s.close)
	s.pumps.Wait()
	timer.Stop()
	s.close()
}

// chunks are read buffers; a pipe that is silent holds none.
var chunks = sync.Pool{New: func() any { return new([32 << 10]byte) }}

// pump copies one pipe to the log. It never stops because of the log: what the disk does not take is dropped there.
func pump(f *os.File, to *logfile.Stream) {
	defer func() { to.Flush(now()) }()
	raw, err := f.SyscallConn()
	if err != nil {
		return
	}
	for over := false; !over && err == nil; {
		err = raw.Read(func(fd uintptr) (done bool) {
			buf := chunks.Get().(*[32 << 10]byte)
			defer chunks.Put(buf)
			n, err := unix.Read(int(fd), buf[:])
			switch {
			case err == nil && n > 0:
				to.Write(now(), buf[:n])
			case errors.Is(err, unix.EAGAIN):
				return false
			case errors.Is(err, unix.EINTR):
			default:
				over = true
			}
			return true
		})
	}
}

// logs are the log writers of containers that run, shared by the attempts of a container.
type logs struct {
	dir    string
	limits logfile.Limits

	mu   sync.Mutex
	open map[logKey]*openLog
}

type logKey struct {
	task      ecs.ID
	container string
}

type openLog struct {
	w     *logfile.Writer
	users int
}

// acquire gives the writer for a container, to be released when it has ended. limits are nil for those of the keeper.
func (l *logs) acquire(k driver.Key, limits *logfile.Limits) *logfile.Writer {
	if limits == nil {
		limits = &l.limits
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	key := logKey{k.Task, k.Container}
	o := l.open[key]
	if o == nil {
		dir, name := LogPath(l.dir, k.Task, k.Container)
		o = &openLog{w: logfile.NewWriter(dir, name, *limits)}
		l.open[key] = o
	}
	o.users++
	return o.w
}

func (l *logs) release(k driver.Key) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := logKey{k.Task, k.Container}
	o := l.open[key]
	if o.users--; o.users == 0 {
		o.w.Close()
		delete(l.open, key)
	}
}

// remove deletes the logs of a task.
func (l *logs) remove(task ecs.ID) error { return logfile.Remove(taskLogPath(l.dir, task)) }
