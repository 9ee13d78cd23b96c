package logs

import (
	"context"
	"strconv"
	"strings"

	awslogs "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
)

// getLogEvents shows events of one stream: the latest unless startFromHead, then on in the direction of the token given. At
// the end of the stream the token for that direction is the one that was given, and later gives what has been added since.
func (a *api) getLogEvents(ctx context.Context, in *awslogs.GetLogEventsInput) (*awslogs.GetLogEventsOutput, error) {
	limit, err := limitOf(in.Limit, maxEvents)
	if err != nil {
		return nil, err
	}
	state := a.State.Root()
	g, err := a.group(state, in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	s, err := g.find(state, value(in.LogStreamName))
	if err != nil {
		return nil, err
	}
	t, err := parseToken(in.NextToken, value(in.StartFromHead))
	if err != nil {
		return nil, err
	}
	r, when := reader{a.Source, s}, span{in.StartTime, in.EndTime}
	var p page
	if t.forward {
		if in.NextToken == nil {
			if t.position, err = r.start(ctx, when); err != nil {
				return nil, err
			}
		}
		p, err = r.forward(ctx, t.position, limit, when)
	} else {
		p, err = r.backward(ctx, t.position, limit, when)
	}
	if err != nil {
		return nil, err
	}
	out := &awslogs.GetLogEventsOutput{Events: make([]types.OutputLogEvent, len(p.lines))}
	for i := range p.lines {
		at := int64(p.lines[i].At)
		out.Events[i] = types.OutputLogEvent{Timestamp: &at, IngestionTime: &at, Message: &p.lines[i].Text}
	}
	out.NextForwardToken = token{true, p.end}.text()
	out.NextBackwardToken = token{false, p.before}.text()
	return out, nil
}

// token is a position in a stream and a direction.
type token struct {
	forward  bool
	position int64
}

// text gives the opaque form, which looks like CloudWatch's: "f/..." or "b/...".
func (t token) text() *string {
	direction := "b/"
	if t.forward {
		direction = "f/"
	}
	return new(direction + strconv.FormatInt(t.position, 36))
}

// parseToken reads a token back; without one it gives the start or the end of the stream.
func parseToken(given *string, fromHead bool) (token, error) {
	if given == nil {
		if fromHead {
			return token{true, 0}, nil
		}
		return token{false, toEnd}, nil
	}
	direction, number, _ := strings.Cut(*given, "/")
	position, err := strconv.ParseInt(number, 36, 64)
	if err != nil || position < 0 || direction != "f" && direction != "b" {
		return token{}, invalid("The specified nextToken is invalid.")
	}
	return token{direction == "f", position}, nil
}
