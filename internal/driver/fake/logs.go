package fake

import (
	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// maxLines bounds the log of a container; the oldest lines go first.
const maxLines = 10_000

// lines is a log whose first lines may be gone.
type lines struct {
	gone int64
	kept []driver.LogLine
}

func (m *Model) write(b *box, texts []string, stderr bool) {
	if len(texts) == 0 {
		return
	}
	task := m.logs[b.obs.Key.Task]
	if task == nil {
		task = map[string]*lines{}
		m.logs[b.obs.Key.Task] = task
	}
	l := task[b.obs.Key.Container]
	if l == nil {
		l = &lines{}
		task[b.obs.Key.Container] = l
	}
	for _, text := range texts {
		l.kept = append(l.kept, driver.LogLine{At: m.now, Stderr: stderr, Text: text})
	}
	if over := len(l.kept) - maxLines; over > 0 {
		l.gone += int64(over)
		l.kept = append([]driver.LogLine(nil), l.kept[over:]...)
	}
}

// Logs gives lines of a container as driver.Driver does.
func (m *Model) Logs(task ecs.ID, container string, position int64, limit driver.LogLimit) ([]driver.LogLine, int64) {
	l := m.logs[task][container]
	if l == nil {
		return nil, position
	}
	first := max(position-l.gone, 0)
	last := first
	for bytes := 0; last < int64(len(l.kept)) && !limit.Reached(int(last-first), bytes); last++ {
		bytes += len(l.kept[last].Text)
	}
	if first >= last {
		return nil, position
	}
	return append([]driver.LogLine(nil), l.kept[first:last]...), l.gone + last
}

func (m *Model) removeLogs(task ecs.ID) { delete(m.logs, task) }
