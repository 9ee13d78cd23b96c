package cli

import (
	"fmt"
	"time"
)

const (
	// endsSaid is how many tasks that stopped for one reason are told one by one. A service can lose 500 a minute.
	endsSaid = 5
	// reasonsKept bounds the reasons that are counted apart.
	reasonsKept = 100
	// statusQuiet is how long a status that comes and goes is not said again, unless it stays for statusStays.
	statusQuiet, statusStays = time.Minute, 5 * time.Second
)

// ends counts tasks that stopped, by their reasons.
type ends map[string]int

// tell says that a task stopped: the first ones of each reason by themselves, of the others their number now and then, and "" for the
// rest.
func (e ends) tell(service string, t task) string {
	reason := t.reason()
	if _, known := e[reason]; !known && len(e) >= reasonsKept {
		reason = "various reasons"
	}
	e[reason]++
	switch n := e[reason]; {
	case n <= endsSaid:
		return fmt.Sprintf("%s: task %s stopped: %s", service, t.shortID(), t.reason())
	case isRound(n):
		return fmt.Sprintf("%s: %d tasks have stopped so: %s", service, n, reason)
	}
	return ""
}

// isRound says whether a number is 1, 2 or 5 with noughts behind it.
func isRound(n int) bool {
	for n >= 10 && n%10 == 0 {
		n /= 10
	}
	return n == 1 || n == 2 || n == 5
}

// statuses remembers when each status was said. The zero value has heard of none.
type statuses struct {
	now   string
	since time.Time // of now
	last  string    // said last
	said  map[string]time.Time
}

// worth says whether a status is to be said at a moment: it is new, or was not said for long, or stays. One that ends the wait always is,
// once.
func (s *statuses) worth(status string, ends bool, now time.Time) bool {
	if status != s.now || s.since.IsZero() {
		s.now, s.since = status, now
	}
	at, before := s.said[status]
	if status == s.last && before || before && !ends && now.Sub(at) < statusQuiet && now.Sub(s.since) < statusStays {
		return false
	}
	if len(s.said) >= reasonsKept || s.said == nil {
		s.said = map[string]time.Time{}
	}
	s.last, s.said[status] = status, now
	return true
}
