package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// eventsVerb shows service events.
type eventsVerb struct {
	endpointOptions `embed:""`
	outputOptions   `embed:""`

	Service string `arg:"" optional:"" help:"The service."`
	All     bool   `help:"Show the events of all services of the cluster."`
	Follow  bool   `short:"f" help:"Go on showing events as they happen, until Ctrl-C."`
}

// Help is shown with the flags.
func (eventsVerb) Help() string {
	return `Examples:

    ballast events web          what the scheduler did for service web
    ballast events web -f       and what it does next
    ballast events --all -o json | jq -r .message

The newest 100 events of a service are kept. With -o json: one object per line: {"service", "id", "at", "message"}.

Exit codes: 0 done, 1 failed, 2 usage, 3 no Ballast answers, 130 interrupted.`
}

// Validate is called by kong.
func (v *eventsVerb) Validate() error {
	if (v.Service == "") != v.All {
		return fmt.Errorf("name a service, or give --all for every service of the cluster")
	}
	return nil
}

// event is a service event as the verb shows it; its JSON form is stable.
type event struct {
	Service string    `json:"service"`
	ID      string    `json:"id"`
	At      time.Time `json:"at"`
	Message string    `json:"message"`
}

// followEvery is the pause between two looks at what cannot be waited for.
const followEvery = time.Second

// Run asks and prints, again and again if told to.
func (v *eventsVerb) Run(ctx context.Context, s *Streams) error {
	ctx, cancel := s.interruptible(ctx)
	defer cancel()
	c, err := v.client(s.Getenv)
	if err != nil {
		return err
	}
	shown := map[string]bool{}
	for {
		events, err := v.events(ctx, c)
		if err != nil {
			return err
		}
		news := unseen(events, shown)
		if err := v.print(s.Out, news); err != nil {
			return err
		}
		if !v.Follow {
			if len(shown) == 0 {
				s.say("No events yet.")
			}
			return nil
		}
		if err := pause(ctx, followEvery); err != nil {
			return err
		}
	}
}

// unseen gives the events that are not in shown, which afterwards holds exactly events: what the server has forgotten cannot
// come again.
func unseen(events []event, shown map[string]bool) []event {
	var news []event
	now := make(map[string]bool, len(events))
	for _, e := range events {
		now[e.ID] = true
		if !shown[e.ID] {
			news = append(news, e)
		}
	}
	clear(shown)
	for id := range now {
		shown[id] = true
	}
	return news
}

func (v *eventsVerb) print(w io.Writer, events []event) error {
	for _, e := range events {
		var err error
		if v.json() {
			err = writeJSONLine(w, e)
		} else {
			_, err = fmt.Fprintf(w, "%s  %s\n", e.At.Local().Format(time.DateTime), e.Message)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// events gives the events of the services asked for, oldest first.
func (v *eventsVerb) events(ctx context.Context, c *client) ([]event, error) {
	if v.All {
		services, err := c.services(ctx)
		return eventsOf(services), err
	}
	service, err := c.mustServiceNamed(ctx, v.Service)
	if err != nil {
		return nil, err
	}
	return eventsOf([]types.Service{*service}), nil
}

func eventsOf(services []types.Service) []event {
	var out []event
	for _, s := range services {
		for _, e := range slices.Backward(s.Events) { // the API has the newest first
			out = append(out, event{aws.ToString(s.ServiceName), aws.ToString(e.Id), aws.ToTime(e.CreatedAt).UTC(), aws.ToString(e.Message)})
		}
	}
	slices.SortStableFunc(out, func(a, b event) int { return a.At.Compare(b.At) })
	return out
}

// describeServicesAtOnce is how many services one DescribeServices takes (API_DescribeServices).
const describeServicesAtOnce = 10

// services gives all services of the cluster.
func (c *client) services(ctx context.Context) ([]types.Service, error) {
	var arns []string
	in := &ecs.ListServicesInput{Cluster: &c.cluster, MaxResults: aws.Int32(100)}
	err := pages(ctx, func(token *string) (*string, error) {
		in.NextToken = token
		out, err := c.ecs.ListServices(ctx, in)
		if err != nil {
			return nil, err
		}
		arns = append(arns, out.ServiceArns...)
		return out.NextToken, nil
	})
	if err != nil {
		return nil, fmt.Errorf("list the services: %w", err)
	}
	var all []types.Service
	for chunk := range slices.Chunk(arns, describeServicesAtOnce) {
		out, err := c.ecs.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: &c.cluster, Services: chunk})
		if err != nil {
			return nil, fmt.Errorf("describe the services: %w", err)
		}
		all = append(all, out.Services...)
	}
	return all, nil
}

// pause waits, but not beyond ctx.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
