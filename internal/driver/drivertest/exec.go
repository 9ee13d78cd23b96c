package drivertest

import (
	"sync"
	"time"

	"ballast/internal/driver"
)

func (s *suite) execCodes() {
	for n, ok := range []bool{true, false} {
		spec, command := s.Checked(ok)
		k := key(n + 1)
		s.run(k, spec)
		want := map[bool]int{true: 0, false: 1}[ok]
		for range 2 {
			code, output, err := s.d.Exec(s.ctx, k, command, long)
			if err != nil || code != want {
				s.Errorf("exec gave code %d, output %q, error %v; want code %d", code, output, err, want)
			}
			if len(output) > driver.MaxOutput {
				s.Errorf("exec gave %d bytes of output, more than %d", len(output), driver.MaxOutput)
			}
		}
		s.wantState(k, driver.Running)
		s.stop(k, long)
	}
}

func (s *suite) execTimesOut() {
	spec, command := s.CheckHangs()
	k := key(1)
	s.run(k, spec)
	code, _, err := s.d.Exec(s.ctx, k, command, short)
	if err != nil || code != driver.ExecTimedOut {
		s.Errorf("exec gave code %d, error %v; want code %d", code, err, driver.ExecTimedOut)
	}
	s.wantState(k, driver.Running)
	s.wantCode(k, s.stop(k, long), 143)
}

// execBesideStop stops a container while a command runs in it: neither waits for the other.
func (s *suite) execBesideStop() {
	spec, command := s.CheckHangs()
	k := key(1)
	s.run(k, spec)
	var running sync.WaitGroup
	running.Go(func() { s.d.Exec(s.ctx, k, command, time.Second) })
	s.wantCode(k, s.stop(k, long), 143)
	running.Wait()
}

func (s *suite) execNotRunning() {
	spec, command := s.Checked(true)
	k := key(1)
	_, _, err := s.d.Exec(s.ctx, k, command, short)
	s.wantError(err, driver.ContainerVanishedError, "")
	s.create(k, spec)
	_, _, err = s.d.Exec(s.ctx, k, command, short)
	s.wantError(err, driver.CannotExecContainerError, "not running")
	s.start(k)
	s.stop(k, long)
	_, _, err = s.d.Exec(s.ctx, k, command, short)
	s.wantError(err, driver.CannotExecContainerError, "not running")
}
