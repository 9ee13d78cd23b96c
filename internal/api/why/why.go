// Package why serves explanations: a request that names a service or a task, and a report of what is wanted, what holds it back and
// what happens next. The API of ECS has no operation for that.
//
// It keeps nothing and decides nothing; package explain makes the reports of what control knows. Start reading at Lookup.
package why

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"ballast/internal/control"
	"ballast/internal/ecs"
	"ballast/internal/httpd"
	"ballast/internal/scheduler/explain"
)

// Path is where explanations are asked for, with the parameters of the query below. The answer is an explain.Report.
const Path = "/why"

// The parameters of the query: the cluster, and a service or a task.
const (
	Cluster = "cluster" // its name; "default" where it is not given
	Service = "service" // its name
	Task    = "task"    // its id
)

// Control answers control.Explain.
type Control interface {
	Submit(ctx context.Context, c control.Command) (any, error)
}

// Lookup gives what httpd serves. It reveals what DescribeServices and DescribeTasks do.
func Lookup(c Control) httpd.Lookup {
	return httpd.Lookup{Path: Path, Service: httpd.ECS, Name: "DescribeServices",
		Get: func(ctx context.Context, query url.Values) (any, error) {
			want, err := parse(query)
			if err != nil {
				return nil, err
			}
			answer, err := c.Submit(ctx, want)
			if err != nil {
				return nil, err
			}
			known, ok := answer.(control.Explained)
			switch {
			case !ok:
				return nil, fmt.Errorf("control answered an Explain with a %T", answer)
			case known.Task != nil:
				return explain.OneTask(known.Case, known.Task), nil
			}
			return explain.Service(known.Case), nil
		}}
}

func invalid(format string, args ...any) error {
	return ecs.Errorf(ecs.InvalidParameterException, format, args...)
}

func parse(query url.Values) (want control.Explain, err error) {
	for _, name := range slices.Sorted(maps.Keys(query)) {
		switch {
		case strings.HasPrefix(name, "X-Amz-"): // of the signature
		case !slices.Contains([]string{Cluster, Service, Task}, name):
			return want, invalid("%s is not a parameter of %s; it has %s, %s and %s.", name, Path, Cluster, Service, Task)
		case len(query[name]) != 1:
			return want, invalid("%s is to be given once.", name)
		}
	}
	want = control.Explain{Cluster: query.Get(Cluster), Service: query.Get(Service)}
	if want.Cluster == "" {
		want.Cluster = "default"
	}
	task := query.Get(Task)
	if (task == "") == (want.Service == "") {
		return want, invalid("One of %s and %s is needed.", Service, Task)
	}
	if task == "" {
		return want, nil
	}
	if want.Task, err = ecs.ParseID(task); err != nil || want.Task.IsZero() {
		return want, invalid("%s: want the id of a task, 32 hexadecimal digits.", Task)
	}
	return want, nil
}
