package agent

import (
	"context"
	"errors"
	"testing"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

func TestLatest(t *testing.T) {
	a, b := ecs.ID{1}, ecs.ID{2}
	all := []driver.Observation{
		{Key: driver.Key{Task: a, Container: "app"}, State: driver.Exited},
		{Key: driver.Key{Task: a, Container: "app", Attempt: 2}, State: driver.Running},
		{Key: driver.Key{Task: a, Container: "app", Attempt: 1}, State: driver.Running},
		{Key: driver.Key{Task: a, Container: "app", Attempt: 3}, State: driver.Created},
		{Key: driver.Key{Task: a, Container: "side", Attempt: 9}, State: driver.Exited},
		{Key: driver.Key{Task: b, Container: "app", Attempt: 7}, State: driver.Running},
	}
	if key, ok := latest(all, a, "app"); !ok || key != all[1].Key {
		t.Errorf("got %v, %v", key, ok)
	}
	for _, name := range []string{"side", "other"} {
		if key, ok := latest(all, a, name); ok {
			t.Errorf("%s: got %v", name, key)
		}
	}
}

// only is a driver that can do what every driver can, and no more.
type only struct{ driver.Driver }

func (only) Name() string { return "plain" }

func TestAttachNeedsAShell(t *testing.T) {
	_, err := NewAgent(Config{}, only{}, nil).Attach(context.Background(), ecs.ID{1}, "app", []string{"sh"}, driver.Streams{})
	if named := (*driver.Error)(nil); !errors.As(err, &named) || named.Name != driver.CannotExecContainerError {
		t.Errorf("got %v", err)
	}
}
