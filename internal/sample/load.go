package sample

import "time"

const (
	// loadWindow is the time over which requests are averaged: long enough that a client that stutters makes no difference.
	loadWindow = 4 * time.Second

	// overloadDelay is how long an answer takes while there is too much to do: longer than any reasonable timeout, a health
	// check's for instance.
	overloadDelay = 10 * time.Second

	// maxCapacity bounds what is remembered of requests.
	maxCapacity = 10_000
)

// load tells when more requests come than can be served.
type load struct {
	capacity int         // requests a second; 0 is any number
	arrivals []time.Time // the latest, as a ring: as many as may come within loadWindow
	next     int
}

func newLoad(capacity int) load {
	return load{capacity: capacity, arrivals: make([]time.Time, capacity*int(loadWindow/time.Second))}
}

// arrive notes a request, and says whether it is one too many: whether more than the capacity came within loadWindow.
func (l *load) arrive(now time.Time) (over bool) {
	if l.capacity == 0 {
		return false
	}
	earliest := l.arrivals[l.next]
	l.arrivals[l.next] = now
	l.next = (l.next + 1) % len(l.arrivals)
	return !earliest.IsZero() && now.Sub(earliest) < loadWindow
}
