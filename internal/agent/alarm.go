package agent

import "time"

// How passing faults of the driver are met: repeated after 100 ms, then twice as long each time up to 5 s. Eight attempts take
// about 16 s, longer than a keeper or a container daemon needs to restart.
const (
	firstBackoff = 100 * time.Millisecond
	maxBackoff   = 5 * time.Second
	maxAttempts  = 8
)

// backoff is the wait after that many failed attempts.
func backoff(attempts int) time.Duration {
	if attempts > 6 { // 100 ms << 6 is beyond the maximum
		return maxBackoff
	}
	return min(firstBackoff<<(attempts-1), maxBackoff)
}
