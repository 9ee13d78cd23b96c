package daemon

import (
	"strings"
	"testing"
)

func TestChooseDriver(t *testing.T) {
	t.Setenv("DOCKER_HOST", "tcp://10.0.0.9:2375")
	for _, c := range []struct {
		asked, before string
		answers       bool
		want, why     string
		wantError     string
	}{
		{asked: "auto", want: "process", why: "no Docker engine answers at tcp://10.0.0.9:2375"},
		{asked: "auto", answers: true, want: "docker", why: "a Docker engine answers"},
		{asked: "auto", before: "process", answers: true, want: "process", why: "this data directory began with it"},
		{asked: "auto", before: "docker", want: "docker", why: "this data directory began with it"},
		{asked: "process", answers: true, want: "process"},
		{asked: "docker", want: "docker"},
		{asked: "docker", before: "docker", want: "docker"},
		{asked: "docker", before: "process", answers: true, wantError: "--driver process"},
		{asked: "process", before: "docker", wantError: "--driver docker"},
	} {
		got, why, err := chooseDriver(c.asked, c.before, func() bool { return c.answers })
		if c.wantError != "" {
			if err == nil || !strings.Contains(err.Error(), c.wantError) {
				t.Errorf("%+v: error %v", c, err)
			}
		} else if got != c.want || why != c.why || err != nil {
			t.Errorf("%+v: got %q, because %q, %v", c, got, why, err)
		}
	}
}

// TestPullNeedsDocker: a setting that the driver has no use for is refused.
func TestPullNeedsDocker(t *testing.T) {
	for _, cfg := range []Config{{Pull: "always"}, {RegistryAuth: "/logins"}} {
		d := &Daemon{cfg: cfg}
		if _, err := d.openNamed(t.Context(), driverProcess); err == nil || !strings.Contains(err.Error(), "--registry-auth") {
			t.Errorf("%+v: got %v", cfg, err)
		}
	}
}
