package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/smithy-go"
)

// task is a task as the verbs show it; its JSON form is stable.
type task struct {
	ID            string      `json:"id"`
	ARN           string      `json:"arn"`
	Service       string      `json:"service,omitempty"`
	Group         string      `json:"group,omitempty"`
	Revision      string      `json:"revision"` // family:revision
	LastStatus    string      `json:"lastStatus"`
	DesiredStatus string      `json:"desiredStatus"`
	Health        string      `json:"health"`
	Since         time.Time   `json:"since"` // when it started, or stopped, or was created if it did neither
	Listens       []listen    `json:"listens"`
	StopCode      string      `json:"stopCode,omitempty"`
	StoppedReason string      `json:"stoppedReason,omitempty"`
	Containers    []container `json:"containers"`

	addresses []address // of containers with a network interface of their own
}

// address is where a container is reached at the ports that its definition names.
type address struct{ container, host string }

type container struct {
	Name       string `json:"name"`
	LastStatus string `json:"lastStatus"`
	ExitCode   *int32 `json:"exitCode,omitempty"`
	Reason     string `json:"reason,omitempty"`

	runtimeID string
}

// listen is a port that reaches a container.
type listen struct {
	Container     string `json:"container"`
	ContainerPort int32  `json:"containerPort"`
	Host          string `json:"host"`
	HostPort      int32  `json:"hostPort"`
	// LastHostPort is the last one of a range, which begins at ContainerPort and HostPort; 0 where there is one port.
	LastHostPort int32  `json:"lastHostPort,omitempty"`
	Protocol     string `json:"protocol"`
}

// String gives the address to dial, with the protocol unless it is TCP.
func (l listen) String() string {
	address := joinHostPort(l.Host, l.HostPort)
	if l.LastHostPort != 0 {
		address += "-" + strconv.Itoa(int(l.LastHostPort))
	}
	if l.Protocol != "tcp" {
		address += "/" + l.Protocol
	}
	return address
}

func joinHostPort(host string, port int32) string {
	switch host {
	case "", "0.0.0.0": // every address includes this one
		host = "127.0.0.1"
	case "::":
		host = "[::1]"
	}
	return host + ":" + strconv.Itoa(int(port))
}

// stopped says whether the task is over.
func (t task) stopped() bool { return t.LastStatus == "STOPPED" }

// shortID is enough of the id to tell tasks apart by eye; every verb takes it.
func (t task) shortID() string { return shortID(t.ID) }

func shortID(id string) string { return id[:min(len(id), 8)] }

// reason says in one line why a task stopped: what the task says, and what its containers add to it.
func (t task) reason() string {
	text := t.StoppedReason
	for _, c := range t.Containers {
		var details []string
		if c.Reason != "" && !strings.Contains(t.StoppedReason, c.Reason) {
			details = append(details, c.Reason)
		}
		if c.ExitCode != nil && *c.ExitCode != 0 {
			details = append(details, "exit code "+strconv.Itoa(int(*c.ExitCode)))
		}
		if len(details) > 0 {
			text += " (" + c.Name + ": " + strings.Join(details, ", ") + ")"
		}
	}
	return strings.TrimSpace(text)
}

// taskOf takes a task from the API.
func taskOf(t types.Task) task {
	group := aws.ToString(t.Group)
	service, _ := strings.CutPrefix(group, "service:")
	if service == group {
		service = ""
	}
	out := task{
		ID: lastPart(aws.ToString(t.TaskArn)), ARN: aws.ToString(t.TaskArn), Service: service, Group: group,
		Revision:   lastPart(aws.ToString(t.TaskDefinitionArn)),
		LastStatus: aws.ToString(t.LastStatus), DesiredStatus: aws.ToString(t.DesiredStatus), Health: string(t.HealthStatus),
		Since:    aws.ToTime(cmp.Or(t.StoppedAt, t.StartedAt, t.CreatedAt)),
		StopCode: string(t.StopCode), StoppedReason: aws.ToString(t.StoppedReason),
		Listens: []listen{}, Containers: []container{},
	}
	for _, c := range t.Containers {
		name := aws.ToString(c.Name)
		out.Containers = append(out.Containers, container{name, aws.ToString(c.LastStatus), c.ExitCode, aws.ToString(c.Reason), aws.ToString(c.RuntimeId)})
		for _, b := range c.NetworkBindings {
			out.Listens = append(out.Listens, bound(name, b))
		}
		for _, i := range c.NetworkInterfaces {
			out.addresses = append(out.addresses, address{name, aws.ToString(i.PrivateIpv4Address)})
		}
	}
	return out
}

// bound gives the port, or the range of ports, of a binding.
func bound(container string, b types.NetworkBinding) listen {
	out := listen{container, aws.ToInt32(b.ContainerPort), aws.ToString(b.BindIP), aws.ToInt32(b.HostPort), 0,
		cmp.Or(string(b.Protocol), "tcp")}
	if b.HostPortRange != nil {
		out.ContainerPort, _ = portRange(aws.ToString(b.ContainerPortRange))
		out.HostPort, out.LastHostPort = portRange(*b.HostPortRange)
	}
	return out
}

// portRange reads "8000-8010".
func portRange(s string) (first, last int32) {
	from, to, _ := strings.Cut(s, "-")
	a, _ := strconv.Atoi(from)
	b, _ := strconv.Atoi(to)
	return int32(a), int32(b)
}

// lastPart gives what follows the last slash of an ARN.
func lastPart(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }

// tasks gives the tasks of a service, or of the whole cluster for "", in the order in which they were created. Those that are
// over are left out unless asked for.
func (c *client) tasks(ctx context.Context, service string, withStopped bool) ([]task, error) {
	all, err := c.tasksBeside(ctx, service, nil)
	return slices.DeleteFunc(all, func(t task) bool { return t.stopped() && !withStopped }), err
}

// tasksBeside gives the tasks of a service but for those whose ARNs are in known, of which nothing new is expected.
func (c *client) tasksBeside(ctx context.Context, service string, known map[string]bool) ([]task, error) {
	var arns []string
	for _, desired := range []types.DesiredStatus{types.DesiredStatusRunning, types.DesiredStatusStopped} {
		in := &ecs.ListTasksInput{Cluster: &c.cluster, DesiredStatus: desired}
		if service != "" {
			in.ServiceName = &service
		}
		err := pages(ctx, func(token *string) (*string, error) {
			in.NextToken = token
			out, err := c.ecs.ListTasks(ctx, in)
			if err != nil {
				return nil, err
			}
			arns = append(arns, out.TaskArns...)
			return out.NextToken, nil
		})
		if err != nil {
			return nil, fmt.Errorf("list the tasks: %w", err)
		}
	}
	return c.describe(ctx, slices.DeleteFunc(arns, func(arn string) bool { return known[arn] }))
}

// describeAtOnce is how many tasks one DescribeTasks takes (API_DescribeTasks).
const describeAtOnce = 100

func (c *client) describe(ctx context.Context, arns []string) ([]task, error) {
	tasks := []task{}
	seen := map[string]bool{}
	for chunk := range slices.Chunk(arns, describeAtOnce) {
		out, err := c.ecs.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: &c.cluster, Tasks: chunk})
		if err != nil {
			return nil, fmt.Errorf("describe the tasks: %w", err)
		}
		for _, t := range out.Tasks {
			// One that was told to stop between two listings is in both.
			if one := taskOf(t); !seen[one.ARN] {
				seen[one.ARN] = true
				tasks = append(tasks, one)
			}
		}
	}
	return tasks, c.addAddresses(ctx, tasks)
}

// addAddresses completes the tasks that have addresses of their own: what they listen at is in their definitions alone. A definition that
// is gone leaves it unsaid.
func (c *client) addAddresses(ctx context.Context, tasks []task) error {
	known := map[string]*types.TaskDefinition{}
	for i := range tasks {
		t := &tasks[i]
		if len(t.addresses) == 0 {
			continue
		}
		definition, asked := known[t.Revision]
		if !asked {
			out, err := c.ecs.DescribeTaskDefinition(ctx, &ecs.DescribeTaskDefinitionInput{TaskDefinition: &t.Revision})
			var refusal smithy.APIError
			switch {
			case errors.As(err, &refusal):
			case err != nil:
				return fmt.Errorf("describe task definition %s: %w", t.Revision, err)
			default:
				definition = out.TaskDefinition
			}
			known[t.Revision] = definition
		}
		if definition != nil {
			t.Listens = append(t.Listens, atAddresses(t.addresses, definition.ContainerDefinitions)...)
		}
	}
	return nil
}

// atAddresses gives the ports that containers name, at their addresses.
func atAddresses(addresses []address, definitions []types.ContainerDefinition) (out []listen) {
	for _, a := range addresses {
		for _, d := range definitions {
			if aws.ToString(d.Name) != a.container {
				continue
			}
			for _, m := range d.PortMappings {
				l := listen{a.container, aws.ToInt32(m.ContainerPort), a.host, aws.ToInt32(m.ContainerPort), 0, cmp.Or(string(m.Protocol), "tcp")}
				if m.ContainerPortRange != nil {
					l.HostPort, l.LastHostPort = portRange(*m.ContainerPortRange)
					l.ContainerPort = l.HostPort
				}
				out = append(out, l)
			}
		}
	}
	return out
}

// find gives the task that ref means: an ARN, an id, or the beginning of one.
func (c *client) find(ctx context.Context, ref string) (task, error) {
	if !isTaskARN(ref) && !looksLikeID(ref) {
		return task{}, notFound(ref, c.cluster)
	}
	if isTaskARN(ref) || len(ref) == taskIDLength {
		found, err := c.describe(ctx, []string{ref})
		if err != nil {
			return task{}, err
		}
		if len(found) == 0 {
			return task{}, notFound(ref, c.cluster)
		}
		return found[0], nil
	}
	all, err := c.tasks(ctx, "", true)
	if err != nil {
		return task{}, err
	}
	return match(ref, all, c.cluster)
}

// isTaskARN says whether s can only be the ARN of a task.
func isTaskARN(s string) bool { return strings.HasPrefix(s, "arn:") && strings.Contains(s, ":task/") }

// taskIDLength is the length of a task's id in hexadecimal digits.
const taskIDLength = 32

// looksLikeID says whether s can be the beginning of a task's id.
func looksLikeID(s string) bool {
	return s != "" && len(s) <= taskIDLength && strings.Trim(s, "0123456789abcdef") == ""
}

// match finds the one task whose id begins with prefix.
func match(prefix string, all []task, cluster string) (task, error) {
	var found []task
	for _, t := range all {
		if strings.HasPrefix(t.ID, prefix) {
			found = append(found, t)
		}
	}
	switch len(found) {
	case 0:
		return task{}, notFound(prefix, cluster)
	case 1:
		return found[0], nil
	}
	return task{}, fmt.Errorf("%q is the beginning of %d tasks (%s, %s, ...); give more of it", prefix, len(found), found[0].ID, found[1].ID)
}

func notFound(ref, cluster string) error {
	return fmt.Errorf(`cluster %s has no service and no task %q; "ballast ps -a" lists what there is`, cluster, ref)
}

// serviceNamed gives a service that has not been deleted, or nil.
func (c *client) serviceNamed(ctx context.Context, name string) (*types.Service, error) {
	out, err := c.ecs.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: &c.cluster, Services: []string{name},
		Include: []types.ServiceField{types.ServiceFieldTags}})
	if err != nil {
		return nil, fmt.Errorf("describe service %s: %w", name, err)
	}
	for i, s := range out.Services {
		if aws.ToString(s.Status) != "INACTIVE" {
			return &out.Services[i], nil
		}
	}
	return nil, nil
}

// mustServiceNamed is serviceNamed with an error in place of nil.
func (c *client) mustServiceNamed(ctx context.Context, name string) (*types.Service, error) {
	s, err := c.serviceNamed(ctx, name)
	if err == nil && s == nil {
		err = fmt.Errorf(`cluster %s has no service %q; "ballast ps" lists what runs, "ballast events --all" all services`, c.cluster, name)
	}
	return s, err
}
