package docker

import (
	"context"
	"fmt"

	"ballast/internal/driver"
)

// again prepares a container that has ended for its next attempt: the engine starts the same container once more, so that its file
// system stays. Only its name tells the attempts apart, and by when the one before started whether the engine has started the new one.
// done is false where there is none to start again, for example because someone removed it: then one is created.
func (d *Driver) again(ctx context.Context, key driver.Key) (done bool, err error) {
	earlier := key
	earlier.Attempt--
	c, err := d.find(ctx, earlier)
	if err != nil || c == nil {
		return false, err
	}
	if o := observe(*c); o.State != driver.Exited {
		return false, fmt.Errorf("create container %v: the attempt before it has not ended", key)
	}
	next := phaseName{attempt: key.Attempt, before: instant(c.State.StartedAt).UnixNano()}
	if err := d.rename(ctx, *c, next); err != nil {
		return false, fmt.Errorf("create container %v: %w", key, err)
	}
	d.forget(earlier)
	d.remember(key, c.ID, false)
	return true, nil
}
