package drivertest

import (
	"errors"
	"slices"
	"sync"

	"ballast/internal/driver"
)

func (s *suite) lifecycle() {
	if s.d.Name() == "" {
		s.Error("the driver has no name")
	}
	k := key(1)
	s.create(k, s.Sleeps())
	s.wantState(k, driver.Created)
	st := s.start(k)
	if o := s.wantState(k, driver.Running); o.Started.At != st.At || o.Started.RuntimeID != st.RuntimeID {
		s.Errorf("list has it started as %+v, start gave %+v", o.Started, st)
	}
	s.Wait(s.T, "the container is ready", func() bool { return s.count(k) == 1 })
	e := s.stop(k, long)
	if e.At < st.At {
		s.Errorf("ended at %d, before it started at %d", e.At, st.At)
	}
	if o := s.wantState(k, driver.Exited); !sameExit(o.Exit, e) {
		s.Errorf("list has the end as %s, stop gave %s", exitText(o.Exit), exitText(e))
	}
	s.remove(k)
	if _, found := s.observe(k); found {
		s.Error("list still has the container after remove")
	}
}

func (s *suite) createTwice() {
	k := key(1)
	s.create(k, s.Sleeps())
	s.create(k, s.Sleeps())
	if n := len(s.list()); n != 1 {
		s.Fatalf("list has %d containers, want 1", n)
	}
	s.start(k)
	s.create(k, s.Sleeps())
	s.wantState(k, driver.Running)
	s.stop(k, long)
	s.create(k, s.Sleeps())
	s.wantState(k, driver.Exited)
}

func (s *suite) startTwice() {
	k := key(1)
	first := s.run(k, s.Sleeps())
	again := s.start(k)
	if again.At != first.At || again.RuntimeID != first.RuntimeID {
		s.Errorf("the second start gave %+v, the first %+v", again, first)
	}
	s.stop(k, long)
	if n := s.count(k); n != 1 {
		s.Errorf("the container ran %d times, want 1", n)
	}
}

func (s *suite) startAfterExit() {
	k := key(1)
	first := s.run(k, s.ExitsOnTERM(5))
	s.stop(k, long)
	again := s.start(k)
	if again.At != first.At || again.RuntimeID != first.RuntimeID {
		s.Errorf("start after the end gave %+v, the first start %+v", again, first)
	}
	s.wantCode(k, s.wantState(k, driver.Exited).Exit, 5)
	if n := s.count(k); n != 1 {
		s.Errorf("the container ran %d times, want 1", n)
	}
}

func (s *suite) unknownContainer() {
	k := key(1)
	_, err := s.d.Start(s.ctx, k)
	s.wantError(err, driver.ContainerVanishedError, "")
	_, err = s.d.Stop(s.ctx, k, long)
	s.wantError(err, driver.ContainerVanishedError, "")
	s.remove(k)
	if lines, _ := s.lines(k, 0, 10); len(lines) != 0 {
		s.Errorf("a container that never was has logs: %v", lines)
	}
	if err := s.d.RemoveLogs(s.ctx, k.Task); err != nil {
		s.Errorf("remove logs of a task that never was: %v", err)
	}
}

func (s *suite) exitCodes() {
	for i, code := range []int32{0, 1, 7, 255} {
		k := key(i)
		s.create(k, s.Exits(code))
		s.start(k)
		s.wantCode(k, s.ended(k), code)
	}
}

func (s *suite) stopBySIGTERM() {
	s.run(key(1), s.Sleeps())
	s.wantCode(key(1), s.stop(key(1), long), 128+15)
	s.run(key(2), s.ExitsOnTERM(3))
	s.wantCode(key(2), s.stop(key(2), long), 3)
}

func (s *suite) stopBySIGKILL() {
	s.run(key(1), s.IgnoresTERM())
	s.wantCode(key(1), s.stop(key(1), short), 128+9)
	s.run(key(2), s.IgnoresTERM())
	s.wantCode(key(2), s.stop(key(2), 0), 128+9)
}

func (s *suite) stopTwice() {
	k := key(1)
	s.run(k, s.Sleeps())
	first, again := s.stop(k, long), s.stop(k, long)
	if !sameExit(first, again) {
		s.Errorf("the second stop gave %s, the first %s", exitText(again), exitText(first))
	}
}

func (s *suite) stopAfterExit() {
	k := key(1)
	s.create(k, s.Exits(4))
	s.start(k)
	ended := s.ended(k)
	if e := s.stop(k, long); !sameExit(e, ended) {
		s.Errorf("stop gave %s, want the end that came before: %s", exitText(e), exitText(ended))
	}
}

func (s *suite) stopBeforeStart() {
	w := s.watch()
	k := key(1)
	s.create(k, s.Sleeps())
	e := s.stop(k, long)
	if e.Code != nil || e.At == 0 {
		s.Errorf("a container that never started ended as %s, want a time and no code", exitText(e))
	}
	s.wantState(k, driver.Exited)
	s.Wait(s.T, "the end of a container that never started", func() bool { _, ok := w.of(k); return ok })
	_, err := s.d.Start(s.ctx, k)
	s.wantError(err, driver.CannotStartContainerError, "")
	s.wantState(k, driver.Exited)
	s.remove(k)
}

func (s *suite) removeRunning() {
	k := key(1)
	s.run(k, s.Sleeps())
	if err := s.d.Remove(s.ctx, k); err == nil {
		s.Error("a running container could be removed")
	}
	s.wantState(k, driver.Running)
	s.stop(k, long)
	s.remove(k)
}

func (s *suite) removeTwice() {
	k := key(1)
	s.create(k, s.Exits(0))
	s.start(k)
	s.ended(k)
	s.remove(k)
	s.remove(k)
	s.create(key(2), s.Sleeps())
	s.remove(key(2))
	if n := len(s.list()); n != 0 {
		s.Errorf("list has %d containers, want none", n)
	}
}

func (s *suite) listOrder() {
	var want []driver.Key
	for _, n := range []int{5, 1, 9, 3, 7} {
		s.create(key(n), s.Sleeps())
		want = append(want, key(n))
	}
	s.start(key(3))
	s.start(key(5))
	s.remove(key(9))
	want = slices.Delete(want, 2, 3)
	var got []driver.Key
	for _, o := range s.list() {
		got = append(got, o.Key)
	}
	if !slices.Equal(got, want) {
		s.Errorf("list has %v, want the order of creation %v", got, want)
	}
	s.stop(key(3), long)
	s.stop(key(5), long)
}

// attempts: a restart in place takes the place of the attempt before it.
func (s *suite) attempts() {
	first, second := key(1), key(1)
	second.Attempt = 1
	s.create(first, s.Exits(6))
	s.start(first)
	s.wantCode(first, s.ended(first), 6)
	s.create(second, s.Exits(6))
	s.start(second)
	s.wantCode(second, s.ended(second), 6)
	st := s.start(second)
	if o := s.wantState(second, driver.Exited); o.Started.At != st.At {
		s.Errorf("another start of %v gave %+v, the list has %+v", second, st, o.Started)
	}
	s.wantKeys(second)
	third := second
	third.Attempt = 2
	s.create(third, s.Exits(6))
	s.create(third, s.Exits(6))
	s.remove(third)
	s.wantKeys()
}

// wantKeys checks which containers the driver has.
func (s *suite) wantKeys(want ...driver.Key) {
	var got []driver.Key
	for _, o := range s.list() {
		got = append(got, o.Key)
	}
	if !slices.Equal(got, want) {
		s.Errorf("list has %v, want %v", got, want)
	}
}

func (s *suite) events() {
	w := s.watch()
	for i, code := range []int32{0, 9} {
		k := key(i)
		s.create(k, s.Exits(code))
		st := s.start(k)
		var o driver.Observation
		s.Wait(s.T, "the event of "+k.String(), func() (ok bool) { o, ok = w.of(k); return ok })
		if o.State != driver.Exited || o.Started.RuntimeID != st.RuntimeID {
			s.Errorf("the event of %v says %+v, want it exited and started as %+v", k, o, st)
		}
		s.wantCode(k, o.Exit, code)
		if listed := s.wantState(k, driver.Exited); !sameExit(listed.Exit, o.Exit) {
			s.Errorf("list has the end of %v as %s, the event %s", k, exitText(listed.Exit), exitText(o.Exit))
		}
	}
	k := key(5)
	s.run(k, s.Sleeps())
	e := s.stop(k, long)
	var o driver.Observation
	s.Wait(s.T, "the event of a container that was stopped", func() (ok bool) { o, ok = w.of(k); return ok })
	if !sameExit(o.Exit, e) {
		s.Errorf("the event has %s, stop gave %s", exitText(o.Exit), exitText(e))
	}
}

// eventsAgain: what ends between two subscriptions is in List, what ends later comes as an event.
func (s *suite) eventsAgain() {
	w := s.watch()
	s.run(key(1), s.Sleeps())
	s.run(key(2), s.Sleeps())
	w.cancel()
	s.Wait(s.T, "the channel of events is closed", w.isClosed)
	s.stop(key(1), long)

	w = s.watch()
	s.wantCode(key(1), s.wantState(key(1), driver.Exited).Exit, 143)
	s.stop(key(2), long)
	s.Wait(s.T, "the event after the second subscription", func() bool { _, ok := w.of(key(2)); return ok })
}

func (s *suite) commandNotFound() {
	k := key(1)
	s.create(k, s.NotFound())
	for range 2 {
		_, err := s.d.Start(s.ctx, k)
		s.wantError(err, driver.CannotStartContainerError, "")
		if o, found := s.observe(k); found && o.State == driver.Running {
			s.Error("a container whose command does not exist is running")
		}
	}
	if _, err := s.d.Stop(s.ctx, k, long); err != nil && !errors.As(err, new(*driver.Error)) {
		s.Errorf("stop of a container that could not start: %v", err)
	}
	s.remove(k)
}

// sideBySide: calls for different containers do not wait for each other's containers and none is lost.
func (s *suite) sideBySide() {
	const n = 16
	w := s.watch()
	each := func(do func(i int)) {
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() { do(i) })
		}
		wg.Wait()
	}
	each(func(i int) {
		if err := s.d.Create(s.ctx, key(i), s.Sleeps()); err != nil {
			s.Errorf("create: %v", err)
		}
		if _, err := s.d.Start(s.ctx, key(i)); err != nil {
			s.Errorf("start: %v", err)
		}
	})
	if s.Failed() {
		return
	}
	for i := range n {
		s.Wait(s.T, key(i).String()+" is ready", func() bool { return s.count(key(i)) == 1 })
	}
	each(func(i int) {
		if e, err := s.d.Stop(s.ctx, key(i), long); err != nil || e.Code == nil || *e.Code != 143 {
			s.Errorf("stop: %s, %v", exitText(e), err)
		}
	})
	for i := range n {
		s.Wait(s.T, "the event of "+key(i).String(), func() bool { _, ok := w.of(key(i)); return ok })
		s.remove(key(i))
	}
}

// taskLimits: containers of a task with limits run, one after the end of another too, whether or not the limits can be enforced.
func (s *suite) taskLimits() {
	limits := &driver.TaskLimits{CPU: 1024, Memory: 512, Share: 1024}
	name := func(container string) driver.Key { return driver.Key{Task: key(1).Task, Container: container} }
	for _, k := range []driver.Key{name("first"), name("second")} {
		spec := s.Sleeps()
		spec.Task = limits
		s.run(k, spec)
	}
	exit := s.ExitsOnTERM(3)
	exit.Task = limits
	s.wantCode(name("first"), s.stop(name("first"), long), 143)
	s.run(name("third"), exit)
	s.wantState(name("second"), driver.Running)
	s.wantCode(name("second"), s.stop(name("second"), long), 143)
	s.remove(name("second"))
	s.wantCode(name("third"), s.stop(name("third"), long), 3)
}
