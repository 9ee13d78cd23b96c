package keeper

import (
	"os"
	"sync"
)

// scanner reads the process table for many at once: who asks while a look is under way shares the next one.
type scanner struct {
	mu      sync.Mutex
	running bool
	next    *look
}

type look struct {
	done chan struct{}
	all  []process
}

// fresh gives the process table as of a look that began after the call, and the keeper's own pid.
func (s *scanner) fresh() (all []process, self int) {
	s.mu.Lock()
	if s.next == nil {
		s.next = &look{done: make(chan struct{})}
	}
	mine := s.next
	if !s.running {
		s.running = true
		go s.run()
	}
	s.mu.Unlock()
	<-mine.done
	return mine.all, os.Getpid()
}

func (s *scanner) run() {
	for {
		s.mu.Lock()
		l := s.next
		s.next = nil
		s.running = l != nil
		s.mu.Unlock()
		if l == nil {
			return
		}
		l.all = processes()
		close(l.done)
	}
}
