package docker

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/registry"
	"github.com/moby/moby/client"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// images is a registry with one image, as far as an engine asks (OCI distribution specification).
type images struct {
	*httptest.Server
	manifest []byte
	blobs    map[string][]byte
	// login is "user:password" where one is needed.
	login string
	// broken is how many more manifests are answered with 503.
	broken atomic.Int32
	// asked counts the manifests asked for with a login that fits.
	asked atomic.Int32
}

const manifestType = "application/vnd.docker.distribution.manifest.v2+json"

func digestOf(b []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(b)) }

// newRegistry serves an image with the test's program.
func newRegistry(t *testing.T, login string) *images {
	t.Helper()
	program, err := os.ReadFile(exe)
	if err != nil {
		t.Fatal(err)
	}
	var plain, packed bytes.Buffer
	w := tar.NewWriter(&plain)
	w.WriteHeader(&tar.Header{Name: "app", Mode: 0o755, Size: int64(len(program))})
	w.Write(program)
	w.Close()
	z, _ := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
	z.Write(plain.Bytes())
	z.Close()
	config := fmt.Appendf(nil, `{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":[%q]},"created":%q}`,
		digestOf(plain.Bytes()), time.Now().Format(time.RFC3339Nano))
	r := &images{login: login, blobs: map[string][]byte{digestOf(config): config, digestOf(packed.Bytes()): packed.Bytes()}}
	r.manifest, _ = json.Marshal(map[string]any{"schemaVersion": 2, "mediaType": manifestType,
		"config": map[string]any{"mediaType": "application/vnd.docker.container.image.v1+json", "size": len(config), "digest": digestOf(config)},
		"layers": []any{map[string]any{"mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip", "size": packed.Len(), "digest": digestOf(packed.Bytes())}}})
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

// image is the name of the image that the registry has.
func (r *images) image() string { return r.domain() + "/team/app:1" }

func (r *images) domain() string { return strings.TrimPrefix(r.URL, "http://") }

func (r *images) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	user, password, _ := q.BasicAuth()
	_, reference, _ := strings.Cut(q.URL.Path, "/manifests/")
	_, blob, _ := strings.Cut(q.URL.Path, "/blobs/")
	switch {
	case r.login != "" && user+":"+password != r.login:
		w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
		refuse(w, http.StatusUnauthorized, "UNAUTHORIZED", "authentication required")
	case q.URL.Path == "/v2/":
	case reference == "1" || reference == digestOf(r.manifest):
		r.asked.Add(1)
		if r.broken.Add(-1) >= 0 {
			refuse(w, http.StatusServiceUnavailable, "UNAVAILABLE", "come again")
			return
		}
		w.Header().Set("Content-Type", manifestType)
		w.Header().Set("Docker-Content-Digest", digestOf(r.manifest))
		w.Write(r.manifest)
	case r.blobs[blob] != nil:
		w.Write(r.blobs[blob])
	default:
		r.asked.Add(1)
		refuse(w, http.StatusNotFound, "MANIFEST_UNKNOWN", "manifest unknown")
	}
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"errors":[{"code":%q,"message":%q}]}`, code, message)
}

// puller gives a driver that pulls in a way, does not wait between tries, and leaves no image behind.
func puller(t *testing.T, r *images, cfg Config) *Driver {
	t.Helper()
	d := open(t)
	d.cfg.Pull, d.cfg.RegistryAuth = cfg.Pull, cfg.RegistryAuth
	if d.cfg.Pull == "" {
		d.cfg.Pull = PullDefault
	}
	d.pullPause = func(int) time.Duration { return 0 }
	t.Cleanup(func() { forgetImage(t, d, r.image()) })
	return d
}

func forgetImage(t *testing.T, d *Driver, image string) {
	t.Helper()
	if _, err := d.engine.ImageRemove(context.Background(), image, client.ImageRemoveOptions{Force: true}); err != nil && !errdefs.IsNotFound(err) {
		t.Error(err)
	}
}

// needRegistry is open for those who need the registry first.
func needRegistry(t *testing.T, login string) *images {
	t.Helper()
	needEngine(t)
	return newRegistry(t, login)
}

func wantPullError(t *testing.T, err error, name string) {
	t.Helper()
	var e *driver.Error
	if !errors.As(err, &e) || e.Name != name {
		t.Errorf("got %v, want %s", err, name)
	}
}

// TestPullBehaviors asks for the image several times, at last when the registry is gone, and counts what the registry hears of it.
func TestPullBehaviors(t *testing.T) {
	for _, c := range []struct {
		behavior PullBehavior
		pulled   []bool // of three calls; before the third the registry goes
		last     string // the error of the third
	}{
		{PullDefault, []bool{true, true, false}, ""},
		{PullAlways, []bool{true, true, false}, driver.CannotPullContainerError},
		{PullOnce, []bool{true, false, false}, ""},
		{PullPreferCached, []bool{true, false, false}, ""},
	} {
		t.Run(string(c.behavior), func(t *testing.T) {
			r := needRegistry(t, "")
			d := puller(t, r, Config{Pull: c.behavior})
			for i, want := range c.pulled {
				if i == 2 {
					r.Close()
				}
				pulled, err := d.Pull(t.Context(), r.image(), nil)
				if i == 2 && c.last != "" {
					wantPullError(t, err, c.last)
				} else if err != nil || pulled != want {
					t.Errorf("call %d: pulled %t, %v; want %t", i, pulled, err, want)
				}
			}
		})
	}
}

// TestPullOnceAgain: an image that the engine has but this process has not pulled is pulled, and so is one that is gone.
func TestPullOnceAgain(t *testing.T) {
	r := needRegistry(t, "")
	first, second := puller(t, r, Config{Pull: PullOnce}), puller(t, r, Config{Pull: PullOnce})
	for i, d := range []*Driver{first, second, second, first} {
		if i == 3 {
			forgetImage(t, d, r.image())
		}
		if pulled, err := d.Pull(t.Context(), r.image(), nil); err != nil || pulled != (i != 2) {
			t.Errorf("call %d: pulled %t, %v", i, pulled, err)
		}
	}
}

func TestPullRetries(t *testing.T) {
	r := needRegistry(t, "")
	d := puller(t, r, Config{})
	r.broken.Store(pullTries - 1)
	if pulled, err := d.Pull(t.Context(), r.image(), nil); err != nil || !pulled {
		t.Errorf("pulled %t, %v after %d requests", pulled, err, r.asked.Load())
	}
	forgetImage(t, d, r.image())
	r.broken.Store(1000)
	r.asked.Store(0)
	_, err := d.Pull(t.Context(), r.image(), nil)
	wantPullError(t, err, driver.CannotPullContainerError)
	if n := r.asked.Load(); n < pullTries {
		t.Errorf("the registry was asked %d times", n)
	}
}

func TestPullMissing(t *testing.T) {
	r := needRegistry(t, "")
	d := puller(t, r, Config{})
	_, err := d.Pull(t.Context(), r.domain()+"/team/app:2", nil)
	wantPullError(t, err, cannotPullImageManifestError)
	if n := r.asked.Load(); n > 2 { // the engine may try by itself, we do not
		t.Errorf("the registry was asked %d times for what it does not have", n)
	}
	_, err = d.Pull(t.Context(), "Not a name", nil)
	wantPullError(t, err, driver.CannotPullContainerError)
}

// TestPullLogin pulls with the login of the task, and with one of a file.
func TestPullLogin(t *testing.T) {
	r := needRegistry(t, "anna:pa:ss")
	d := puller(t, r, Config{})
	_, err := d.Pull(t.Context(), r.image(), nil)
	wantPullError(t, err, cannotPullContainerAuthError)
	_, err = d.Pull(t.Context(), r.image(), &driver.Login{Username: "anna", Password: "wrong"})
	wantPullError(t, err, cannotPullContainerAuthError)
	if err == nil || strings.Contains(err.Error(), "wrong") {
		t.Errorf("the error says too much: %v", err)
	}
	if pulled, err := d.Pull(t.Context(), r.image(), &driver.Login{Username: "anna", Password: "pa:ss"}); err != nil || !pulled {
		t.Errorf("with the task's login: pulled %t, %v", pulled, err)
	}
	file := filepath.Join(t.TempDir(), "config.json")
	d = puller(t, r, Config{Pull: PullAlways, RegistryAuth: file})
	_, err = d.Pull(t.Context(), r.image(), nil)
	wantPullError(t, err, cannotPullContainerAuthError)
	// The file is read when it is needed.
	if err := os.WriteFile(file, fmt.Appendf(nil, `{"auths":{%q:{"auth":"YW5uYTpwYTpzcw=="}}}`, "http://"+r.domain()+"/v2/"), 0o600); err != nil {
		t.Fatal(err)
	}
	if pulled, err := d.Pull(t.Context(), r.image(), nil); err != nil || !pulled {
		t.Errorf("with the file's login: pulled %t, %v", pulled, err)
	}
}

// TestImageDigest starts a container of a pulled image: its digest is the registry's.
func TestImageDigest(t *testing.T) {
	r := needRegistry(t, "")
	d := puller(t, r, Config{})
	if _, err := d.Pull(t.Context(), r.image(), nil); err != nil {
		t.Fatal(err)
	}
	spec := app("polite", "0")
	spec.Image = r.image()
	key := driver.Key{Task: ecs.ID{1}, Container: "app"}
	if got, want := begin(t, d, key, spec).ImageDigest, digestOf(r.manifest); got != want {
		t.Errorf("started with digest %q, want %q", got, want)
	}
	all, err := d.List(t.Context())
	if err != nil || len(all) != 1 || all[0].Started.ImageDigest != digestOf(r.manifest) {
		t.Errorf("list has %+v, %v", all, err)
	}
	if _, err := d.Stop(t.Context(), key, 0); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(d.RemoveLogs(t.Context(), key.Task), d.Remove(t.Context(), key)); err != nil {
		t.Fatal(err)
	}
	if pulled, err := d.Pull(t.Context(), r.domain()+"/team/app@"+digestOf(r.manifest), nil); err != nil || pulled {
		t.Errorf("an image by its digest that is there: pulled %t, %v", pulled, err)
	}
	here := app("polite", "0")
	key.Container = "here"
	if got := begin(t, d, key, here).ImageDigest; got != "" {
		t.Errorf("an image that no registry has gave digest %q", got)
	}
}

// TestPullTogether: who wants the same image at the same time waits for one pull.
func TestPullTogether(t *testing.T) {
	r := needRegistry(t, "")
	d := puller(t, r, Config{})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := d.Pull(t.Context(), r.image(), nil); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestPullFault(t *testing.T) {
	for text, want := range map[string]struct {
		name  string
		final bool
	}{
		"manifest for 127.0.0.1:5000/a:2 not found: manifest unknown: manifest unknown":                                         {cannotPullImageManifestError, true},
		"no matching manifest for linux/arm64 in the manifest list entries":                                                     {cannotPullImageManifestError, true},
		"pull access denied for a, repository does not exist or may require 'docker login': denied: requested access is denied": {driver.CannotPullContainerError, true},
		`Head "http://127.0.0.1:5000/v2/a/manifests/1": no basic auth credentials`:                                              {cannotPullContainerAuthError, true},
		"unauthorized: authentication required":                                                                                 {cannotPullContainerAuthError, true},
		"received unexpected HTTP status: 503 Service Unavailable":                                                              {driver.CannotPullContainerError, false},
		"dial tcp 127.0.0.1:5000: connect: connection refused":                                                                  {driver.CannotPullContainerError, false},
		"toomanyrequests: You have reached your pull rate limit.":                                                               {driver.CannotPullContainerError, false},
	} {
		if name, final := pullFault(errors.New(text)); name != want.name || final != want.final {
			t.Errorf("%s: got %s, final %t", text, name, final)
		}
	}
}

func TestPullPause(t *testing.T) {
	var got []time.Duration
	for n := 1; n < pullTries; n++ {
		got = append(got, pullPause(n))
	}
	if text := fmt.Sprint(got); text != "[1.1s 2.2s 4.4s 5s]" {
		t.Errorf("got %s", text)
	}
}

func TestParseAuth(t *testing.T) {
	for _, c := range []struct {
		text, domain string
		want         registry.AuthConfig
		found        bool
		fails        string
	}{
		{text: `{}`, domain: "docker.io"},
		{text: `{"auths":{"https://index.docker.io/v1/":{"auth":"YTpi"}}}`, domain: "docker.io", want: registry.AuthConfig{Username: "a", Password: "b"}, found: true},
		{text: `{"auths":{"r.example:5000":{"username":"u","password":"p"},"docker.io":{"auth":"YTpi"}}}`, domain: "r.example:5000",
			want: registry.AuthConfig{Username: "u", Password: "p"}, found: true},
		{text: `{"auths":{"r.example":{"identitytoken":"t"}}}`, domain: "r.example", want: registry.AuthConfig{IdentityToken: "t"}, found: true},
		{text: `{"auths":{"r.example":{"auth":"YTpi"}}}`, domain: "q.example"},
		{text: `{"auths":{"r.example":{}},"credsStore":"desktop"}`, domain: "r.example", fails: `credsStore "desktop"`},
		{text: `{"credHelpers":{"r.example":"ecr-login"}}`, domain: "r.example", fails: "credential helper"},
		{text: `{"auths":{"r.example":{"auth":"c2VjcmV0"}}}`, domain: "r.example", fails: "base64"},
		{text: `{"auths":{"r.example":{"auth":"sec-ret!"}}}`, domain: "r.example", fails: "base64"},
		{text: `{"auths": secret`, domain: "r.example", fails: "JSON"},
	} {
		got, found, err := parseAuth([]byte(c.text), c.domain)
		switch {
		case c.fails != "":
			if err == nil || !strings.Contains(err.Error(), c.fails) || strings.Contains(err.Error(), "sec") {
				t.Errorf("%s: error %v, want one with %q", c.text, err, c.fails)
			}
		case err != nil || got != c.want || found != c.found:
			t.Errorf("%s for %s: got %+v, %t, %v", c.text, c.domain, got, found, err)
		}
	}
}

func TestDigestIn(t *testing.T) {
	all := []string{"other/app@sha256:1", "nginx@sha256:2", "r.example:5000/nginx@sha256:3"}
	for name, want := range map[string]string{"nginx": "sha256:2", "docker.io/library/nginx:1": "sha256:2", "r.example:5000/nginx:2": "sha256:3",
		"nginx@sha256:" + strings.Repeat("a", 64): "sha256:2", "else": "", "NOT A NAME": ""} {
		if got := digestIn(all, name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}
