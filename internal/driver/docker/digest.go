package docker

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/distribution/reference"
	"github.com/moby/moby/api/types/container"

	"ballast/internal/driver"
)

// maxDigests bounds the images whose digests are remembered.
const maxDigests = 1000

// noneFor is for how long it is remembered that an image has no digest: it gets one when it is pushed.
const noneFor = time.Minute

// digests remembers the digests of images by the engine's id and the name they go by: a digest is neither taken back nor becomes another.
type digests struct {
	mu    sync.Mutex
	known map[[2]string]known
}

// known is the digest of an image, or that it had none; until is zero for a digest.
type known struct {
	digest string
	until  time.Time
}

// recall gives what is known of an image at a time.
func (d *digests) recall(id, name string, now time.Time) (digest string, is bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	k, is := d.known[[2]string{id, name}]
	return k.digest, is && (k.digest != "" || now.Before(k.until))
}

// note remembers what an engine says at a time.
func (d *digests) note(id, name, digest string, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.known == nil || len(d.known) >= maxDigests {
		d.known = map[[2]string]known{}
	}
	k := known{digest: digest}
	if digest == "" {
		k.until = now.Add(noneFor)
	}
	d.known[[2]string{id, name}] = k
}

// look says where a container stands, and of which image it was made.
func (d *Driver) look(ctx context.Context, c container.InspectResponse) driver.Observation {
	o := observe(c)
	if o.Started.At != 0 {
		o.Started.ImageDigest = d.digest(ctx, c.Image, c.Config.Image)
	}
	return o
}

// digest is the digest of an image by which its registry knows it, "" where no registry does or the engine cannot say.
func (d *Driver) digest(ctx context.Context, id, name string) string {
	digest, known := d.digests.recall(id, name, time.Now())
	if known {
		return digest
	}
	ctx, cancel := context.WithTimeout(ctx, inspectFor)
	defer cancel()
	image, err := d.engine.ImageInspect(ctx, id)
	if err != nil {
		return ""
	}
	digest = digestIn(image.RepoDigests, name)
	d.digests.note(id, name, digest, time.Now())
	return digest
}

// digestIn finds the digest of the repository that a name is of, among those of all repositories that have the image.
func digestIn(all []string, name string) string {
	ref, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return ""
	}
	for _, one := range all {
		repository, digest, _ := strings.Cut(one, "@")
		if other, err := reference.ParseNormalizedNamed(repository); err == nil && other.Name() == ref.Name() {
			return digest
		}
	}
	return ""
}
