// Package logs serves the part of the Amazon CloudWatch Logs API that shows what containers wrote: GetLogEvents,
// FilterLogEvents and DescribeLogStreams. A cluster is the log group "/ballast/<cluster>"; a container of a task is the stream
// "<service, or family>/<container>/<task id>", named like the awslogs driver of ECS names them (prefix/container/task).
//
// It keeps nothing and caches nothing: streams are the tasks of the committed state, lines come from a Source. Lines stay
// readable as long as the task is shown. Start reading at Operations; stream.go finds streams, page.go reads one of them in
// both directions, filter.go merges many.
package logs

import (
	"context"

	"ballast/internal/arn"
	"ballast/internal/control/root"
	"ballast/internal/driver"
	"ballast/internal/ecs"
	"ballast/internal/httpd"
)

// Source gives lines of a container in the order written: those after position (0 = the oldest kept), at most limit, and the
// position after the last one given. Positions grow and stay good while lines are added. A container that wrote nothing, or of
// which nothing is kept, has no lines and gives back the position it was asked for.
type Source interface {
	Logs(ctx context.Context, task ecs.ID, container string, position int64, limit int) (lines []driver.LogLine, next int64, err error)
}

// State gives the committed state.
type State interface{ Root() *root.Root }

// Config is what the operations work on.
type Config struct {
	Names  arn.Namer
	State  State
	Source Source
}

// GroupPrefix begins the name of every log group; the cluster's name follows.
const GroupPrefix = "/ballast/"

// StreamName names the stream of a task's container.
func StreamName(t *ecs.Task, container string) string {
	return owner(t) + "/" + container + "/" + t.ID.String()
}

// owner is the service, or for a standalone task the family.
func owner(t *ecs.Task) string {
	if t.Service != "" {
		return t.Service
	}
	return t.Definition.Family
}

// Operations gives the operations served, for httpd to dispatch to. Logs may hold secrets, so reading lines is for admins.
func Operations(config Config) []httpd.Operation {
	a := &api{config}
	return []httpd.Operation{
		httpd.Op(httpd.Logs, "GetLogEvents", httpd.Admin, a.getLogEvents),
		httpd.Op(httpd.Logs, "FilterLogEvents", httpd.Admin, a.filterLogEvents),
		httpd.Op(httpd.Logs, "DescribeLogStreams", httpd.Read, a.describeLogStreams),
	}
}

type api struct{ Config }

func invalid(format string, args ...any) error {
	return ecs.Errorf(ecs.InvalidParameterException, format, args...)
}

// limitOf reads limit, in the words that CloudWatch Logs has for one out of range.
func limitOf(given *int32, most int) (int, error) {
	switch {
	case given == nil:
		return most, nil
	case *given < 1:
		return 0, invalid("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: "+
			"Member must have value greater than or equal to 1", *given)
	case int(*given) > most:
		return 0, invalid("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: "+
			"Member must have value less than or equal to %d", *given, most)
	}
	return int(*given), nil
}

func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
