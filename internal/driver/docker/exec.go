package docker

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"

	"ballast/internal/driver"
)

// Exec runs a command in a running container. Docker's API cannot end a command; one that takes too long is killed where the engine
// shares this machine's processes with us, and is left to its container's end elsewhere.
func (d *Driver) Exec(ctx context.Context, key driver.Key, command []string, timeout time.Duration) (int, string, error) {
	c, err := d.known(ctx, key)
	if err != nil {
		return 0, "", err
	}
	notRunning := &driver.Error{Name: driver.CannotExecContainerError, Text: fmt.Sprintf("container %v is not running", key)}
	if observe(*c).State != driver.Running {
		return 0, "", notRunning
	}
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	created, err := d.engine.ExecCreate(limited, c.ID, client.ExecCreateOptions{Cmd: command, AttachStdout: true, AttachStderr: true})
	var output head
	if err == nil {
		err = d.attach(limited, created.ID, &output)
	}
	code, ran := 0, err == nil
	if ran {
		code, err = d.execCode(limited, created.ID)
	}
	switch {
	case ctx.Err() == nil && limited.Err() != nil:
		d.killExec(ctx, c.ID, created.ID)
		return driver.ExecTimedOut, output.String(), nil
	case errdefs.IsConflict(err) || errdefs.IsNotFound(err):
		return 0, "", notRunning
	case err != nil && !ran && answered(err):
		return codeOf(err), plain(err), nil
	case err != nil:
		return 0, "", fmt.Errorf("run a command in container %v: %w", key, err)
	}
	return code, output.String(), nil
}

// endPause is the pause between two looks whether the engine's record of a command shows the end that its streams told: until it does,
// it has no exit code.
const endPause = 50 * time.Millisecond

// execCode waits for the exit code of a command whose streams have ended.
func (d *Driver) execCode(ctx context.Context, id string) (int, error) {
	for {
		e, err := d.engine.ExecInspect(ctx, id, client.ExecInspectOptions{})
		if err != nil || !e.Running {
			return e.ExitCode, err
		}
		if !sleep(ctx, endPause) {
			return 0, fmt.Errorf("the engine still has it as running: %w", ctx.Err())
		}
	}
}

// attach starts a command and reads what it writes until it ends or ctx is done.
func (d *Driver) attach(ctx context.Context, id string, output io.Writer) error {
	stream, err := d.engine.ExecAttach(ctx, id, client.ExecAttachOptions{})
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, stream.Close)
	defer stop()
	defer stream.Close()
	_, err = stdcopy.StdCopy(output, output, stream.Reader)
	return err
}

// killExec ends a command that took too long, if its process is one of this machine and of that container.
func (d *Driver) killExec(ctx context.Context, containerID, execID string) {
	if execID == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, inspectFor)
	defer cancel()
	if e, err := d.engine.ExecInspect(ctx, execID, client.ExecInspectOptions{}); err == nil && e.Running && e.PID > 0 {
		killTree(e.PID, containerID)
	}
}

// codeOf is what shells give for a command that cannot be found (127) or run (126).
func codeOf(err error) int {
	for _, part := range []string{"no such file or directory", "not found"} {
		if strings.Contains(err.Error(), part) {
			return 127
		}
	}
	return 126
}

// head keeps the beginning of what is written to it.
type head struct{ bytes.Buffer }

// Write never fails: what does not fit is dropped.
func (h *head) Write(p []byte) (int, error) {
	h.Buffer.Write(p[:min(len(p), driver.MaxOutput-h.Len())])
	return len(p), nil
}
