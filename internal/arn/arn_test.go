package arn_test

import (
	"errors"
	"strings"
	"testing"

	"ballast/internal/arn"
	"ballast/internal/ecs"
)

var here = arn.Namer{Region: "eu-central-1", Account: "123456789012"}

const pre = "arn:aws:ecs:eu-central-1:123456789012:"

var id = func() ecs.ID { i, _ := ecs.ParseID("0123456789abcdef0123456789abcdef"); return i }()

func TestNames(t *testing.T) {
	tests := []struct{ got, want string }{
		{here.Cluster("c"), pre + "cluster/c"},
		{here.Service("c", "s"), pre + "service/c/s"},
		{here.Task("c", id), pre + "task/c/0123456789abcdef0123456789abcdef"},
		{here.Container("c", id, id), pre + "container/c/0123456789abcdef0123456789abcdef/01234567-89ab-cdef-0123-456789abcdef"},
		{here.ContainerInstance("c", id), pre + "container-instance/c/0123456789abcdef0123456789abcdef"},
		{here.TaskDefinition("f", 7), pre + "task-definition/f:7"},
		{arn.Namer{Region: "cn-north-1", Account: "1"}.Cluster("c"), "arn:aws-cn:ecs:cn-north-1:1:cluster/c"},
		{arn.Namer{Region: "us-gov-west-1", Account: "1"}.Cluster("c"), "arn:aws-us-gov:ecs:us-gov-west-1:1:cluster/c"},
	}
	for _, test := range tests {
		if test.got != test.want {
			t.Errorf("got %s, want %s", test.got, test.want)
		}
	}
}

func message(err error) string {
	var e *ecs.Error
	if errors.As(err, &e) {
		return e.Error()
	}
	return ""
}

func TestResolve(t *testing.T) {
	cluster := func(ref string) (string, error) { return here.ClusterName(ref) }
	service := func(ref string) (string, error) { return here.ServiceName("c", ref) }
	task := func(ref string) (string, error) {
		id, err := here.TaskID("c", ref)
		return id.String(), err
	}
	instance := func(ref string) (string, error) {
		id, err := here.InstanceID("c", ref)
		return id.String(), err
	}
	const bad = "InvalidParameterException: Invalid identifier: "
	hex := id.String()
	tests := []struct {
		name      string
		resolve   func(string) (string, error)
		ref, want string
		err       string
	}{
		{"no cluster", cluster, "", "default", ""},
		{"cluster name", cluster, "c", "c", ""},
		{"cluster ARN", cluster, pre + "cluster/c", "c", ""},
		{"cluster with a slash", cluster, pre + "cluster/c/d", "", bad + pre + "cluster/c/d"},
		{"cluster name with a blank", cluster, "a b", "", bad + "a b"},
		{"other account", cluster, "arn:aws:ecs:eu-central-1:999999999999:cluster/c", "", bad + "Identifier is for 999999999999. Your accountId is 123456789012"},
		{"other region", cluster, "arn:aws:ecs:us-east-1:123456789012:cluster/c", "", bad + "Identifier is for us-east-1. Your region is eu-central-1"},
		{"other kind", cluster, pre + "service/c/s", "", bad + "Identifier is for service. Expected cluster"},
		{"other service", cluster, "arn:aws:s3:eu-central-1:123456789012:cluster/c", "", bad + "arn:aws:s3:eu-central-1:123456789012:cluster/c"},
		{"half an ARN", cluster, "arn:aws:ecs", "", bad + "arn:aws:ecs"},
		{"service name", service, "s", "s", ""},
		{"service ARN", service, pre + "service/c/s", "s", ""},
		{"old service ARN", service, pre + "service/s", "s", ""},
		{"service of another cluster", service, pre + "service/jan7/s", "", bad + "Identifier is for cluster jan7. Your cluster is c"},
		{"empty service", service, "", "", bad},
		{"task id", task, hex, hex, ""},
		{"task id with dashes", task, id.UUID(), hex, ""},
		{"task ARN", task, pre + "task/c/" + hex, hex, ""},
		{"old task ARN", task, pre + "task/" + id.UUID(), hex, ""},
		{"short task id", task, "abc", "", "InvalidParameterException: taskId length should be one of [32,36]"},
		{"task id that is none", task, strings.Repeat("x", 32), "", bad + strings.Repeat("x", 32)},
		{"36 characters that are none", task, strings.Repeat("a", 36), "", bad + strings.Repeat("a", 36)},
		{"instance ARN", instance, pre + "container-instance/c/" + hex, hex, ""},
		{"instance by a task's ARN", instance, pre + "task/c/" + hex, "", bad + "Identifier is for task. Expected container-instance"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := test.resolve(test.ref)
			if err == nil && test.err == "" && got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if message(err) != test.err {
				t.Errorf("error %q, want %q", message(err), test.err)
			}
		})
	}
}

func TestDefinition(t *testing.T) {
	const number = "InvalidParameterException: Invalid revision number. Number: "
	tests := []struct {
		ref      string
		family   string
		revision int
		err      string
	}{
		{"web", "web", 0, ""},
		{"web:3", "web", 3, ""},
		{pre + "task-definition/web:3", "web", 3, ""},
		{pre + "task-definition/web", "web", 0, ""},
		{"web:", "", 0, number},
		{"web:latest", "", 0, number + "latest"},
		{"web:0", "", 0, number + "0"},
		{"web:-1", "", 0, number + "-1"},
		{"web:+1", "", 0, number + "+1"},
		{"web:3}", "", 0, number + "3}"},
		{"web:99999999999", "", 0, number + "99999999999"},
		{"web app", "", 0, "InvalidParameterException: Invalid identifier: web app"},
	}
	for _, test := range tests {
		family, revision, err := here.Definition(test.ref)
		if family != test.family || revision != test.revision || message(err) != test.err {
			t.Errorf("%s: got %q %d %q", test.ref, family, revision, message(err))
		}
	}
}

func TestValid(t *testing.T) {
	long := strings.Repeat("n", 255)
	tests := []struct {
		what string
		got  bool
		want bool
	}{
		{"longest name", arn.ValidName(long), true},
		{"too long name", arn.ValidName(long + "n"), false},
		{"empty name", arn.ValidName(""), false},
		{"path", arn.ValidName("../etc"), false},
		{"image", arn.ValidImage("public.ecr.aws/nginx/nginx:1.27"), true},
		{"image with digest", arn.ValidImage("nginx@sha256:" + strings.Repeat("a", 64)), true},
		{"image with another digest", arn.ValidImage("nginx@sha512:" + strings.Repeat("a", 64)), false},
		{"image with a short digest", arn.ValidImage("nginx@sha256:abcd"), false},
		{"image with a digest of letters", arn.ValidImage("nginx@sha256:" + strings.Repeat("g", 64)), false},
		{"image of a digest alone", arn.ValidImage("@sha256:" + strings.Repeat("a", 64)), false},
		{"image with a variable", arn.ValidImage("$IMAGE"), false},
		{"token", arn.ValidToken("a!~", 36), true},
		{"token with a blank", arn.ValidToken("a b", 36), false},
		{"too long token", arn.ValidToken(strings.Repeat("a", 37), 36), false},
		{"startedBy", arn.ValidStartedBy("ecs-svc/123"), true},
		{"startedBy with a blank", arn.ValidStartedBy("a b"), false},
		{"group", arn.ValidGroup("family:web.1"), true},
		{"group with a slash", arn.ValidGroup("a/b"), false},
		{"role ARN", arn.ValidRole("arn:aws:iam::123456789012:role/service-role/x"), true},
		{"role name", arn.ValidRole("ecsTaskRole"), true},
		{"role of another service", arn.ValidRole("arn:aws:ecs::123456789012:role/x"), false},
		{"user", arn.ValidRole("arn:aws:iam::123456789012:user/x"), false},
		{"role with a blank", arn.ValidRole("a b"), false},
	}
	for _, test := range tests {
		if test.got != test.want {
			t.Errorf("%s: got %t", test.what, test.got)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{pre + "cluster/c", "arn:aws:iam::123456789012:role/x", "arn:", "arn:a:b:c:d:e:f", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if a, ok := arn.Parse(s); ok && whole(a) != s {
			t.Errorf("%q comes back as %q", s, whole(a))
		}
		arn.ValidRole(s)
	})
}

// FuzzResolve checks that whatever a client sends resolves to something that names itself again, or is refused.
func FuzzResolve(f *testing.F) {
	for _, s := range []string{"web", "web:3", pre + "task-definition/web:3", pre + "service/c/s", pre + "service/s",
		pre + "task/c/" + id.String(), id.UUID(), pre + "cluster/c", "arn:aws:ecs:::", "web:9999999999999999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if name, err := here.ClusterName(s); err == nil {
			if again, err := here.ClusterName(here.Cluster(name)); err != nil || again != name {
				t.Errorf("cluster %q: %q, %v", s, again, err)
			}
		}
		if name, err := here.ServiceName("c", s); err == nil {
			if again, err := here.ServiceName("c", here.Service("c", name)); err != nil || again != name {
				t.Errorf("service %q: %q, %v", s, again, err)
			}
		}
		if task, err := here.TaskID("c", s); err == nil {
			if again, err := here.TaskID("c", here.Task("c", task)); err != nil || again != task {
				t.Errorf("task %q: %v, %v", s, again, err)
			}
		}
		if family, revision, err := here.Definition(s); err == nil && revision > 0 {
			f, r, err := here.Definition(here.TaskDefinition(family, revision))
			if err != nil || f != family || r != revision {
				t.Errorf("definition %q: %s:%d, %v", s, f, r, err)
			}
		}
	})
}

// whole puts the parts of an ARN together again.
func whole(a arn.ARN) string {
	return strings.Join([]string{"arn", a.Partition, a.Service, a.Region, a.Account, a.Resource}, ":")
}
