package process

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ballast/internal/driver"
	"ballast/internal/driver/drivertest"
	"ballast/internal/ecs"
)

// said gives what a container and then a command run in it say of themselves.
func said(t *testing.T, d *Driver, spec driver.Spec) []string {
	t.Helper()
	create(t, d, key(1), spec)
	if _, err := d.Start(t.Context(), key(1)); err != nil {
		t.Fatal(err)
	}
	var texts []string
	drivertest.Wait(t, "it says what it is bound to", func() bool {
		texts = nil
		lines, _, err := d.Logs(t.Context(), key(1).Task, "app", 0, driver.LogLimit{Lines: 10})
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range lines {
			texts = append(texts, l.Text)
		}
		return slices.Contains(texts, "ready")
	})
	code, out, err := d.Exec(t.Context(), key(1), []string{"sh", "-c", "echo uid $(id -u) gid $(id -g) core $(ulimit -Sc) $(ulimit -Hc)"}, 1e10)
	if err != nil || code != 0 {
		t.Fatalf("exec: %d, %v: %s", code, err, out)
	}
	return append(texts, strings.TrimSpace(out))
}

func TestUlimits(t *testing.T) {
	spec := command("whoami")
	spec.Isolation = &ecs.Isolation{Ulimits: []ecs.Ulimit{{Name: "core", Soft: 512, Hard: 1024}, {Name: "nofile", Soft: 64, Hard: 64}}}
	texts := said(t, open(t), spec)
	if !strings.Contains(texts[0], "core 512 1024 stdout <nil>") {
		t.Errorf("the container says %q", texts[0])
	}
	if !strings.HasSuffix(texts[2], "core 1 2") { // of 512 bytes
		t.Errorf("a command in it says %q", texts[2])
	}
}

// TestUlimitsOfManyArguments starts a command that has more arguments, all together, than one argument may be long.
func TestUlimitsOfManyArguments(t *testing.T) {
	args := []string{"print"}
	for range 5 {
		args = append(args, "o"+strings.Repeat("x", 64<<10))
	}
	args = append(args, "oready")
	for name, limits := range map[string][]ecs.Ulimit{"without limits": nil, "with limits": {{Name: "nofile", Soft: 64, Hard: 64}}} {
		t.Run(name, func(t *testing.T) {
			d := open(t)
			spec := command(args...)
			spec.Isolation = &ecs.Isolation{Ulimits: limits}
			create(t, d, key(1), spec)
			if _, err := d.Start(t.Context(), key(1)); err != nil {
				t.Fatal(err)
			}
			drivertest.Wait(t, "it has written all", func() bool {
				lines, _, err := d.Logs(t.Context(), key(1).Task, "app", 0, driver.LogLimit{Lines: 100})
				return err == nil && len(lines) == 5*4+1 && lines[20].Text == "ready" // lines are split at 16 KiB
			})
		})
	}
}

func TestUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can be another user")
	}
	exe := visibleCopy(t)
	for name, limits := range map[string][]ecs.Ulimit{"user": nil, "with limits": {{Name: "core", Soft: 0, Hard: 0}}} {
		t.Run(name, func(t *testing.T) {
			spec := driver.Spec{Command: []string{exe, "app", "whoami"}, WorkingDirectory: "/"}
			spec.Isolation = &ecs.Isolation{User: "12345:54321", Ulimits: limits}
			texts := said(t, open(t), spec)
			if !strings.HasPrefix(texts[0], "uid 12345 gid 54321 groups [] ") || !strings.HasSuffix(texts[0], "stdout <nil>") {
				t.Errorf("the container says %q", texts[0])
			}
			if !strings.HasPrefix(texts[2], "uid 12345 gid 54321") {
				t.Errorf("a command in it says %q", texts[2])
			}
		})
	}
}

// visibleCopy gives this program at a path that every user can come to.
func visibleCopy(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "ballast-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(dir, "app")
	if out, err := exec.Command("cp", exe, to).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return to
}

// TestUlimitsOfNothing sees that a command that is not there is named as without limits.
func TestUlimitsOfNothing(t *testing.T) {
	d := open(t)
	file := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(file, []byte("#!/no/such/interpreter\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	spec := driver.Spec{Command: []string{file}, Isolation: &ecs.Isolation{Ulimits: []ecs.Ulimit{{Name: "core"}}}}
	create(t, d, key(1), spec)
	_, err := d.Start(t.Context(), key(1))
	wantError(t, err, driver.CannotStartContainerError, "no such file or directory")
}

func create(t *testing.T, d *Driver, k driver.Key, spec driver.Spec) {
	t.Helper()
	if err := d.Create(t.Context(), k, spec); err != nil {
		t.Fatal(err)
	}
}
