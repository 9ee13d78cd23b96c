package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

const (
	// ours and theirs mark the containers that Ballast and Docker run.
	ours   = "com.amazonaws.ecs.task-definition-family=web"
	theirs = "bench=peer"
	// sampleImage is made by the docker driver of this program.
	sampleImage = "ballast/sample"
	// dockerLaunchCount is how many containers start at once, and dockerWorkers how many "docker run" are under way.
	dockerLaunchCount = 50
	dockerWorkers     = 8
	// settle lies between rounds: an engine starts a container again after 100 ms only if it has run for 10 s before.
	settle = 11 * time.Second
)

// measureDocker: the figures of the docker driver, beside Docker itself on the same engine.
func measureDocker(ctx context.Context, b *bench) ([]row, error) {
	e, err := startEngine(ctx)
	if errors.Is(err, errNoEngine) {
		return []row{{"containers under Docker", "not measured: " + err.Error(), "", ""}}, nil
	}
	if err != nil {
		return nil, err
	}
	defer e.stop()
	if err := os.Setenv("DOCKER_HOST", e.host); err != nil {
		return nil, err
	}
	defer os.Unsetenv("DOCKER_HOST")
	s, err := b.up(ctx, "--driver", "docker")
	if err != nil {
		return nil, err
	}
	stopServer := sync.OnceFunc(s.stop)
	defer stopServer()
	crashed, err := dockerCrash(ctx, b, e, s)
	if err != nil {
		return nil, err
	}
	launched, err := dockerLaunch(ctx, b, e, s)
	if err != nil {
		return nil, err
	}
	stopServer()
	swarm, err := swarmCrash(ctx, e)
	if err != nil {
		return nil, err
	}
	crashed.Peer += ", Docker Swarm with its defaults " + short(swarm)
	return []row{crashed, launched}, nil
}

// containerised is a definition that runs the sample application in an image of it.
func containerised(family string) map[string]any {
	d := definition(family)
	d["containerDefinitions"].([]any)[0].(map[string]any)["image"] = sampleImage
	return d
}

// run has Docker's own client run one container of the same image.
func (e *engine) run(ctx context.Context, flags ...string) error {
	args := append([]string{"run", "-d", "--label", theirs, "--memory", "16m", "-p", "127.0.0.1:0:8080"}, flags...)
	_, err := e.docker(ctx, append(args, sampleImage, "ballast", "sample", "web")...)
	return err
}

// clear removes what Docker's own client ran.
func (e *engine) clear(ctx context.Context) error {
	ids, err := e.docker(ctx, "ps", "-aq", "--filter", "label="+theirs)
	if err != nil || ids == "" {
		return err
	}
	_, err = e.docker(ctx, append([]string{"rm", "-f"}, strings.Fields(ids)...)...)
	return err
}

// dockerCrash: 4 of 8 containers killed at once, until 8 run again, beside containers that Docker restarts.
func dockerCrash(ctx context.Context, b *bench, e *engine, s *server) (row, error) {
	var none row
	if err := s.call("RegisterTaskDefinition", containerised("web"), nil); err != nil {
		return none, err
	}
	if err := s.serve("web", "web", 8); err != nil {
		return none, err
	}
	if err := s.running(ctx, "web", 8); err != nil {
		return none, err
	}
	for range 8 {
		if err := e.run(ctx, "--restart", "always"); err != nil {
			return none, err
		}
	}
	var replaced, restarted []time.Duration
	for range b.rounds {
		for _, side := range []struct {
			label string
			took  *[]time.Duration
		}{{ours, &replaced}, {theirs, &restarted}} {
			if err := pause(ctx, settle/2); err != nil {
				return none, err
			}
			took, err := e.measureKills(ctx, side.label)
			if err != nil {
				return none, fmt.Errorf("containers with %s: %w", side.label, err)
			}
			*side.took = append(*side.took, took)
		}
	}
	if err := s.call("DeleteService", map[string]any{"service": "web", "force": true}, nil); err != nil {
		return none, err
	}
	ratio := float64(median(replaced)) / float64(median(restarted))
	return row{"Docker: 8 containers, 4 killed at once: 8 running", spread(replaced),
		fmt.Sprintf("docker --restart=always %s: ratio %.2f", spread(restarted), ratio), "ratio 1.5"}, e.clear(ctx)
}

// dockerLaunch: 50 containers at once until all run, beside "docker run -d" by 8 workers.
func dockerLaunch(ctx context.Context, b *bench, e *engine, s *server) (row, error) {
	var launched, run []time.Duration
	for i := range b.rounds {
		took, err := launchContainers(ctx, s, fmt.Sprintf("launch%d", i))
		if err != nil {
			return row{}, err
		}
		launched = append(launched, took)
		if took, err = runContainers(ctx, e); err != nil {
			return row{}, err
		}
		run = append(run, took)
	}
	ratio := float64(median(run)) / float64(median(launched))
	return row{fmt.Sprintf("Docker: launch %d containers of one service until all RUNNING", dockerLaunchCount), spread(launched),
		fmt.Sprintf("docker run -d by %d workers %s: rate %.2f of it", dockerWorkers, spread(run), ratio), "rate 0.9"}, nil
}

// launchContainers starts a service and deletes it again.
func launchContainers(ctx context.Context, s *server, name string) (time.Duration, error) {
	begin := time.Now()
	if err := s.serve(name, "web", dockerLaunchCount); err != nil {
		return 0, err
	}
	err := s.until(ctx, func() (bool, error) {
		v, err := s.describe(name)
		return err == nil && v.RunningCount == dockerLaunchCount, err
	})
	took := time.Since(begin)
	if err != nil {
		return 0, err
	}
	if err := s.call("DeleteService", map[string]any{"service": name, "force": true}, nil); err != nil {
		return 0, err
	}
	return took, s.until(ctx, func() (bool, error) {
		v, err := s.describe(name)
		return err == nil && v.RunningCount == 0 && v.PendingCount == 0, err
	})
}

// runContainers does the same with Docker's own client.
func runContainers(ctx context.Context, e *engine) (time.Duration, error) {
	work, errs := make(chan struct{}, dockerLaunchCount), make(chan error, dockerWorkers)
	for range dockerLaunchCount {
		work <- struct{}{}
	}
	close(work)
	begin := time.Now()
	for range dockerWorkers {
		go func() {
			var failed error
			for range work {
				if err := e.run(ctx); err != nil {
					failed = err
				}
			}
			errs <- failed
		}()
	}
	var failed error
	for range dockerWorkers {
		failed = errors.Join(failed, <-errs)
	}
	took := time.Since(begin)
	return took, errors.Join(failed, e.clear(ctx))
}

// swarmCrash does as dockerCrash with a service of Docker Swarm, once: its default delay decides the figure.
func swarmCrash(ctx context.Context, e *engine) (time.Duration, error) {
	if _, err := e.docker(ctx, "swarm", "init", "--advertise-addr", "127.0.0.1", "--listen-addr", "127.0.0.1:2377"); err != nil {
		return 0, err
	}
	_, err := e.docker(ctx, "service", "create", "--detach", "--no-resolve-image", "--name", "web", "--container-label", theirs,
		"--replicas", "8", "--limit-memory", "16m", sampleImage, "ballast", "sample", "web")
	if err != nil {
		return 0, err
	}
	err = until(ctx, func() (bool, error) {
		now, err := e.pids(ctx, theirs)
		return len(now) == 8, err
	})
	if err != nil {
		return 0, err
	}
	return e.measureKills(ctx, theirs)
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
