package fake

import (
	"strings"
	"testing"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// TestWithdraw takes an image away, and puts it back.
func TestWithdraw(t *testing.T) {
	m := NewModel(1)
	pull := func(at ecs.Time, image string) error {
		m.Do(at, driver.Call{ID: uint64(at), Op: driver.OpPull, Image: image})
		return m.Advance(at)[0].Result.Err
	}
	m.Withdraw("app:1", true)
	if err := pull(1, "app:1"); err == nil || !strings.HasPrefix(err.Error(), driver.CannotPullContainerError+": ") {
		t.Errorf("the pull of an image that is gone gives %v", err)
	}
	if err := pull(2, "app:2"); err != nil {
		t.Errorf("the pull of another image gives %v", err)
	}
	m.Withdraw("app:1", false)
	if err := pull(3, "app:1"); err != nil {
		t.Errorf("the pull of an image that is back gives %v", err)
	}
}

// TestAil has checks find a container unhealthy against its script, until it is well again.
func TestAil(t *testing.T) {
	m, key, spec := NewModel(1), driver.Key{Task: ecs.ID{1}, Container: "web"}, scripted()
	m.Ail(key, true) // there is none yet
	m.Do(1, driver.Call{ID: 1, Op: driver.OpCreate, Key: key, Spec: &spec})
	m.Do(1, driver.Call{ID: 2, Op: driver.OpStart, Key: key})
	m.Advance(1)
	for i, ails := range []bool{false, true, false} {
		at := ecs.Time(2 + i)
		m.Ail(key, ails)
		m.Do(at, driver.Call{ID: 3, Op: driver.OpExec, Key: key, Command: []string{"check"}, Timeout: second})
		if code := m.Advance(at)[0].Result.Code; (code != 0) != ails {
			t.Errorf("ails %v: a check gives %d", ails, code)
		}
	}
}
