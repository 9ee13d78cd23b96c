package cli

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"ballast/internal/cli/project"
	"ballast/internal/scheduler/policy"
)

// deployVerb deploys a folder to a server.
type deployVerb struct {
	endpointOptions `embed:""`
	outputOptions   `embed:""`
	waitOptions     `embed:""`

	Dir string `arg:"" help:"A folder with task-definition.json and service.json, as the AWS CLI takes them."`
}

// waitOptions say how long a verb stays with what it has begun.
type waitOptions struct {
	NoWait  bool          `help:"Return when the server has taken the change, without following the rollout."`
	Timeout time.Duration `default:"10m" help:"How long to wait for the steady state (${default})."`
}

// Help is shown with the flags.
func (deployVerb) Help() string {
	return `Examples:

    ballast deploy examples/web               register what differs, create or update services, follow the rollout
    ballast deploy examples/web --no-wait     begin, and leave
    ballast diff examples/web                 what it would change

It is what "ballast up DIR" does beside a server that runs, for any server that speaks ECS.

With -o json: {"tasks": [...]}, the tasks of the services as "ballast ps" gives them.

Exit codes: 0 steady (with --no-wait: begun), 1 failed, the rollout included, 2 usage, 3 no Ballast answers, 4 not steady within
--timeout, 130 interrupted; the rollout goes on after the last two.`
}

// Run deploys and follows.
func (v *deployVerb) Run(ctx context.Context, s *Streams) error {
	ctx, cancel := s.interruptible(ctx)
	defer cancel()
	p, err := project.Read(v.Dir)
	if err != nil {
		return usageError{err.Error()}
	}
	d, err := v.deployment(ctx, s)
	if err != nil {
		return err
	}
	if err := d.apply(ctx, p); err != nil {
		return err
	}
	return d.finish(ctx, s, v.waitOptions, v.json())
}

// deployment makes what speaks to the endpoint. A Ballast says its policy, which explains what takes time; another server that
// speaks ECS does not, and nothing is explained.
func (o endpointOptions) deployment(ctx context.Context, s *Streams) (*deployment, error) {
	c, err := o.client(s.Getenv)
	if err != nil {
		return nil, err
	}
	numbers := policy.Policy{}
	if u, err := url.Parse(o.EndpointURL); err == nil {
		if about, err := probe(ctx, u.Host); err == nil && about != nil {
			if known, err := policy.Named(about.Policy); err == nil {
				numbers = known
			}
		}
	}
	return &deployment{client: c, screen: &screen{out: s.Err, live: s.ErrLive, width: s.Width}, now: s.Now, policy: numbers,
		revisions: map[string]string{}}, nil
}

// finish follows what has been begun, if that is wanted, and gives the tasks.
func (d *deployment) finish(ctx context.Context, s *Streams, wait waitOptions, inJSON bool) error {
	if !wait.NoWait {
		if err := d.followWithin(ctx, wait.Timeout); err != nil {
			return err
		}
	}
	tasks, err := d.tasks(ctx)
	if err != nil {
		return err
	}
	if inJSON {
		return writeJSON(s.Out, map[string]any{"tasks": tasks})
	}
	if len(tasks) == 0 || wait.NoWait {
		return nil
	}
	return table(s.Out, s.OutColor, taskRows(tasks, s.Now(), false))
}

// followWithin is follow with an end.
func (d *deployment) followWithin(ctx context.Context, timeout time.Duration) error {
	waiting, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	err := d.follow(waiting)
	if timeIsUp(ctx, waiting, err) {
		return notSteadyError{fmt.Sprintf(`not steady within %s; "ballast why SERVICE" says why, "ballast ps -a" and "ballast events --all" say more`, timeout)}
	}
	return err
}
