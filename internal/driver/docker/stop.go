package docker

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// Stop ends a container: its image's stop signal or SIGTERM, and SIGKILL after timeout. The engine's own stop counts in whole seconds.
func (d *Driver) Stop(ctx context.Context, key driver.Key, timeout time.Duration) (driver.Exit, error) {
	d.takeFresh(key)
	c, err := d.known(ctx, key)
	if err != nil {
		return driver.Exit{}, err
	}
	o := observe(*c)
	switch o.State {
	case driver.Created:
		phase := phaseName{name: ended, at: ecs.TimeOf(time.Now())}
		if err := d.rename(ctx, *c, phase); err != nil {
			return driver.Exit{}, fmt.Errorf("stop container %v: %w", key, err)
		}
	case driver.Running:
		if err := d.end(ctx, *c, timeout); err != nil {
			return driver.Exit{}, fmt.Errorf("stop container %v: %w", key, err)
		}
	}
	if c, err = d.known(ctx, key); err != nil {
		return driver.Exit{}, err
	}
	if o = observe(*c); o.State != driver.Exited {
		return driver.Exit{}, fmt.Errorf("stop container %v: the engine still has it as %s", key, c.State.Status)
	}
	return o.Exit, nil
}

// end signals a running container and waits for its end.
func (d *Driver) end(ctx context.Context, c container.InspectResponse, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout+killFor)
	defer cancel()
	over := d.engine.ContainerWait(ctx, c.ID, client.ContainerWaitOptions{Condition: container.WaitConditionNotRunning})
	grace := time.NewTimer(timeout)
	defer grace.Stop()
	if timeout > 0 {
		if err := d.kill(ctx, c.ID, cmp.Or(c.Config.StopSignal, "SIGTERM")); err != nil {
			return err
		}
	}
	for {
		select {
		case <-over.Result:
			return nil
		case err := <-over.Error:
			return gone(err)
		case <-grace.C:
			if err := d.kill(ctx, c.ID, "SIGKILL"); err != nil {
				return err
			}
		}
	}
}

// kill signals a container; one that has ended meanwhile is fine.
func (d *Driver) kill(ctx context.Context, id, signal string) error {
	_, err := d.engine.ContainerKill(ctx, id, client.ContainerKillOptions{Signal: signal})
	if errdefs.IsConflict(err) || errdefs.IsNotFound(err) {
		return nil
	}
	return err
}
