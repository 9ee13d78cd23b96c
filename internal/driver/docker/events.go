package docker

import (
	"context"
	"fmt"
	"time"

	"github.com/moby/moby/api/types/events"
	"github.com/moby/moby/client"

	"ballast/internal/driver"
)

const (
	// maxWaiting bounds the events that wait for an inspection. Whoever falls further behind loses sight and begins anew with List.
	maxWaiting = 4096
	// settleTries and settlePause bound the wait until the engine's record of a container shows the end that its event told.
	settleTries = 20
	settlePause = 50 * time.Millisecond
)

// Events delivers ends until ctx is done or the engine is lost.
func (d *Driver) Events(ctx context.Context) (<-chan driver.Observation, error) {
	limited, cancel := context.WithTimeout(ctx, inspectFor)
	info, err := d.engine.Info(limited, client.InfoOptions{})
	cancel()
	if err != nil {
		return nil, fmt.Errorf("watch the ends of containers: %w", err)
	}
	filters := make(client.Filters).Add("type", string(events.ContainerEventType)).
		Add("event", string(events.ActionDie), string(events.ActionRename)).Add("label", labelInstance+"="+d.cfg.Instance.String())
	ctx, cancel = context.WithCancel(ctx)
	// An engine subscribes a moment after it has answered; it repeats what came in between, by its own clock.
	now := instant(info.Info.SystemTime)
	stream := d.engine.Events(ctx, client.EventsListOptions{Since: fmt.Sprintf("%d.%09d", now.Unix(), now.Nanosecond()), Filters: filters})
	waiting, out := make(chan string, maxWaiting), make(chan driver.Observation)
	go func() {
		defer close(waiting)
		receive(stream, waiting)
	}()
	go func() {
		defer cancel()
		defer close(out)
		d.relay(ctx, waiting, out)
	}()
	return out, nil
}

// receive takes events from the engine as fast as they come: it drops those of a reader that is slow.
func receive(stream client.EventsResult, waiting chan<- string) {
	for {
		select {
		case m := <-stream.Messages:
			select {
			case waiting <- m.Actor.ID:
			default:
				return
			}
		case <-stream.Err:
			return
		}
	}
}

// relay looks at each container that an event names and tells its end.
func (d *Driver) relay(ctx context.Context, waiting <-chan string, out chan<- driver.Observation) {
	for id := range waiting {
		o, over, err := d.settled(ctx, id)
		if err != nil {
			return
		}
		if !over {
			continue
		}
		select {
		case out <- o:
		case <-ctx.Done():
			return
		}
	}
}

// settled gives a container that has ended. over is false for one that is gone, removed or, against the event, not ended.
func (d *Driver) settled(ctx context.Context, id string) (o driver.Observation, over bool, err error) {
	for range settleTries {
		c, err := d.inspect(ctx, id)
		if err != nil || c == nil || phaseOf(c.Name).name == removed {
			return o, false, err
		}
		if _, ok := keyOf(c.Config.Labels, c.Name); !ok {
			return o, false, nil // a pause container
		}
		if o = d.look(ctx, *c); o.State != driver.Running {
			return o, o.State == driver.Exited, nil
		}
		select {
		case <-time.After(settlePause):
		case <-ctx.Done():
			return o, false, ctx.Err()
		}
	}
	return o, false, nil
}
