package daemon

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// role is one part of the daemon. Each of its functions may be nil.
type role struct {
	name string
	// start makes the role ready for those after it. ctx bounds only the starting.
	start func(ctx context.Context) error
	// run works until its ctx is done; it is begun after start. Returning earlier is a failure.
	run func(ctx context.Context) error
	// stop lets go of what start made, after run has returned.
	stop func(ctx context.Context) error
}

// roles are a list of roles and how far it has been started. One goroutine starts and stops.
type roles struct {
	list    []role
	started []*running // in order
	failed  chan error // the first failure of a run
}

// running is a role that has been started.
type running struct {
	role
	cancel context.CancelFunc
	over   chan struct{} // closed when run has returned
	err    error         // what run returned; read after over
}

func newRoles(list []role) *roles { return &roles{list: list, failed: make(chan error, 1)} }

// start starts all in order, or none: what was started before a failure is stopped.
func (r *roles) start(ctx context.Context) error {
	for _, role := range r.list {
		if role.start != nil {
			if err := role.start(ctx); err != nil {
				return errors.Join(fmt.Errorf("%s: %w", role.name, err), r.stop())
			}
		}
		r.begin(role)
	}
	return nil
}

func (r *roles) begin(role role) {
	ctx, cancel := context.WithCancel(context.Background())
	one := &running{role: role, cancel: cancel, over: make(chan struct{})}
	r.started = append(r.started, one)
	go func() {
		defer close(one.over)
		if role.run == nil {
			return
		}
		one.err = role.run(ctx)
		if ctx.Err() == nil {
			r.fail(fmt.Errorf("%s ended: %w", role.name, one.err))
		}
	}()
}

// fail tells the first failure; those after it are most often its consequence.
func (r *roles) fail(err error) {
	select {
	case r.failed <- err:
	default:
	}
}

// stop stops what has been started, in reverse, each only when the one before it is at its end. It goes on after errors.
func (r *roles) stop() error {
	var errs []error
	for _, one := range slices.Backward(r.started) {
		wasAsked := one.ended()
		one.cancel()
		<-one.over
		if one.err != nil && !wasAsked && !errors.Is(one.err, context.Canceled) {
			errs = append(errs, fmt.Errorf("%s: %w", one.name, one.err))
		}
		if one.role.stop != nil {
			if err := one.role.stop(context.Background()); err != nil {
				errs = append(errs, fmt.Errorf("stop %s: %w", one.name, err))
			}
		}
	}
	r.started = nil
	return errors.Join(errs...)
}

// ended says whether run has returned by itself; Failed has told that.
func (one *running) ended() bool {
	select {
	case <-one.over:
		return true
	default:
		return false
	}
}
