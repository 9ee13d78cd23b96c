package keeper

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// version of the protocol: a keeper outlives the server that spawned it, and the next server may be a newer program.
const version = 1

// maxMessage bounds a message: a container's environment and command are limited by the kernel to 2 MiB (ARG_MAX on Linux with
// the default stack), and a list of 10,000 containers takes about 3 MiB.
const maxMessage = 16 << 20

// The calls of the protocol, one JSON value per line each way. Answers carry the id of their request and come in any order;
// a message without id is an end of a container.
const (
	opHello      = "hello"
	opCreate     = "create"
	opPayload    = "payload"
	opStart      = "start"
	opStop       = "stop"
	opRemove     = "remove"
	opList       = "list"
	opRemoveLogs = "remove-logs"
	opExec       = "exec"
	opStats      = "stats"
	opAttach     = "attach" // the first and only call of its connection, which carries the streams of package attach after the answer
	opShutdown   = "shutdown"
)

type request struct {
	ID      uint64          `json:"id"`
	Op      string          `json:"op"`
	Key     wireKey         `json:"key"`
	Payload json.RawMessage `json:"payload,omitempty"`
	Command *Command        `json:"command,omitempty"`
	Argv    []string        `json:"argv,omitempty"`    // of exec and attach
	Timeout int64           `json:"timeout,omitempty"` // nanoseconds
}

type answer struct {
	ID      uint64          `json:"id,omitempty"`
	Version int             `json:"version,omitempty"`
	PID     int             `json:"pid,omitempty"`
	Error   *driver.Error   `json:"error,omitempty"` // a failure of the container
	Fault   string          `json:"fault,omitempty"` // a failure of the keeper
	Payload json.RawMessage `json:"payload,omitempty"`
	Started *driver.Started `json:"started,omitempty"`
	Exit    *driver.Exit    `json:"exit,omitempty"`
	Code    int             `json:"code,omitempty"`   // of exec
	Output  string          `json:"output,omitempty"` // of exec
	List    []wireObserved  `json:"list,omitempty"`
	Ended   *wireObserved   `json:"ended,omitempty"`
	Bounds  *Bounds         `json:"bounds,omitempty"` // of hello
	Stats   *driver.Stats   `json:"stats,omitempty"`
}

type wireKey struct {
	Task      string `json:"task,omitempty"`
	Container string `json:"container,omitempty"`
	Attempt   int    `json:"attempt,omitempty"`
}

type wireObserved struct {
	Key     wireKey        `json:"key"`
	State   driver.State   `json:"state"`
	Started driver.Started `json:"started"`
	Exit    driver.Exit    `json:"exit"`
}

func toWireKey(k driver.Key) wireKey {
	return wireKey{Task: k.Task.String(), Container: k.Container, Attempt: k.Attempt}
}

func (w wireKey) key() (driver.Key, error) {
	task, err := ecs.ParseID(w.Task)
	if err != nil {
		return driver.Key{}, err
	}
	return driver.Key{Task: task, Container: w.Container, Attempt: w.Attempt}, nil
}

func toWire(o driver.Observation) wireObserved {
	return wireObserved{Key: toWireKey(o.Key), State: o.State, Started: o.Started, Exit: o.Exit}
}

func (w wireObserved) observation() (driver.Observation, error) {
	k, err := w.Key.key()
	return driver.Observation{Key: k, State: w.State, Started: w.Started, Exit: w.Exit}, err
}

// readMessage reads one line. The memory of long ones is not kept.
func readMessage(r *bufio.Reader, into any) error {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
		if len(line)+len(part) > maxMessage {
			return fmt.Errorf("a message of more than %d bytes", maxMessage)
		}
		if err == nil && line == nil {
			return json.Unmarshal(part, into)
		}
		if line = append(line, part...); err == nil {
			return json.Unmarshal(line, into)
		}
	}
}

func writeMessage(w io.Writer, m any) error {
	line, err := encode(m)
	if err == nil {
		_, err = w.Write(line)
	}
	return err
}

// encode gives the line that a message is.
func encode(m any) ([]byte, error) {
	b, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	if len(b) >= maxMessage {
		return nil, fmt.Errorf("a message of more than %d bytes", maxMessage)
	}
	return append(b, '\n'), nil
}
