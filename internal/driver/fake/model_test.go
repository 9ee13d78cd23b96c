package fake

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

func TestParseScript(t *testing.T) {
	for _, c := range []struct {
		name, value string
		want        func(*script)
		refused     string
	}{
		{name: EnvStartDelay, value: "1.5s", want: func(s *script) { s.startDelay = span{1500 * time.Millisecond, 1500 * time.Millisecond} }},
		{name: EnvExitAfter, value: "1s..5s", want: func(s *script) { s.exits, s.exitAfter = true, span{time.Second, 5 * time.Second} }},
		{name: EnvExitCode, value: "137", want: func(s *script) { s.exitCode = 137 }},
		{name: EnvStopDelay, value: "2s", want: func(s *script) { s.stopDelay = span{2 * time.Second, 2 * time.Second} }},
		{name: EnvStopCode, value: "0", want: func(s *script) { s.termCode = 0 }},
		{name: EnvIgnoreSIGTERM, value: "true", want: func(s *script) { s.ignoreTERM = true }},
		{name: EnvFailCreate, value: "disk full", want: func(s *script) { s.failCreate = "disk full" }},
		{name: EnvFailStart, value: "no such file", want: func(s *script) { s.failStart = "no such file" }},
		{name: EnvFaultStart, value: "3", want: func(s *script) { s.faultStart = 3 }},
		{name: EnvStdout, value: "a\n\nb", want: func(s *script) { s.stdout = []string{"a", "", "b"} }},
		{name: EnvStderr, value: "", want: func(s *script) { s.stderr = []string{""} }},
		{name: EnvHealth, value: "unhealthy,healthy@12s,hangs@1m", want: func(s *script) {
			s.health = []ailment{{unhealthy, 0}, {healthy, 12 * time.Second}, {hangs, time.Minute}}
		}},
		{name: EnvHealthTakes, value: "2s", want: func(s *script) { s.healthTakes = span{2 * time.Second, 2 * time.Second} }},
		{name: "PATH", value: "/bin", want: func(*script) {}},

		{name: "FAKE_EXIT", value: "1", refused: "no such variable"},
		{name: EnvStartDelay, value: "5", refused: "want a duration"},
		{name: EnvStartDelay, value: "-1s", refused: "between"},
		{name: EnvStartDelay, value: "9000h", refused: "between"},
		{name: EnvExitAfter, value: "5s..1s", refused: "ends before it begins"},
		{name: EnvExitAfter, value: "1s..", refused: "want a duration"},
		{name: EnvExitCode, value: "256", refused: "0 to 255"},
		{name: EnvStopCode, value: "-1", refused: "0 to 255"},
		{name: EnvIgnoreSIGTERM, value: "perhaps", refused: "invalid syntax"},
		{name: EnvFaultStart, value: "1001", refused: "0 to 1000"},
		{name: EnvFailStart, value: "", refused: "want a text"},
		{name: EnvHealth, value: "ill", refused: "want healthy, unhealthy or hangs"},
		{name: EnvHealth, value: "healthy@soon", refused: "want a duration"},
		{name: EnvHealth, value: "healthy@2s,hangs@1s", refused: "does not come after"},
	} {
		got, err := parseScript([]ecs.Variable{{Name: c.name, Value: c.value}})
		if c.refused != "" {
			if err == nil || !strings.Contains(err.Error(), c.refused) || !strings.Contains(err.Error(), c.name) {
				t.Errorf("%s=%q gives error %v, want one with %q", c.name, c.value, err, c.refused)
			}
			continue
		}
		want := script{termCode: codeSIGTERM}
		c.want(&want)
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(script{}, span{}, ailment{})); diff != "" || err != nil {
			t.Errorf("%s=%q: %v (-want +got)\n%s", c.name, c.value, err, diff)
		}
	}
}

// FuzzParseScript checks that whatever is accepted keeps within the bounds that the model relies on.
func FuzzParseScript(f *testing.F) {
	f.Add(EnvStartDelay, "1s..5s")
	f.Add(EnvExitCode, "255")
	f.Add("FAKE_", "")
	f.Fuzz(func(t *testing.T, name, value string) {
		s, err := parseScript([]ecs.Variable{{Name: name, Value: value}})
		if err != nil {
			return
		}
		for _, x := range []span{s.startDelay, s.exitAfter, s.stopDelay} {
			if x.from < 0 || x.to < x.from || x.to > maxDuration {
				t.Errorf("%s=%q gives the range %v", name, value, x)
			}
		}
		for _, code := range []int32{s.exitCode, s.termCode} {
			if code < 0 || code > 255 {
				t.Errorf("%s=%q gives code %d", name, value, code)
			}
		}
		if _, err := parseImage(value); err != nil && !strings.HasPrefix(value, "fake/") {
			t.Errorf("image %q is refused: %v", value, err)
		}
	})
}

func TestPulls(t *testing.T) {
	type want struct {
		after  time.Duration
		pulled bool
		err    string
	}
	for _, c := range []struct {
		image string
		want  []want
	}{
		{"app", []want{{}, {}}},
		{ImagePull + "20s", []want{{after: 20 * time.Second, pulled: true}, {}}},
		{ImageMissing + "app", []want{{err: "CannotPullContainerError: API error (404): repository fake/missing:app not found"}}},
		{ImageFaults + "2", []want{{err: errAway.Error()}, {err: errAway.Error()}, {}}},
		{ImagePull + "soon", []want{{err: `CannotPullContainerError: image "fake/pull:soon": want a duration such as 1.5s`}}},
	} {
		m, now := NewModel(1), ecs.Time(1000)
		for i, want := range c.want {
			m.Do(now, driver.Call{ID: uint64(i), Op: driver.OpPull, Image: c.image})
			at, _ := m.Next()
			out := m.Advance(at)
			if len(out) != 1 {
				t.Fatalf("pull %d of %s gives %d outcomes", i, c.image, len(out))
			}
			r := out[0].Result
			text := ""
			if r.Err != nil {
				text = r.Err.Error()
			}
			if at.Sub(now) != want.after || r.Pulled != want.pulled || text != want.err {
				t.Errorf("pull %d of %s: after %v, pulled %v, error %q, want %+v", i, c.image, at.Sub(now), r.Pulled, text, want)
			}
			now = at
		}
	}
}

func TestPortsAreUsedUpAndGivenBack(t *testing.T) {
	p := newPorts()
	seen := map[uint16]bool{}
	var all [][]ecs.Binding
	for {
		b, err := p.bind(ecs.NetworkBridge, []ecs.PortMapping{{ContainerPort: 80}})
		if err != nil {
			break
		}
		if seen[b[0].HostPort] || b[0].HostPort < firstDynamic {
			t.Fatalf("port %d is given twice or not of the range", b[0].HostPort)
		}
		seen[b[0].HostPort] = true
		all = append(all, b)
	}
	if want := lastDynamic - firstDynamic + 1; len(all) != want {
		t.Errorf("%d ports could be taken, want %d", len(all), want)
	}
	if _, err := p.bind(ecs.NetworkBridge, []ecs.PortMapping{{ContainerPort: 53, UDP: true}}); err != nil {
		t.Errorf("TCP ports are used up, and so are UDP ports: %v", err)
	}
	// The first of the two could be had; it must not stay taken.
	fixed := []ecs.PortMapping{{ContainerPort: 1, HostPort: 8080}, {ContainerPort: 2}}
	if _, err := p.bind(ecs.NetworkBridge, fixed); err == nil {
		t.Error("a port was found where none is free")
	}
	if _, err := p.bind(ecs.NetworkBridge, fixed[:1]); err != nil {
		t.Errorf("a failed bind kept a port: %v", err)
	}
	p.release(all[5], ecs.NetworkBridge)
	if b, err := p.bind(ecs.NetworkBridge, fixed[1:]); err != nil || b[0].HostPort != all[5][0].HostPort {
		t.Errorf("after a release: %v, %v, want the port released", b, err)
	}
}

// TestSameCallsSameOutcomes replays random calls: a model is a function of its seed, the calls and their times. Every call is
// answered once, and a container ends once.
func TestSameCallsSameOutcomes(t *testing.T) {
	scripts := []driver.Spec{
		scripted(EnvStartDelay, "0s..3s", EnvExitAfter, "0s..5s", EnvExitCode, "1"),
		scripted(EnvStopDelay, "0s..9s"),
		scripted(EnvIgnoreSIGTERM, "1"),
		scripted(EnvFailStart, "no", EnvFaultStart, "1"),
	}
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		a, b := NewModel(seed), NewModel(seed)
		now, n := ecs.Time(1), rapid.IntRange(1, 60).Draw(t, "calls")
		answered, ended := map[uint64]int{}, map[string]int{}
		advance := func() {
			got, again := a.Advance(now), b.Advance(now)
			if diff := cmp.Diff(describe(got), describe(again)); diff != "" {
				t.Fatalf("two runs differ:\n%s", diff)
			}
			for _, o := range got {
				switch {
				case o.At > now:
					t.Fatalf("at %d comes what happens at %d", now, o.At)
				case o.Result != nil:
					answered[o.Result.ID]++
				case o.Event.Started.RuntimeID != "":
					ended[o.Event.Started.RuntimeID]++
				}
			}
		}
		for i := range n {
			task := rapid.IntRange(0, len(scripts)-1).Draw(t, "task")
			call := driver.Call{ID: uint64(i), Key: driver.Key{Task: ecs.ID{byte(task)}, Container: "web"}, Spec: &scripts[task],
				Op:      driver.Op(rapid.IntRange(int(driver.OpList), int(driver.OpRemoveLogs)).Draw(t, "op")),
				Timeout: time.Duration(rapid.IntRange(0, 5).Draw(t, "timeout")) * time.Second}
			now += ecs.Time(rapid.IntRange(0, 3000).Draw(t, "wait"))
			advance()
			a.Do(now, call)
			b.Do(now, call)
		}
		now += 60_000
		advance()
		for i := range n {
			if answered[uint64(i)] != 1 {
				t.Fatalf("call %d was answered %d times", i, answered[uint64(i)])
			}
		}
		for id, times := range ended {
			if times != 1 {
				t.Fatalf("%s ended %d times", id, times)
			}
		}
	})
}

// describe spells outcomes out, with what pointers point to.
func describe(all []Outcome) []string {
	var texts []string
	for _, o := range all {
		text, err := json.Marshal(o)
		texts = append(texts, fmt.Sprint(string(text), err))
	}
	return texts
}
