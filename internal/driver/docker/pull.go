package docker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"ballast/internal/driver"
)

// pullFor bounds a pull (amazon-ecs-agent, dockerclient/timeout.go).
const pullFor = 2 * time.Hour

// pulls joins those who want the same image at the same time.
type pulls struct {
	mu     sync.Mutex
	flying map[string]*pull
}

// pull is one that is under way; done is closed when the rest is set.
type pull struct {
	done   chan struct{}
	pulled bool
	err    error
}

// Pull fetches an image, and is content with the one that the engine has if that fails (ECS_IMAGE_PULL_BEHAVIOR "default": "if the
// pull fails, the cached Docker image on the instance is used"). An image named by its digest cannot have changed.
func (d *Driver) Pull(ctx context.Context, image string, login *driver.Login) (bool, error) {
	if named(image) == SampleImage {
		return false, d.makeSample(ctx)
	}
	if strings.Contains(image, "@sha256:") {
		if _, err := d.engine.ImageInspect(ctx, image); err == nil {
			return false, nil
		}
	}
	p, first := d.pulls.join(image)
	if first {
		p.pulled, p.err = d.pull(ctx, image)
		d.pulls.leave(image, p)
		return p.pulled, p.err
	}
	select {
	case <-p.done:
		if errors.Is(p.err, context.Canceled) { // whoever pulled was told to stop, which says nothing about the image
			return d.pull(ctx, image)
		}
		return p.pulled, p.err
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

func (d *Driver) pull(ctx context.Context, image string) (bool, error) {
	limited, cancel := context.WithTimeout(ctx, pullFor)
	defer cancel()
	err := d.fetch(limited, image)
	if err == nil {
		return true, nil
	}
	_, cached := d.engine.ImageInspect(ctx, image)
	switch {
	case cached == nil:
		return false, nil
	case !errdefs.IsNotFound(cached) && !errdefs.IsInvalidArgument(cached):
		return false, fmt.Errorf("pull image %s: %w", image, errors.Join(err, cached)) // the engine is away
	case ctx.Err() != nil:
		return false, fmt.Errorf("pull image %s: %w", image, err)
	}
	return false, &driver.Error{Name: driver.CannotPullContainerError, Text: reason(err)}
}

// fetch pulls and reads to the end what the engine says of it: errors come last.
func (d *Driver) fetch(ctx context.Context, image string) error {
	response, err := d.engine.ImagePull(ctx, image, client.ImagePullOptions{})
	if err != nil {
		return err
	}
	defer response.Close()
	return response.Wait(ctx)
}

func (p *pulls) join(image string) (_ *pull, first bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if f := p.flying[image]; f != nil {
		return f, false
	}
	f := &pull{done: make(chan struct{})}
	if p.flying == nil {
		p.flying = map[string]*pull{}
	}
	p.flying[image] = f
	return f, true
}

func (p *pulls) leave(image string, f *pull) {
	p.mu.Lock()
	delete(p.flying, image)
	p.mu.Unlock()
	close(f.done)
}
