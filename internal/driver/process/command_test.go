package process

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ballast/internal/agent/keeper"
	"ballast/internal/driver"
	"ballast/internal/ecs"
)

func wantError(t *testing.T, err error, name, part string) {
	t.Helper()
	var e *driver.Error
	if name == "" {
		if err != nil {
			t.Errorf("got %v, want no error", err)
		}
		return
	}
	if !errors.As(err, &e) || e.Name != name || !strings.Contains(e.Text, part) {
		t.Errorf("got %v, want %s with %q", err, name, part)
	}
}

func TestCheck(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	sh := []string{"sh"}
	for _, c := range []struct {
		name string
		spec driver.Spec
		text string // "" means that it can be created
	}{
		{"command", driver.Spec{Command: sh}, ""},
		{"entry point", driver.Spec{EntryPoint: sh, WorkingDirectory: dir}, ""},
		{"relative directory", driver.Spec{Command: sh, WorkingDirectory: "."}, ""},
		{"image only", driver.Spec{Image: "nginx"}, "the process driver pulls no image, so it needs an entryPoint or a command"},
		{"no directory", driver.Spec{Command: sh, WorkingDirectory: "none"}, "no such file or directory"},
		{"a file as directory", driver.Spec{Command: sh, WorkingDirectory: "file"}, "not a directory"},
		{"network none", driver.Spec{Command: sh, NetworkMode: ecs.NetworkNone}, "network mode none"},
		{"NUL in command", driver.Spec{Command: []string{"a\x00b"}}, "NUL"},
		{"bad variable", driver.Spec{Command: sh, Environment: []ecs.Variable{{Name: "a=b"}}}, "environment variable"},
	} {
		t.Run(c.name, func(t *testing.T) {
			name := driver.CannotCreateContainerError
			if c.text == "" {
				name = ""
			}
			wantError(t, check(c.spec, Config{Dir: dir}), name, c.text)
		})
	}
}

func TestLookup(t *testing.T) {
	dir := t.TempDir()
	for path, mode := range map[string]os.FileMode{"bin/run": 0o755, "bin/plain": 0o644, "other/run": 0o755, "run.sh": 0o755} {
		full := filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	path := "/nowhere:bin:" + filepath.Join(dir, "other")
	for _, c := range []struct{ name, want, text string }{
		{"run", "bin/run", ""},
		{"./run.sh", "run.sh", ""},
		{"bin/run", "bin/run", ""},
		{filepath.Join(dir, "other/run"), "other/run", ""},
		{"run.sh", "", `exec: "run.sh": executable file not found in $PATH`},
		{"", "", "executable file not found in $PATH"},
		{"plain", "", `exec: "plain": permission denied`},
		{"bin/plain", "", "permission denied"},
		{"./none", "", `exec: "./none": no such file or directory`},
		{"./bin", "", "is a directory"},
	} {
		got, err := lookup(c.name, dir, path)
		if c.text != "" {
			wantError(t, err, driver.CannotStartContainerError, c.text)
		} else if got != filepath.Join(dir, c.want) || err != nil {
			t.Errorf("%s: got %s, %v, want %s", c.name, got, err, c.want)
		}
	}
}

func TestEnvironment(t *testing.T) {
	cfg := Config{Path: "/bin", Home: "/home", Host: "127.0.0.1"}
	spec := driver.Spec{Environment: []ecs.Variable{
		{Name: "PORT", Value: "own"}, {Name: "HOST", Value: "own"}, {Name: keeper.Marker, Value: "own"}, {Name: "A", Value: "1"}, {Name: "A", Value: "2"}, {Name: "E"},
	}}
	bindings := []ecs.Binding{{ContainerPort: 80, HostPort: 4000}, {ContainerPort: 53, HostPort: 4001, UDP: true}}
	for _, c := range []struct {
		name     string
		bindings []ecs.Binding
		want     []string
	}{
		{"without ports", nil, []string{"PATH=/bin", "HOME=/home", "PORT=own", "HOST=own", "A=2", "E="}},
		{"with ports", bindings, []string{"PATH=/bin", "HOME=/home", "HOST=own", "A=2", "E=", "PORT=4000", "PORT_80=4000", "PORT_53=4001"}},
	} {
		if got := environment(spec, cfg, c.bindings); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// TestPorts draws from 9000 on; another program has 80.
func TestPorts(t *testing.T) {
	h := held{of: map[endpoint]int{}, taken: []uint16{80}}
	var p ports
	p.open(portRange{9000, 9099}, 0)
	dynamic := driver.Spec{Ports: []ecs.PortMapping{{ContainerPort: 1}, {ContainerPort: 2, UDP: true}}}
	fixed := func(port uint16) driver.Spec {
		return driver.Spec{Ports: []ecs.PortMapping{{ContainerPort: 1}, {ContainerPort: 3, HostPort: port}}}
	}
	take := func(k int, spec driver.Spec) []uint16 {
		t.Helper()
		bindings, err := p.take(key(k), spec, "127.0.0.1", h.claim)
		if err != nil {
			t.Fatal(err)
		}
		var got []uint16
		for _, b := range bindings {
			got = append(got, b.HostPort)
		}
		return got
	}
	if got := take(1, dynamic); !slices.Equal(got, []uint16{9000, 9001}) {
		t.Errorf("the first container got %v", got)
	}
	if got := take(2, fixed(7000)); !slices.Equal(got, []uint16{9002, 7000}) {
		t.Errorf("the second container got %v", got)
	}
	for _, port := range []uint16{80, 7000, 9001} {
		_, err := p.take(key(3), fixed(port), "127.0.0.1", h.claim)
		if port == 9001 { // taken for UDP only
			wantError(t, err, "", "")
			p.release(key(3))
			continue
		}
		wantError(t, err, driver.CannotStartContainerError, "address already in use")
	}
	if len(p.taken) != 4 {
		t.Errorf("%d endpoints are taken after refusals, want 4", len(p.taken))
	}
	p.release(key(2))
	if got := take(4, fixed(7000)); got[1] != 7000 {
		t.Errorf("after the release the port given was %d", got[1])
	}
	p.adopt([]driver.Observation{
		{Key: key(1), State: driver.Exited, Started: driver.Started{Bindings: []ecs.Binding{{BindIP: "127.0.0.1", HostPort: 9000}}}},
		{Key: key(9), State: driver.Running, Started: driver.Started{Bindings: []ecs.Binding{{BindIP: "127.0.0.1", HostPort: 6000}}}},
	})
	if _, err := p.take(key(5), fixed(6000), "127.0.0.1", h.claim); err == nil {
		t.Error("a port of a container that was adopted is given again")
	}
	h.check(t, &p)
	for e, k := range p.taken {
		if k.key == key(1) {
			t.Errorf("%+v is taken by a container that has ended", e)
		}
	}
}
