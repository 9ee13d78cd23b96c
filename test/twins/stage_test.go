package twins

import (
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsecs "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/internal/driver/fake"
	"ballast/internal/scheduler/policy"
	"ballast/internal/sim/scenario"
	"ballast/test/harness"
)

const (
	// slower is how many times fewer requests come than in the scenario, and are served.
	slower = 10
	// plenty is more memory than any machine has, in MiB.
	plenty = 1 << 24
	// checkInterval is the shortest that ECS allows, in seconds. checkTimeout is far more than the checks take, which wait for an
	// answer for checkPatience: on a machine under load nothing but what is checked must make them fail.
	checkInterval, checkTimeout = 5, 30
	checkPatience               = 4 * time.Second
	// longestStart is the longest startPeriod that ECS allows, in seconds: checks that fail before a first one passes mean nothing.
	longestStart = 300
)

// stage is a scenario that the real program plays.
type stage struct {
	*watcher
	twin    *twin
	s       *scenario.Scenario
	images  string // a folder of programs: an image that is missing is not there
	outside *outside
	traffic *traffic
	held    hold            // what is held back now
	fit     map[string]bool // the tasks that have been told to be healthy, by ARN
}

// newStage starts a server and has it run what the scenario begins with.
func newStage(t *testing.T, v *twin) *stage {
	s, err := scenario.Read(filepath.Join(folder, v.file+scenario.Extension))
	if err != nil {
		t.Fatal(err)
	}
	g := &stage{twin: v, s: s, images: t.TempDir(), fit: map[string]bool{}, outside: newOutside(t)}
	numbers := s.Policy
	if numbers == policy.Default {
		numbers = "fast"
	}
	server := harness.New(t, exe, "--policy", numbers)
	server.Up()
	g.watcher = &watcher{t: t, server: server, tasks: map[string]types.Task{},
		most: map[string]int{}, marks: map[string]time.Time{}}
	for i := range s.Definitions {
		g.register(&s.Definitions[i])
	}
	if len(s.Services) != 1 {
		t.Fatalf("%s has %d services; a twin has one", s.File, len(s.Services))
	}
	g.create(&s.Services[0])
	g.traffic = newTraffic(t)
	return g
}

func input[T any](t *testing.T, r *scenario.Request) *T {
	t.Helper()
	in, err := r.Input()
	if err != nil {
		t.Fatal(err)
	}
	return in.(*T)
}

// register registers a task definition whose application is the sample, made to behave as the scenario says.
func (g *stage) register(r *scenario.Request) {
	in := input[awsecs.RegisterTaskDefinitionInput](g.t, r)
	number := 1
	for other := &g.s.Definitions[0]; other != r; number++ {
		other = &g.s.Definitions[number]
	}
	name := fmt.Sprintf("%s:%d", *in.Family, number)
	if len(in.ContainerDefinitions) != 1 {
		g.t.Fatalf("%s has %d containers; that of a twin has one", name, len(in.ContainerDefinitions))
	}
	c := &in.ContainerDefinitions[0]
	g.imageBack(*c.Image)
	c.Command = append([]string{g.program(*c.Image), "sample", "web"}, g.flags(name)...)
	c.PortMappings = []types.PortMapping{{ContainerPort: aws.Int32(8080)}}
	c.Cpu = 0
	if int(*c.Memory) > g.s.Instances[0].Memory {
		c.Memory = aws.Int32(plenty)
	}
	if h := c.HealthCheck; h != nil {
		g.checked = true
		h.Interval, h.Timeout, h.Retries = aws.Int32(checkInterval), aws.Int32(checkTimeout), aws.Int32(1)
		if g.twin.held != nil {
			h.StartPeriod = aws.Int32(longestStart)
		}
		if slices.Equal(h.Command, []string{"CMD", "check"}) {
			h.Command = []string{"CMD", exe, "sample", "check", "--timeout=" + checkPatience.String()}
		}
	}
	if _, err := g.server.ECS().RegisterTaskDefinition(g.t.Context(), in); err != nil {
		g.t.Fatalf("%s: %v", name, err)
	}
}

// flags makes the sample do what the scenario says of a task definition.
func (g *stage) flags(revision string) []string {
	var flags []string
	flag := func(name string, value any) { flags = append(flags, fmt.Sprintf("--%s=%v", name, value)) }
	if g.twin.held != nil {
		flag("unhealthy-after", "0s")
	}
	for i := range g.s.Behaviours {
		b := &g.s.Behaviours[i]
		if b.Revision != revision {
			continue
		}
		for _, v := range b.Script() {
			switch v.Name {
			case fake.EnvExitAfter:
				flag("exit-after", g.hurried(v.Value))
			case fake.EnvExitCode:
				flag("exit-code", v.Value)
			case fake.EnvStopDelay:
				flag("stop-delay", g.hurried(v.Value))
			}
		}
		for _, name := range b.Needs() {
			flag("needs", g.outside.url(name))
		}
		if _, most := b.Capacity(); most > 0 {
			flag("capacity", math.Floor(most/slower))
		}
		if leak := b.LeakPerMinute(); leak > 0 {
			flag("leak-mib", int(leak/60*g.twin.faster()))
		}
	}
	return flags
}

// hurried is a time of the scenario as the twin has it.
func (g *stage) hurried(text string) time.Duration {
	d, err := time.ParseDuration(text)
	if err != nil {
		g.t.Fatal(err)
	}
	return time.Duration(float64(d) / g.twin.faster()).Round(time.Millisecond)
}

// create creates the service of the scenario.
func (g *stage) create(r *scenario.Request) {
	in := input[awsecs.CreateServiceInput](g.t, r)
	for _, tag := range g.twin.tags {
		in.Tags = append(in.Tags, types.Tag{Key: aws.String(tag[0]), Value: aws.String(tag[1])})
		if tag[0] == "ballast:healthy-after" {
			var err error
			if g.healthyAfter, err = time.ParseDuration(tag[1]); err != nil {
				g.t.Fatal(err)
			}
		}
	}
	g.service, g.zero = *in.ServiceName, time.Now()
	if _, err := g.server.ECS().CreateService(g.t.Context(), in); err != nil {
		g.t.Fatal(err)
	}
}

// program is the path at which the containers of an image find their program.
func (g *stage) program(image string) string { return filepath.Join(g.images, image) }

func (g *stage) imageBack(image string) {
	if err := os.Symlink(exe, g.program(image)); err != nil && !os.IsExist(err) {
		g.t.Fatal(err)
	}
}

func (g *stage) imageMissing(image string) {
	if err := os.Remove(g.program(image)); err != nil {
		g.t.Fatal(err)
	}
}

// outside answers for all that the health of containers depends on, each a path of its own.
type outside struct {
	server *httptest.Server
	mu     sync.Mutex
	down   map[string]bool
}

func newOutside(t *testing.T) *outside {
	o := &outside{down: map[string]bool{}}
	o.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.down[r.URL.Path[1:]] {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(o.server.Close)
	return o
}

func (o *outside) url(name string) string { return o.server.URL + "/" + name }

func (o *outside) set(name string, up bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.down[name] = !up
}

// tell has the application of a task do something.
func tell(t *testing.T, task types.Task, what string) {
	t.Helper()
	harness.Until(t, "the application is told "+what, func() error { return order(task, what) })
}

// order has the application of a task do something if it listens.
func order(task types.Task, what string) error {
	url := address(task) + "/control/" + what
	response, err := http.Post(url, "", nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("POST %s: %s", url, response.Status)
	}
	return nil
}

// address is where a task listens.
func address(task types.Task) string {
	b := task.Containers[0].NetworkBindings[0]
	return "http://" + *b.BindIP + ":" + strconv.Itoa(int(*b.HostPort))
}
