package fake

import (
	"fmt"
	"strings"
	"time"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// ailment is what commands run in a container find from a time after its start on.
type ailment struct {
	verdict verdict
	after   time.Duration
}

// verdict is what a command finds.
type verdict string

const (
	healthy   verdict = "healthy"   // exits with 0
	unhealthy verdict = "unhealthy" // exits with 1
	hangs     verdict = "hangs"     // does not end by itself
)

// parseHealth reads words with the time after the container's start from which each holds: "unhealthy,healthy@12s,hangs@1m". The
// first needs no time.
func parseHealth(value string) ([]ailment, error) {
	var all []ailment
	for part := range strings.SplitSeq(value, ",") {
		word, at, timed := strings.Cut(part, "@")
		a := ailment{verdict: verdict(word)}
		if a.verdict != healthy && a.verdict != unhealthy && a.verdict != hangs {
			return nil, fmt.Errorf("want healthy, unhealthy or hangs, not %q", word)
		}
		if timed {
			var err error
			if a.after, err = parseDuration(at); err != nil {
				return nil, err
			}
		}
		if n := len(all); n > 0 && a.after <= all[n-1].after {
			return nil, fmt.Errorf("%q does not come after what is before it", part)
		}
		all = append(all, a)
	}
	return all, nil
}

// exec runs an imagined command. What it finds is decided when it begins; a container that ends meanwhile takes it along.
func (m *Model) exec(call driver.Call) {
	r := driver.Result{ID: call.ID}
	b := m.boxes[call.Key]
	switch {
	case b == nil:
		r.Err = errUnknown(call.Key)
	case b.obs.State != driver.Running:
		r.Err = failure(driver.CannotExecContainerError, "container %v is not running", call.Key)
	}
	if r.Err != nil {
		m.answer(r)
		return
	}
	found, takes := b.finds(m.now), m.draw(b, "health takes", b.does.healthTakes)
	switch {
	case found == hangs || takes > call.Timeout:
		r.Code, takes = driver.ExecTimedOut, call.Timeout
	case found == unhealthy:
		r.Code, r.Output = 1, "unhealthy, as scripted"
	}
	if b.does.exits {
		takes = min(takes, max(0, b.obs.Started.At.Add(m.draw(b, "exit", b.does.exitAfter)).Sub(m.now)))
	}
	m.answerAt(m.now.Add(takes), r)
}

// finds is what a command finds at a time.
func (b *box) finds(now ecs.Time) verdict {
	if b.ails {
		return unhealthy
	}
	found := healthy
	for _, a := range b.does.health {
		if b.obs.Started.At.Add(a.after) <= now {
			found = a.verdict
		}
	}
	return found
}
