package drivertest

import (
	"fmt"
	"slices"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

func (s *suite) staticPortTaken() {
	port := s.FreePort(s.T)
	spec := s.Listens(ecs.NetworkBridge, ecs.PortMapping{ContainerPort: 80, HostPort: port})
	st := s.run(key(1), spec)
	if len(st.Bindings) != 1 || st.Bindings[0].HostPort != port || st.Bindings[0].ContainerPort != 80 {
		s.Fatalf("got bindings %+v, want host port %d for container port 80", st.Bindings, port)
	}
	s.create(key(2), spec)
	_, err := s.d.Start(s.ctx, key(2))
	s.wantError(err, driver.CannotStartContainerError, "address already in use")
	s.wantState(key(1), driver.Running)

	s.stop(key(1), long)
	s.run(key(3), spec) // the port is free again
	s.stop(key(3), long)
}

func (s *suite) dynamicPorts() {
	ports := []ecs.PortMapping{{ContainerPort: 80}, {ContainerPort: 443}, {ContainerPort: 53, UDP: true}}
	taken := map[string]driver.Key{}
	for n := range 3 {
		k := key(n)
		st := s.run(k, s.Listens(ecs.NetworkBridge, ports...))
		if len(st.Bindings) != len(ports) {
			s.Fatalf("%v has bindings %+v, want one for each of %+v", k, st.Bindings, ports)
		}
		for i, b := range st.Bindings {
			if b.ContainerPort != ports[i].ContainerPort || b.UDP != ports[i].UDP || b.HostPort == 0 || b.BindIP == "" {
				s.Errorf("%v has binding %+v for %+v", k, b, ports[i])
			}
			address := fmt.Sprintf("%s:%d udp=%t", b.BindIP, b.HostPort, b.UDP)
			if other, dup := taken[address]; dup {
				s.Errorf("%v and %v share %s", k, other, address)
			}
			taken[address] = k
		}
		if o := s.wantState(k, driver.Running); !slices.Equal(o.Started.Bindings, st.Bindings) {
			s.Errorf("list has bindings %+v, start gave %+v", o.Started.Bindings, st.Bindings)
		}
	}
	for n := range 3 {
		s.stop(key(n), long)
	}
}

// hostPorts: in host mode the host's port is the container's (API_PortMapping).
func (s *suite) hostPorts() {
	port := s.FreePort(s.T)
	st := s.run(key(1), s.Listens(ecs.NetworkHost, ecs.PortMapping{ContainerPort: port}))
	if len(st.Bindings) != 1 || st.Bindings[0].HostPort != port || st.Bindings[0].ContainerPort != port {
		s.Errorf("got bindings %+v, want port %d on both sides", st.Bindings, port)
	}
	s.stop(key(1), long)
}

func (s *suite) logs() {
	k := key(1)
	stdout, stderr := []string{"one", "", "three  ", "vier: \u00e4\u00f6\u00fc"}, []string{"oops", "again"}
	s.create(k, s.Prints(stdout, stderr))
	s.start(k)
	s.wantCode(k, s.ended(k), 0)
	s.Wait(s.T, "all lines are written", func() bool {
		all, _ := s.lines(k, 0, 100)
		return len(all) >= len(stdout)+len(stderr)
	})
	for _, n := range []int{1, 2, 100} {
		all, end := s.lines(k, 0, n)
		if got := streamOf(all, false); !slices.Equal(got, stdout) {
			s.Errorf("%d at a time: standard output is %q, want %q", n, got, stdout)
		}
		if got := streamOf(all, true); !slices.Equal(got, stderr) {
			s.Errorf("%d at a time: standard error is %q, want %q", n, got, stderr)
		}
		for i, l := range all {
			if l.At == 0 || i > 0 && l.At < all[i-1].At {
				s.Errorf("line %d has time %d", i, l.At)
			}
		}
		if more, next := s.lines(k, end, n); len(more) != 0 || next != end {
			s.Errorf("after the end come %d lines and position %d, want none and %d", len(more), next, end)
		}
	}
	s.logBytes(k, len(stdout)+len(stderr))
}

// logBytes reads the logs of a container some bytes at a time: no line follows when there are so many, and each of n comes once.
func (s *suite) logBytes(k driver.Key, n int) {
	for bytes := 1; bytes < 12; bytes++ {
		lines := 0
		for next := int64(0); ; {
			got, after, err := s.d.Logs(s.ctx, k.Task, k.Container, next, driver.LogLimit{Lines: 100, Bytes: bytes})
			if err != nil {
				s.Fatalf("logs of %v after %d: %v", k, next, err)
			}
			if len(got) == 0 {
				break
			}
			sum := 0
			for _, l := range got[:len(got)-1] {
				sum += len(l.Text)
			}
			if sum >= bytes {
				s.Errorf("%d bytes at a time: a line follows %d bytes", bytes, sum)
			}
			lines, next = lines+len(got), after
		}
		if lines != n {
			s.Errorf("%d bytes at a time: got %d lines, want %d", bytes, lines, n)
		}
	}
}

func (s *suite) logsAcrossAttempts() {
	first, second := key(1), key(1)
	second.Attempt = 1
	s.create(first, s.Prints([]string{"a", "b"}, nil))
	s.start(first)
	s.ended(first)
	s.Wait(s.T, "the lines of the first attempt", func() bool { return len(s.texts(first)) == 2 })
	_, end := s.lines(first, 0, 10)
	s.create(second, s.Prints([]string{"a", "b"}, nil))
	s.start(second)
	s.ended(second)
	s.Wait(s.T, "the lines of the second attempt", func() bool { return len(s.texts(first)) == 4 })
	more, _ := s.lines(first, end, 10)
	if got := streamOf(more, false); !slices.Equal(got, []string{"a", "b"}) {
		s.Errorf("after the first attempt come %q, want the lines of the second", got)
	}
}

func (s *suite) removeKeepsLogs() {
	k := key(1)
	s.create(k, s.Prints([]string{"kept"}, nil))
	s.start(k)
	s.ended(k)
	s.Wait(s.T, "the line is written", func() bool { return len(s.texts(k)) == 1 })
	s.remove(k)
	if got := s.texts(k); !slices.Equal(got, []string{"kept"}) {
		s.Errorf("after remove the logs are %q", got)
	}
	for range 2 {
		if err := s.d.RemoveLogs(s.ctx, k.Task); err != nil {
			s.Fatalf("remove logs: %v", err)
		}
		if got := s.texts(k); len(got) != 0 {
			s.Errorf("after RemoveLogs the logs are %q", got)
		}
	}
}
