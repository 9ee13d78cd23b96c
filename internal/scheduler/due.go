package scheduler

// The due heap of a Tracker: the warming task that becomes healthy first, or the graced one whose period ends first, is at the top. Every
// entry knows its place, so that any task can leave in O(log n); equal times are ordered by seq, so that the order is never an accident.

// heapPush adds the task at index at of Tracker.tasks.
func (t *Tracker) heapPush(at int32) {
	t.due = append(t.due, at)
	t.tasks[at].heaped = int32(len(t.due) - 1)
	t.heapUp(len(t.due) - 1)
	t.heapTop()
}

// heapRemove takes out the entry at place i of the heap.
func (t *Tracker) heapRemove(i int32) {
	last := len(t.due) - 1
	t.tasks[t.due[i]].heaped = -1
	moved := t.due[last]
	t.due = t.due[:last]
	if int(i) < last {
		t.due[i] = moved
		t.tasks[moved].heaped = i
		t.heapDown(int(i))
		t.heapUp(int(i))
	}
	t.heapTop()
}

// heapTop notes the earliest time in the view.
func (t *Tracker) heapTop() {
	t.view.NextHealthy = 0
	if len(t.due) > 0 {
		t.view.NextHealthy = t.tasks[t.due[0]].task.Due
	}
}

func (t *Tracker) heapUp(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !t.heapLess(i, parent) {
			return
		}
		t.heapSwap(i, parent)
		i = parent
	}
}

func (t *Tracker) heapDown(i int) {
	for {
		child := 2*i + 1
		if child >= len(t.due) {
			return
		}
		if child+1 < len(t.due) && t.heapLess(child+1, child) {
			child++
		}
		if !t.heapLess(child, i) {
			return
		}
		t.heapSwap(i, child)
		i = child
	}
}

func (t *Tracker) heapLess(i, j int) bool {
	a, b := &t.tasks[t.due[i]].task, &t.tasks[t.due[j]].task
	if a.Due != b.Due {
		return a.Due < b.Due
	}
	return a.Seq < b.Seq
}

func (t *Tracker) heapSwap(i, j int) {
	t.due[i], t.due[j] = t.due[j], t.due[i]
	t.tasks[t.due[i]].heaped = int32(i)
	t.tasks[t.due[j]].heaped = int32(j)
}
