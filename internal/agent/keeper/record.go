package keeper

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"ballast/internal/driver"
	"ballast/internal/ecs"
	"ballast/internal/logfile"
)

// recordEnding is the ending of a container's record.
const recordEnding = ".rec"

// pipeEndings are those of a container's pipes, where they have files.
var pipeEndings = [2]string{".out", ".err"}

// pipeName is what a pipe is found by: its inode, or 0 where it has a file.
type pipeName uint64

// record is a line of a container's record file. The first is written before the fork; while it exists the container is never
// started again. Each is written by one write, so a kill leaves it whole, absent or without its line break, which is absent, too.
// Nothing is made durable against a crash of the machine: that ends the containers as well.
type record struct {
	Key   *wireKey     `json:"key,omitempty"` // in the first line
	Seq   uint64       `json:"seq,omitempty"` // in the first line: the order of creation
	Start *startRecord `json:"start,omitempty"`
	PID   *pidRecord   `json:"pid,omitempty"`
	Exit  *exitRecord  `json:"exit,omitempty"`
}

// startRecord is what is known before the fork.
type startRecord struct {
	Token    string        `json:"token"` // in the marker of the container's environment
	Boot     string        `json:"boot"`  // of the machine, so that pids of an earlier boot mean nothing
	At       ecs.Time      `json:"at"`
	Bindings []ecs.Binding `json:"bindings,omitempty"`
	Address  string        `json:"address,omitempty"`
	Cgroup   string        `json:"cgroup,omitempty"`
	Pipes    [2]pipeName   `json:"pipes"`

	Logs *logfile.Limits `json:"logs,omitempty"`
	Confinement
	Resources Resources `json:"resources"`
	Groups    []string  `json:"groups,omitempty"` // control groups of version 1
	Polled    bool      `json:"polled,omitempty"` // no control group sees to its limit of memory

	TaskPolled bool `json:"taskPolled,omitempty"` // nor to that of its task
}

// pidRecord is known after the fork: the process and its start time in clock ticks, 0 when it could not be read.
type pidRecord struct {
	PID   int    `json:"pid"`
	Start uint64 `json:"start"`
}

// exitRecord is the end.
type exitRecord struct {
	At     ecs.Time `json:"at"`
	Code   *int32   `json:"code,omitempty"`
	Reason string   `json:"reason,omitempty"`
}

// saved is what a container's record says.
type saved struct {
	key   driver.Key
	seq   uint64
	start *startRecord
	pid   *pidRecord
	exit  *exitRecord
}

// createRecord begins the record of a container. The file is the caller's to close.
func createRecord(path string, first record) (*os.File, error) {
	f, err := os.OpenFile(path+recordEnding, os.O_WRONLY|os.O_CREATE|os.O_APPEND|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	if err := appendTo(f, first); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// recordFile is what appendTo needs of a file that is written at its end.
type recordFile interface {
	Write([]byte) (int, error)
	Stat() (os.FileInfo, error)
	Truncate(size int64) error
}

// appendTo adds a line, or nothing: what a full disk let through of it is taken back, so that the next line does not run into it.
func appendTo(f recordFile, r record) error {
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	n, err := f.Write(append(b, '\n'))
	if err == nil || n == 0 {
		return err
	}
	info, statErr := f.Stat()
	if statErr != nil {
		return errors.Join(err, statErr)
	}
	return errors.Join(err, f.Truncate(info.Size()-int64(n)))
}

// appendRecord adds a line to the record of a container.
func appendRecord(path string, r record) error {
	f, err := os.OpenFile(path+recordEnding, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	return appendTo(f, r)
}

// removeFiles deletes the files of a container, the record last: as long as it is there the container is known.
func removeFiles(path string) error {
	for _, ending := range append(pipeFiles(), recordEnding) {
		if err := os.Remove(path + ending); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return nil
}

// parseRecords reads the lines of a record file. ok is false if not even the first was finished: then nothing ever ran.
func parseRecords(b []byte) (s saved, ok bool, err error) {
	for line := range bytes.Lines(b) {
		if !bytes.HasSuffix(line, []byte{'\n'}) {
			break
		}
		var r record
		if err := json.Unmarshal(line, &r); err != nil {
			return s, false, err
		}
		if r.Key != nil {
			if s.key, err = r.Key.key(); err != nil {
				return s, false, err
			}
			s.seq, ok = r.Seq, true
		}
		if r.Start != nil {
			s.start = r.Start
		}
		if r.PID != nil {
			s.pid = r.PID
		}
		if r.Exit != nil {
			s.exit = r.Exit
		}
	}
	return s, ok, nil
}

// loadSaved reads every container that a directory knows and deletes what is left of starts that came to nothing. A container
// that cannot be read is reported in errs and left alone.
func loadSaved(dir string) (all []saved, errs []error) {
	entries, err := os.ReadDir(containersPath(dir))
	if err != nil {
		return nil, []error{fmt.Errorf("list containers: %w", err)}
	}
	known := map[string]bool{}
	for _, e := range entries {
		name, isRecord := strings.CutSuffix(e.Name(), recordEnding)
		if !isRecord {
			continue
		}
		path := filepath.Join(containersPath(dir), name)
		s, ok, err := loadOne(path)
		if err != nil {
			errs = append(errs, err)
		} else if ok {
			all = append(all, s)
		}
		known[name] = ok || err != nil
	}
	for _, e := range entries {
		name := strings.TrimSuffix(e.Name(), filepath.Ext(e.Name()))
		if !known[name] {
			if err := removeFiles(filepath.Join(containersPath(dir), name)); err != nil {
				errs = append(errs, err)
			}
		}
	}
	return all, errs
}

// loadOne reads one record and ends a last line that a kill left unfinished, so that another can follow it.
func loadOne(path string) (s saved, ok bool, err error) {
	b, err := os.ReadFile(path + recordEnding)
	if err == nil {
		s, ok, err = parseRecords(b)
	}
	if err == nil && ok && s.start == nil && s.exit == nil {
		err = fmt.Errorf("it has neither start nor end")
	}
	if whole := bytes.LastIndexByte(b, '\n') + 1; err == nil && ok && whole < len(b) {
		err = os.Truncate(path+recordEnding, int64(whole))
	}
	if err != nil {
		return s, false, fmt.Errorf("read record %s: %w", path+recordEnding, err)
	}
	return s, ok, nil
}
