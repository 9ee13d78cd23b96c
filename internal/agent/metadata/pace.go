package metadata

import (
	"time"

	"ballast/internal/ecs"
)

// What one task may ask (developer guide, Task metadata endpoint version 4: "Requests ... are throttled").
const (
	perSecond = 40
	burst     = 60
)

// maxTasks bounds what is remembered of tasks that have asked. A task that is forgotten has its whole burst again.
const maxTasks = 4096

// bucket is what a task may still ask.
type bucket struct {
	level float64 // requests
	at    time.Time
}

// pace limits the requests of each task.
type pace map[ecs.ID]bucket

// take says whether a task may ask once more at now.
func (p pace) take(task ecs.ID, now time.Time) bool {
	b, known := p[task]
	if !known {
		if len(p) >= maxTasks {
			clear(p)
		}
		b = bucket{level: burst, at: now}
	}
	b.level = min(burst, b.level+max(0, now.Sub(b.at).Seconds())*perSecond)
	b.at = now
	allowed := b.level >= 1
	if allowed {
		b.level--
	}
	p[task] = b
	return allowed
}
