package agent

import "sync"

// How many driver calls of a kind run side by side. Each kind has a lane of its own, so that what waits long never keeps back
// what is quick.
const (
	// maxStarts is for calls that keep processors busy and take milliseconds: a few for each core.
	maxStarts = 16
	// maxPulls is for calls that wait for the network: many, so that an image that is there already does not wait behind those
	// that are not. Container daemons limit their downloads themselves.
	maxPulls = 256
	// maxStops is for calls that mostly wait, up to their stop timeout: as many as a container instance may have containers.
	maxStops = 1024
	// maxChecks is for commands of health checks, which mostly wait: a thousand a second that take a second each, and a thousand
	// more that hang until their timeout. It is half of what the keeper takes at once, so that stops find room beside them.
	maxChecks = 2048
)

// lane makes calls side by side up to a limit, and the others in order of arrival. It has goroutines only while there are
// calls. What waits is bounded by its callers: the machine has one call in flight for each container, the runner one for each task.
type lane struct {
	limit int

	mu      sync.Mutex
	busy    int
	waiting []func()
}

// submit has call made and does not wait for it.
func (l *lane) submit(background *sync.WaitGroup, call func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.busy == l.limit {
		l.waiting = append(l.waiting, call)
		return
	}
	l.busy++
	background.Go(func() { l.work(call) })
}

func (l *lane) work(call func()) {
	for call != nil {
		call()
		call = l.next()
	}
}

// next gives the call that waits longest; nil when none does, and the goroutine ends.
func (l *lane) next() func() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 {
		l.busy--
		l.waiting = nil
		return nil
	}
	call := l.waiting[0]
	l.waiting[0] = nil
	l.waiting = l.waiting[1:]
	return call
}
