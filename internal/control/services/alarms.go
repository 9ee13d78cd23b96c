package services

import (
	"slices"

	"ballast/internal/ecs"
)

// SetAlarm takes over whether an alarm is raised. That is not journalled: whoever knows of alarms says so again after a restart.
func (b *Book) SetAlarm(alarm string, raised bool) {
	if b.alarms[alarm] == raised {
		return
	}
	if raised {
		b.alarms[alarm] = true
	} else {
		delete(b.alarms, alarm)
	}
	b.Each(func(s *Service) {
		if a := s.record.Alarms; a != nil && slices.Contains(a.Names, alarm) {
			b.track(s)
			b.touch(s)
		}
	})
}

// raised gives the alarms of a service that are raised, if it looks at alarms.
func (b *Book) raised(record *ecs.Service) (names []string) {
	if record.Alarms == nil || !record.Alarms.Enabled {
		return nil
	}
	for _, name := range record.Alarms.Names {
		if b.alarms[name] {
			names = append(names, name)
		}
	}
	return names
}
