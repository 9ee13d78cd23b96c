//go:build linux

package process

import (
	"strings"
	"testing"
	"time"

	"ballast/internal/driver"
	"ballast/internal/driver/drivertest"
	"ballast/internal/ecs"
)

// TestLogLimits has a container keep less of its log than others do, also under the next keeper.
func TestLogLimits(t *testing.T) {
	d := open(t)
	spec := command("chatter")
	spec.Logging = &ecs.Logging{Driver: "json-file", Options: []ecs.Variable{{Name: "max-file", Value: "2"}, {Name: "max-size", Value: "10k"}}}
	start(t, d, key(1), spec)
	drivertest.Wait(t, "it has written everything", func() bool { return strings.HasSuffix(strings.Join(texts(t, d, key(1)), " "), " done") })
	kept := 0
	for _, l := range texts(t, d, key(1)) {
		kept += len(l)
	}
	if kept < 5_000 || kept > 20_000 {
		t.Errorf("%d bytes are kept, want about 10,000 to 20,000", kept)
	}

	spec = command("sleep")
	spec.EntryPoint, spec.Command = []string{"sh", "-c"}, []string{"echo ready; sleep 1; i=0; while [ $i -lt 3000 ]; do echo line $i of many; i=$((i+1)); done; echo done; exec sleep 3600"}
	spec.Logging = &ecs.Logging{Driver: "json-file", Options: []ecs.Variable{{Name: "max-file", Value: "1"}, {Name: "max-size", Value: "10k"}}}
	startReady(t, d, key(2), spec)
	killKeeper(t, d)
	drivertest.Wait(t, "it has written everything", func() bool { return strings.HasSuffix(strings.Join(texts(t, d, key(2)), " "), " done") })
	if n := len(texts(t, d, key(2))); n > 600 {
		t.Errorf("%d lines are kept under the next keeper", n)
	}
	if _, err := d.Stop(t.Context(), key(2), time.Minute); err != nil {
		t.Fatal(err)
	}

	spec.Logging.Options[1].Value = "much"
	if err := d.Create(t.Context(), key(3), spec); err == nil || !strings.Contains(err.Error(), driver.CannotCreateContainerError) {
		t.Errorf("a size that is none: %v", err)
	}
}
