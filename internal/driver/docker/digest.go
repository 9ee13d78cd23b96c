package docker

import (
	"context"
	"strings"
	"sync"

	"github.com/distribution/reference"
	"github.com/moby/moby/api/types/container"

	"ballast/internal/driver"
)

// maxDigests bounds the images whose digests are remembered.
const maxDigests = 1000

// digests remembers the digests of images by the engine's id and the name they go by: neither changes what the other is.
type digests struct {
	mu    sync.Mutex
	known map[[2]string]string
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
	d.digests.mu.Lock()
	digest, known := d.digests.known[[2]string{id, name}]
	d.digests.mu.Unlock()
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
	d.digests.mu.Lock()
	defer d.digests.mu.Unlock()
	if d.digests.known == nil || len(d.digests.known) >= maxDigests {
		d.digests.known = map[[2]string]string{}
	}
	d.digests.known[[2]string{id, name}] = digest
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
