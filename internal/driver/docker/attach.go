package docker

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"

	"ballast/internal/driver"
)

var _ driver.Shell = (*Driver)(nil)

const (
	// resizeTries and resizePause bound the wait until a command that has just been started has a terminal to be resized (the Docker
	// CLI does the same).
	resizeTries = 10
	resizePause = 10 * time.Millisecond
	// endFor bounds the wait for the exit code of a command whose streams have ended.
	endFor = time.Second
)

// Attach runs a command in a running container with streams connected. Like Exec it can end a command only where the engine shares
// this machine's processes with us; elsewhere the command loses its input.
func (d *Driver) Attach(ctx context.Context, key driver.Key, command []string, streams driver.Streams) (int, error) {
	if d.attached.Add(1) > driver.MaxAttached {
		d.attached.Add(-1)
		return 0, driver.ErrTooManyAttached
	}
	defer d.attached.Add(-1)
	c, err := d.known(ctx, key)
	if err != nil {
		return 0, err
	}
	notRunning := &driver.Error{Name: driver.CannotExecContainerError, Text: fmt.Sprintf("container %v is not running", key)}
	if observe(*c).State != driver.Running {
		return 0, notRunning
	}
	created, err := d.engine.ExecCreate(ctx, c.ID, client.ExecCreateOptions{Cmd: command, TTY: streams.Terminal,
		AttachStdin: streams.In != nil, AttachStdout: true, AttachStderr: true})
	if err == nil {
		err = d.link(ctx, created.ID, streams)
	}
	switch {
	case ctx.Err() != nil:
		d.killExec(context.WithoutCancel(ctx), c.ID, created.ID)
		return 0, ctx.Err()
	case errdefs.IsConflict(err) || errdefs.IsNotFound(err):
		return 0, notRunning
	case err != nil && answered(err):
		to := streams.Err
		if streams.Terminal || to == nil {
			to = streams.Out
		}
		fmt.Fprintln(to, plain(err))
		return codeOf(err), nil
	case err != nil:
		return 0, fmt.Errorf("run a command in container %v: %w", key, err)
	}
	limited, cancel := context.WithTimeout(ctx, endFor)
	defer cancel()
	code, err := d.execCode(limited, created.ID)
	if errdefs.IsNotFound(err) {
		return 0, notRunning
	}
	if err != nil {
		return 0, fmt.Errorf("run a command in container %v: %w", key, err)
	}
	return code, nil
}

// link starts a command and passes on what goes in and out until it ends or ctx is done.
func (d *Driver) link(ctx context.Context, id string, streams driver.Streams) error {
	stream, err := d.engine.ExecAttach(ctx, id, client.ExecAttachOptions{TTY: streams.Terminal})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(ctx, stream.Close)
	defer stream.Close()
	defer stop()
	defer cancel()
	if streams.In != nil {
		// Nobody waits for this: a read from a terminal ends when its user presses a key.
		go func() {
			io.Copy(stream.Conn, streams.In)
			stream.CloseWrite()
		}()
	}
	if streams.Terminal {
		go d.resize(ctx, id, streams.Resize)
		_, err = io.Copy(streams.Out, stream.Reader)
		return err
	}
	_, err = stdcopy.StdCopy(streams.Out, streams.Err, stream.Reader)
	return err
}

// resize gives a command's terminal the sizes that come until ctx is done. A size that the engine does not take is not worth ending
// the command.
func (d *Driver) resize(ctx context.Context, id string, sizes <-chan driver.Size) {
	for {
		select {
		case <-ctx.Done():
			return
		case size, more := <-sizes:
			if !more {
				return
			}
			options := client.ExecResizeOptions{Height: uint(size.Rows), Width: uint(size.Columns)}
			for range resizeTries {
				if _, err := d.engine.ExecResize(ctx, id, options); err == nil || !sleep(ctx, resizePause) {
					break
				}
			}
		}
	}
}

// sleep waits; false when ctx is done first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
