package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"ballast/internal/agent/keeper"
	"ballast/internal/driver"
	"ballast/internal/ecs"
	"ballast/internal/logfile"
)

// system is what this program runs on.
const system = runtime.GOOS

func cannotCreate(format string, args ...any) error {
	return &driver.Error{Name: driver.CannotCreateContainerError, Text: fmt.Sprintf(format, args...)}
}

func cannotStart(format string, args ...any) error {
	return &driver.Error{Name: driver.CannotStartContainerError, Text: fmt.Sprintf(format, args...)}
}

// argv is what a container runs: entryPoint, then command.
func argv(spec driver.Spec) []string { return slices.Concat(spec.EntryPoint, spec.Command) }

// check refuses what this driver cannot run.
func check(spec driver.Spec, cfg Config) error {
	if len(argv(spec)) == 0 {
		return cannotCreate("No command specified: the process driver pulls no image, so it needs an entryPoint or a command")
	}
	for _, s := range slices.Concat(argv(spec), []string{spec.WorkingDirectory}) {
		if strings.IndexByte(s, 0) >= 0 {
			return cannotCreate("%q contains a NUL byte", s)
		}
	}
	for _, v := range spec.Environment {
		if strings.ContainsAny(v.Name, "=\x00") || v.Name == "" || strings.IndexByte(v.Value, 0) >= 0 {
			return cannotCreate("environment variable %q has no valid name or value", v.Name)
		}
	}
	if err := checkNetwork(spec.NetworkMode, system); err != nil {
		return err
	}
	if _, err := logLimits(spec); err != nil {
		return cannotCreate("logConfiguration: %v", err)
	}
	dir := workingDir(spec, cfg)
	info, err := os.Stat(dir)
	switch {
	case err != nil:
		return cannotCreate("working directory %q: %v", dir, reasonOf(err))
	case !info.IsDir():
		return cannotCreate("working directory %q: not a directory", dir)
	}
	return nil
}

// reasonOf leaves out what the caller says better.
func reasonOf(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// workingDir is the container's working directory; a relative one begins at the configured one.
func workingDir(spec driver.Spec, cfg Config) string {
	if filepath.IsAbs(spec.WorkingDirectory) {
		return filepath.Clean(spec.WorkingDirectory)
	}
	return filepath.Join(cfg.Dir, spec.WorkingDirectory)
}

// commandOf renders a container for the keeper.
func commandOf(spec driver.Spec, cfg Config, bindings []ecs.Binding) (keeper.Command, error) {
	args, dir := argv(spec), workingDir(spec, cfg)
	confined, home, err := confinement(spec)
	if err != nil {
		return keeper.Command{}, err
	}
	if home != "" {
		cfg.Home = home
	}
	env := environment(spec, cfg, bindings)
	path, err := lookup(args[0], dir, valueOf(env, "PATH"))
	if err != nil {
		return keeper.Command{}, err
	}
	limits, err := logLimits(spec)
	if err != nil {
		return keeper.Command{}, err
	}
	return keeper.Command{Path: path, Argv: args, Dir: dir, Env: env, Bindings: bindings, Logs: limits, Confinement: confined,
		Resources: keeper.Resources{CPU: spec.CPU, Memory: spec.Memory, Reservation: spec.MemoryReservation, Task: spec.Task}}, nil
}

// logLimits are those that the log driver json-file was given, nil for none.
func logLimits(spec driver.Spec) (*logfile.Limits, error) {
	size, files := spec.Logging.Option("max-size"), spec.Logging.Option("max-file")
	if size == "" && files == "" {
		return nil, nil
	}
	limits, err := logfile.ParseLimits(size, files, logfile.DefaultLimits)
	return &limits, err
}

// environment is all that a process gets, apart from the keeper's marker. A container's own values win, except for ports: a
// program that listens elsewhere than at the host port it was given is not reached.
func environment(spec driver.Spec, cfg Config, bindings []ecs.Binding) []string {
	var env []string
	set := func(name, value string) {
		env = slices.DeleteFunc(env, func(v string) bool { return strings.HasPrefix(v, name+"=") })
		env = append(env, name+"="+value)
	}
	set("PATH", cfg.Path)
	set("HOME", cfg.Home)
	set("HOST", cfg.Host)
	for _, v := range spec.Environment {
		if v.Name != keeper.Marker {
			set(v.Name, v.Value)
		}
	}
	for i, b := range bindings {
		for n := range int(max(b.LastContainerPort, b.ContainerPort)-b.ContainerPort) + 1 {
			port := strconv.Itoa(int(b.HostPort) + n)
			if i == 0 && n == 0 {
				set("PORT", port)
			}
			set("PORT_"+strconv.Itoa(int(b.ContainerPort)+n), port)
		}
	}
	return env
}

func valueOf(env []string, name string) string {
	for _, v := range env {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	return ""
}

// lookup finds an executable with the container's PATH and working directory instead of this program's.
func lookup(name, dir, path string) (string, error) {
	full, err := keeper.LookPath(name, dir, path)
	if err != nil {
		return "", cannotStart("%v", err)
	}
	return full, nil
}
