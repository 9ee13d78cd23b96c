package keeper

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// Names of the files of a container.
const (
	startName = "start.json"
	pidName   = "pid"
	exitName  = "exit.json"
	outName   = "out"
	errName   = "err"
)

// startRecord is written before the fork. While it exists the container is never started again.
type startRecord struct {
	Seq      uint64        `json:"seq"`   // order of creation
	Token    string        `json:"token"` // in the marker of the container's environment
	Boot     string        `json:"boot"`  // of the machine, so that pids of an earlier boot mean nothing
	At       ecs.Time      `json:"at"`
	Bindings []ecs.Binding `json:"bindings,omitempty"`
	Cgroup   string        `json:"cgroup,omitempty"`
}

// pidRecord is written after the fork: the process and its start time in clock ticks, 0 when it could not be read.
type pidRecord struct {
	PID   int    `json:"pid"`
	Start uint64 `json:"start"`
}

// exitRecord is written at the end.
type exitRecord struct {
	Seq    uint64   `json:"seq"`
	At     ecs.Time `json:"at"`
	Code   *int32   `json:"code,omitempty"`
	Reason string   `json:"reason,omitempty"`
}

// saved is what a container's directory says.
type saved struct {
	key   driver.Key
	start *startRecord
	pid   *pidRecord
	exit  *exitRecord
}

// writeRecord writes a record so that it is whole or absent, whenever this process is killed. It is not made durable against a
// crash of the machine: that ends the containers as well.
func writeRecord(dir, name string, record any) error {
	b, err := json.Marshal(record)
	if err != nil {
		return err
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path+".new", b, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// readRecord reads a record; found is false when it is absent.
func readRecord(dir, name string, record any) (found bool, err error) {
	b, err := os.ReadFile(filepath.Join(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err == nil {
		err = json.Unmarshal(b, record)
	}
	if err != nil {
		return false, fmt.Errorf("read %s of container in %s: %w", name, dir, err)
	}
	return true, nil
}

// loadSaved reads every container that a directory knows. A container that cannot be read is reported in errs and left alone.
func loadSaved(dir string) (all []saved, errs []error) {
	paths, err := filepath.Glob(filepath.Join(escapeGlob(containersPath(dir)), "*", "*", "*"))
	if err != nil {
		return nil, []error{err}
	}
	for _, path := range paths {
		s, err := loadOne(path)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if s.start == nil && s.exit == nil {
			os.RemoveAll(path) // killed before the start record: nothing ran
			continue
		}
		all = append(all, s)
	}
	return all, errs
}

// escapeGlob makes a path stand for itself in a pattern.
func escapeGlob(path string) string {
	var b []byte
	for i := range len(path) {
		switch path[i] {
		case '*', '?', '[', '\\':
			b = append(b, '\\')
		}
		b = append(b, path[i])
	}
	return string(b)
}

func loadOne(path string) (saved, error) {
	attempt, err := strconv.Atoi(filepath.Base(path))
	if err != nil {
		return saved{}, fmt.Errorf("read container in %s: %w", path, err)
	}
	name := filepath.Dir(path)
	task, err := ecs.ParseID(filepath.Base(filepath.Dir(name)))
	if err != nil {
		return saved{}, fmt.Errorf("read container in %s: %w", path, err)
	}
	s := saved{key: driver.Key{Task: task, Container: filepath.Base(name), Attempt: attempt}}
	var start startRecord
	var pid pidRecord
	var exit exitRecord
	if found, err := readRecord(path, startName, &start); err != nil {
		return s, err
	} else if found {
		s.start = &start
	}
	if found, err := readRecord(path, pidName, &pid); err != nil {
		return s, err
	} else if found {
		s.pid = &pid
	}
	if found, err := readRecord(path, exitName, &exit); err != nil {
		return s, err
	} else if found {
		s.exit = &exit
	}
	return s, nil
}
