package sim

import (
	"bytes"
	"strings"

	"ballast/internal/control/journal"
	"ballast/internal/ecs"
)

const history100 = "a service has its newest events, and no others are on the disk"

// checkEvents holds the events that readers see against those on the disk: the newest, without a gap, and at most so many. alone says
// that there are no others; a crash may leave some of a service that is gone, until the next start.
func (c *checker) checkEvents(alone bool) {
	seen := 0
	c.each(func(s *ecs.Service) {
		seen += len(s.Events)
		if want := min(s.LastEvent, ecs.MaxServiceEvents); uint64(len(s.Events)) != want {
			c.w.fail(history100, "service %s shows %d events, the last has number %d", s.Name, len(s.Events), s.LastEvent)
			return
		}
		for i, e := range s.Events {
			key := journal.EventKey(s, s.LastEvent-uint64(i))
			if !bytes.Equal(c.shadow[key.String()], encoded(c, key, e)) {
				c.w.fail(history100, "event %d of service %s is %q for readers and %x on the disk", s.LastEvent-uint64(i), s.Name, e.Message,
					c.shadow[key.String()])
			}
			if i > 0 && !c.w.clocksSet && e.At > s.Events[i-1].At {
				c.w.fail(history100, "event %d of service %s is later than the one after it", s.LastEvent-uint64(i), s.Name)
			}
		}
	})
	kept := 0
	for key := range c.shadow {
		if strings.Contains(key, "/event/") {
			kept++
		}
	}
	if alone && kept != seen {
		c.w.fail(history100, "%d events are on the disk, readers see %d", kept, seen)
	}
}
