package daemon

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// diary notes what roles are told, in order.
type diary struct{ lines []string }

func (d *diary) role(name string, startErr error) role {
	return role{
		name: name,
		start: func(context.Context) error {
			d.lines = append(d.lines, "start "+name)
			return startErr
		},
		run: func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		},
		stop: func(context.Context) error {
			d.lines = append(d.lines, "stop "+name)
			return nil
		},
	}
}

func TestRolesStartInOrderAndStopInReverse(t *testing.T) {
	var d diary
	r := newRoles([]role{d.role("a", nil), d.role("b", nil), {name: "empty"}, d.role("c", nil)})
	if err := r.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 { // a second stop finds nothing
		if err := r.stop(); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"start a", "start b", "start c", "stop c", "stop b", "stop a"}
	if diff := cmp.Diff(want, d.lines); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func TestAFailedStartStopsWhatWasStarted(t *testing.T) {
	var d diary
	cause := errors.New("no luck")
	r := newRoles([]role{d.role("a", nil), d.role("b", nil), d.role("c", cause), d.role("d", nil)})
	err := r.start(t.Context())
	if !errors.Is(err, cause) || !strings.HasPrefix(err.Error(), "c: ") {
		t.Errorf("error %v, want one that names role c and its cause", err)
	}
	want := []string{"start a", "start b", "start c", "stop b", "stop a"}
	if diff := cmp.Diff(want, d.lines); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func TestARoleThatEndsByItselfIsTold(t *testing.T) {
	var d diary
	broken := d.role("b", nil)
	broken.run = func(context.Context) error { return errors.New("broke") }
	r := newRoles([]role{d.role("a", nil), broken})
	if err := r.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-r.failed; err.Error() != "b ended: broke" {
		t.Errorf("told %q", err)
	}
	if err := r.stop(); err != nil {
		t.Errorf("stop tells it again: %v", err)
	}
}

func TestStopGoesOnAfterErrors(t *testing.T) {
	var d diary
	stubborn := d.role("b", nil)
	stubborn.stop = func(context.Context) error { return errors.New("will not") }
	late := d.role("c", nil)
	late.run = func(ctx context.Context) error {
		<-ctx.Done()
		return fmt.Errorf("lost data")
	}
	r := newRoles([]role{d.role("a", nil), stubborn, late})
	if err := r.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := r.stop()
	if want := "c: lost data\nstop b: will not"; err == nil || err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
	if last := d.lines[len(d.lines)-1]; last != "stop a" {
		t.Errorf("last was %q, want stop a", last)
	}
}
