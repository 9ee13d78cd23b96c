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

// PullBehavior says when an image is asked for at its registry (developer guide, Container agent configuration,
// ECS_IMAGE_PULL_BEHAVIOR).
type PullBehavior string

// The behaviors. An image named by its digest cannot have changed and is never asked for when the engine has it.
const (
	// PullDefault asks for every task, and is content with the image that the engine has if that fails.
	PullDefault PullBehavior = "default"
	// PullAlways asks for every task, and tasks fail if that fails.
	PullAlways PullBehavior = "always"
	// PullOnce asks once in the life of this process, or again when the engine no longer has the image.
	PullOnce PullBehavior = "once"
	// PullPreferCached asks when the engine does not have the image.
	PullPreferCached PullBehavior = "prefer-cached"
)

const (
	// pullFor bounds a pull (amazon-ecs-agent, dockerclient/timeout.go).
	pullFor = 2 * time.Hour
	// pullTries and the pauses between them are those of amazon-ecs-agent (dockerapi/docker_client.go, maximumPullRetries).
	pullTries    = 5
	minPullPause = 1100 * time.Millisecond
	maxPullPause = 5 * time.Second
)

// pullPause is how long to wait after the n-th try, counted from 1.
func pullPause(n int) time.Duration { return min(minPullPause<<(n-1), maxPullPause) }

// pulls joins those who want the same image at the same time, and knows what has been pulled.
type pulls struct {
	mu     sync.Mutex
	flying map[wanted]*pull
	done   map[string]bool
}

// wanted is an image and who asks for it: what one may see another may not.
type wanted struct {
	image string
	login driver.Login
}

// pull is one that is under way; done is closed when the rest is set.
type pull struct {
	done   chan struct{}
	pulled bool
	err    error
}

// Pull makes an image available as Config.Pull has it.
func (d *Driver) Pull(ctx context.Context, image string, login *driver.Login) (bool, error) {
	if named(image) == SampleImage {
		return false, d.makeSample(ctx)
	}
	if d.mayUseCached(image) {
		if cached, err := d.cached(ctx, image); cached || err != nil {
			return false, err
		}
	}
	want := wanted{image: image}
	if login != nil {
		want.login = *login
	}
	p, first := d.pulls.join(want)
	if first {
		p.pulled, p.err = d.pull(ctx, image, login)
		d.pulls.leave(want, p)
		return p.pulled, p.err
	}
	select {
	case <-p.done:
		if errors.Is(p.err, context.Canceled) { // whoever pulled was told to stop, which says nothing about the image
			return d.pull(ctx, image, login)
		}
		return p.pulled, p.err
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// mayUseCached says whether an image that the engine has will do without asking.
func (d *Driver) mayUseCached(image string) bool {
	switch {
	case strings.Contains(image, "@sha256:"), d.cfg.Pull == PullPreferCached:
		return true
	case d.cfg.Pull == PullOnce:
		return d.pulls.has(image)
	}
	return false
}

// cached says whether the engine has an image.
func (d *Driver) cached(ctx context.Context, image string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, inspectFor)
	defer cancel()
	_, err := d.engine.ImageInspect(ctx, image)
	switch {
	case err == nil:
		return true, nil
	case errdefs.IsNotFound(err) || errdefs.IsInvalidArgument(err):
		return false, nil
	}
	return false, fmt.Errorf("find image %s: %w", image, err)
}

// pull asks the registry, several times if need be. Where the image that the engine has will do if that fails, one failure is enough:
// a task does not wait for a registry that it can do without.
func (d *Driver) pull(ctx context.Context, image string, login *driver.Login) (bool, error) {
	auth, err := d.auth(image, login)
	if err != nil {
		return false, err
	}
	limited, cancel := context.WithTimeout(ctx, pullFor)
	defer cancel()
	for n := 1; ; n++ {
		err := d.fetch(limited, image, auth)
		if err == nil {
			d.pulls.keep(image)
			return true, nil
		}
		cached, engineErr := d.cached(ctx, image)
		switch {
		case ctx.Err() != nil:
			return false, fmt.Errorf("pull image %s: %w", image, err)
		case engineErr != nil: // the engine is away, which says nothing about the image
			return false, fmt.Errorf("pull image %s: %w", image, errors.Join(err, engineErr))
		case limited.Err() != nil:
			return false, fault(ctx, limited, err, driver.CannotPullContainerError, "pulled", pullFor, "pull image "+image)
		case cached && d.cfg.Pull == PullDefault:
			return false, nil
		}
		name, final := pullFault(err)
		if !final && n < pullTries && sleep(limited, d.pullPause(n)) {
			continue
		}
		return false, &driver.Error{Name: name, Text: reason(err)}
	}
}

// pullFault sorts what a registry, or the way to it, came to: the name of ECS, and whether another try would come to the same.
func pullFault(err error) (name string, final bool) {
	text := err.Error()
	has := func(parts ...string) bool {
		for _, part := range parts {
			if strings.Contains(text, part) {
				return true
			}
		}
		return false
	}
	switch {
	case has("manifest unknown", "no matching manifest", "manifest for "):
		return cannotPullImageManifestError, true
	case has("pull access denied", "repository name not known", "name unknown", "invalid reference format"), errdefs.IsInvalidArgument(err):
		return driver.CannotPullContainerError, true
	case has("unauthorized", "no basic auth credentials", "authentication required", "denied"), errdefs.IsUnauthorized(err), errdefs.IsPermissionDenied(err):
		return cannotPullContainerAuthError, true
	}
	return driver.CannotPullContainerError, errdefs.IsNotFound(err)
}

// fetch pulls and reads to the end what the engine says of it: errors come last.
func (d *Driver) fetch(ctx context.Context, image, auth string) error {
	response, err := d.engine.ImagePull(ctx, image, client.ImagePullOptions{RegistryAuth: auth})
	if err != nil {
		return err
	}
	defer response.Close()
	return response.Wait(ctx)
}

func (p *pulls) join(want wanted) (_ *pull, first bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if f := p.flying[want]; f != nil {
		return f, false
	}
	f := &pull{done: make(chan struct{})}
	if p.flying == nil {
		p.flying = map[wanted]*pull{}
	}
	p.flying[want] = f
	return f, true
}

func (p *pulls) leave(want wanted, f *pull) {
	p.mu.Lock()
	delete(p.flying, want)
	p.mu.Unlock()
	close(f.done)
}

// maxPulled bounds the images that are known to have been pulled; the engine asks again for those that are forgotten.
const maxPulled = 10000

// keep notes that an image has been pulled.
func (p *pulls) keep(image string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.done == nil || len(p.done) >= maxPulled {
		p.done = map[string]bool{}
	}
	p.done[image] = true
}

func (p *pulls) has(image string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.done[image]
}
