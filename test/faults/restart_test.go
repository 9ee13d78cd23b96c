//go:build linux

package faults

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/test/harness"
)

// TestRestartInPlace: a container with a restart policy that ends while there is no server is started once more by the next one, at
// its port, and its task goes on; one that ended too soon, and one whose code is ignored, are not. No period is shorter than a
// minute, so that is how long this takes.
func TestRestartInPlace(t *testing.T) {
	t.Parallel()
	s := up(t)
	file := filepath.Join(t.TempDir(), "starts")
	definition := func(family, script string) string {
		c := shell(startsRecorded+script, file)
		c.PortMappings = []types.PortMapping{{ContainerPort: aws.Int32(80)}}
		c.RestartPolicy = &types.ContainerRestartPolicy{Enabled: aws.Bool(true), RestartAttemptPeriod: aws.Int32(60), IgnoredExitCodes: []int32{3}}
		return s.Define(family, c)
	}
	ends, ignored := s.Run(definition("ends", "sleep 60; exit 2")), s.Run(definition("ignored", "sleep 60; exit 3"))
	soon := s.Run(definition("soon", "exit 2"))
	if got := s.Status(*soon.TaskArn, "STOPPED"); aws.ToInt32(got.Containers[0].ExitCode) != 2 {
		t.Errorf("want exit code 2, got %s", harness.Text(got))
	}
	ends, ignored = s.Status(*ends.TaskArn, "RUNNING"), s.Status(*ignored.TaskArn, "RUNNING")
	s.Kill()
	for end := time.Now().Add(harness.Limit); harness.Alive(mainPID(t, ends)) && time.Now().Before(end); {
		time.Sleep(lonely)
	}
	gone(t, "each first attempt", mainPID(t, ends), mainPID(t, ignored))
	s.Up()
	if got := s.Status(*ignored.TaskArn, "STOPPED"); aws.ToInt32(got.Containers[0].ExitCode) != 3 {
		t.Errorf("want exit code 3, got %s", harness.Text(got))
	}
	var got types.Task
	harness.Until(t, "the container is started again", func() error {
		if got = s.Task(*ends.TaskArn); mainPID(t, got) == mainPID(t, ends) {
			return errors.New(harness.Text(got))
		}
		return nil
	})
	port, before := got.Containers[0].NetworkBindings[0].HostPort, ends.Containers[0].NetworkBindings[0].HostPort
	if *got.LastStatus != "RUNNING" || !harness.Alive(mainPID(t, got)) || !got.StartedAt.Equal(*ends.StartedAt) || *port != *before {
		t.Errorf("want the task to go on with another process at port %d, got %s", *before, harness.Text(got))
	}
	harness.Until(t, "the container notes its second start", func() error {
		if all := starts(t, file); len(all) != 4 || all[3] != harness.TaskID(*ends.TaskArn) {
			return fmt.Errorf("starts: %v", all)
		}
		return nil
	})
}
