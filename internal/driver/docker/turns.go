package docker

import (
	"context"
	"sync"

	"ballast/internal/ecs"
)

// turns has callers that are about the same task take turns: an engine reserves the name of a container before it knows the container, so
// that two who make the same one at once cannot go on with it. The zero value is ready.
type turns struct {
	mu   sync.Mutex
	busy map[ecs.ID]chan struct{} // closed at the end of a turn
}

// take waits for the turn of a caller; done ends it.
func (t *turns) take(ctx context.Context, task ecs.ID) (done func(), err error) {
	for {
		t.mu.Lock()
		before, busy := t.busy[task]
		if !busy {
			if t.busy == nil {
				t.busy = map[ecs.ID]chan struct{}{}
			}
			mine := make(chan struct{})
			t.busy[task] = mine
			t.mu.Unlock()
			return func() {
				t.mu.Lock()
				delete(t.busy, task)
				t.mu.Unlock()
				close(mine)
			}, nil
		}
		t.mu.Unlock()
		select {
		case <-before:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
