// Package logs serves the part of the Amazon CloudWatch Logs API that shows what containers wrote: GetLogEvents,
// FilterLogEvents, DescribeLogGroups and DescribeLogStreams. A container of a task is one stream in one group: with the log driver
// awslogs those that its options name, else the group "/ballast/<cluster>" and the stream "<service, or family>/<container>/<task
// id>", which is the form that awslogs gives too (prefix/container/task).
//
// It keeps nothing and caches nothing: groups are clusters and what revisions name, streams are the tasks of the committed state,
// lines come from a Source. Lines stay readable as long as the task is shown. Start reading at Operations; group.go and stream.go
// find groups and streams, page.go reads one stream in both directions, filter.go merges many.
package logs

import (
	"context"

	"ballast/internal/arn"
	"ballast/internal/control/root"
	"ballast/internal/driver"
	"ballast/internal/ecs"
	"ballast/internal/httpd"
)

// Source gives lines of a container in the order written: those after position (0 = the oldest kept), up to a limit, and the
// position after the last one given. Positions grow and stay good while lines are added. A container that wrote nothing, or of
// which nothing is kept, has no lines and gives back the position it was asked for.
//
// FindLog gives a position that no line at or after a time stands before (0 is one), LastLog the time of the newest line, 0 if there
// is none or it is not known.
type Source interface {
	Logs(ctx context.Context, task ecs.ID, container string, position int64, limit driver.LogLimit) (lines []driver.LogLine, next int64, err error)
	FindLog(ctx context.Context, task ecs.ID, container string, at ecs.Time) (position int64, err error)
	LastLog(ctx context.Context, task ecs.ID, container string) (at ecs.Time, err error)
}

// State gives the committed state.
type State interface{ Root() *root.Root }

// Config is what the operations work on.
type Config struct {
	Names  arn.Namer
	State  State
	Source Source
}

// Operations gives the operations served, for httpd to dispatch to. Logs may hold secrets, so reading lines is for admins.
func Operations(config Config) []httpd.Operation {
	a := &api{config}
	return []httpd.Operation{
		httpd.Op(httpd.Logs, "GetLogEvents", httpd.Admin, a.getLogEvents),
		httpd.Op(httpd.Logs, "FilterLogEvents", httpd.Admin, a.filterLogEvents),
		httpd.Op(httpd.Logs, "DescribeLogGroups", httpd.Read, a.describeLogGroups),
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
