package fake

import (
	"testing"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

func TestKillEndsARunningContainer(t *testing.T) {
	m, key := NewModel(1), driver.Key{Task: ecs.ID{1}, Container: "web"}
	m.Kill(1, key, 139) // there is none yet
	spec := scripted()
	m.Do(1, driver.Call{ID: 1, Op: driver.OpCreate, Key: key, Spec: &spec})
	m.Do(1, driver.Call{ID: 2, Op: driver.OpStart, Key: key})
	m.Advance(1)
	m.Do(5, driver.Call{ID: 3, Op: driver.OpStop, Key: key, Timeout: second})
	m.Kill(7, key, 139)
	out := m.Advance(7)
	if len(out) != 2 || out[0].Event == nil || *out[0].Event.Exit.Code != 139 || out[0].At != 7 ||
		out[1].Result == nil || out[1].Result.ID != 3 || *out[1].Result.Exit.Code != 139 {
		t.Errorf("got %+v, want the end at 7 with code 139 and the answer to Stop", out)
	}
	m.Kill(8, key, 1)
	if out := m.Advance(1_000_000); len(out) != 0 {
		t.Errorf("a container ended twice: %+v", out)
	}
}

const second = 1_000_000_000
