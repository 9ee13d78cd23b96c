package cli

import "time"

// settleTimes are when a process gives back what its start and its first tasks needed, counted from the start.
var settleTimes = []time.Duration{0, 5 * time.Second, 30 * time.Second}

// settleDown has the process settle, now and twice more when the first tasks run; it does not wait for that.
func settleDown() {
	for _, after := range settleTimes {
		time.AfterFunc(after, settle)
	}
}
