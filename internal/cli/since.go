package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// since is a moment, given as such or as the time that has passed since then. The zero value is none.
type since struct {
	at    time.Time
	since time.Duration
	ago   bool // since counts
}

// layouts are the forms of a moment; those without a zone are in that of this machine.
var layouts = []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02"}

// UnmarshalText reads either form.
func (s *since) UnmarshalText(text []byte) error {
	if d, err := parseAgo(string(text)); err == nil && d >= 0 {
		*s = since{since: d, ago: true}
		return nil
	}
	for _, layout := range layouts {
		if at, err := time.ParseInLocation(layout, string(text), time.Local); err == nil {
			*s = since{at: at}
			return nil
		}
	}
	return fmt.Errorf(`%q is neither how long ago, such as 90s, 10m or 2d, nor a time, such as 2026-11-21, 2026-11-21T09:00 or 2026-11-21T09:00:00Z`, text)
}

// parseAgo reads a duration, also in whole days and weeks, as the AWS CLI has them.
func parseAgo(text string) (time.Duration, error) {
	for unit, length := range map[string]time.Duration{"d": 24 * time.Hour, "w": 7 * 24 * time.Hour} {
		if number, ok := strings.CutSuffix(text, unit); ok {
			n, err := strconv.ParseUint(number, 10, 16)
			return time.Duration(n) * length, err
		}
	}
	return time.ParseDuration(text)
}

// millis gives the moment as the API takes it, nil for none.
func (s since) millis(now time.Time) *int64 {
	switch {
	case s.ago:
		return new(now.Add(-s.since).UnixMilli())
	case !s.at.IsZero():
		return new(s.at.UnixMilli())
	}
	return nil
}
