package metadata

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"ballast/internal/agent"
	"ballast/internal/arn"
	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// Agent is what the package asks of an agent.
type Agent interface {
	View(ctx context.Context, task ecs.ID) (*agent.TaskView, error)
}

// Control is what the package asks of control.
type Control interface {
	// Task gives control's record of a task, nil when it has none.
	Task(id ecs.ID) *ecs.Task
	// InstanceTags are those of the container instance.
	InstanceTags() []ecs.Tag
	// Protection gives a task that has, or can have, protection, or the reason why it cannot.
	Protection(ctx context.Context, task ecs.ID) (t *ecs.Task, reason string, err error)
	// Protect protects a task for a time, or, with 0, no longer, and gives the task then, or the reason why not. The error is an
	// *ecs.Error or the context's.
	Protect(ctx context.Context, task ecs.ID, period time.Duration) (t *ecs.Task, reason string, err error)
}

// Config says what a Server answers from.
type Config struct {
	Secret  Secret
	Names   arn.Namer
	Cluster string
	Zone    string
	Agent   Agent
	Control Control
	Driver  driver.Driver
	Now     func() time.Time
	Log     *slog.Logger
}

// Server answers containers. It is safe for concurrent use.
type Server struct {
	cfg Config

	mu      sync.Mutex
	pace    pace
	samples samples
}

// NewServer gives a server.
func NewServer(cfg Config) *Server { return &Server{cfg: cfg, pace: pace{}} }

// Handler gives what the endpoint serves. How the paths are told apart is gorilla/mux's way in the agent of ECS: exactly.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, v := range []version{version4, version3} {
		s.serve(mux, v, "", "container metadata handler", s.containerMetadata)
		s.serve(mux, v, "/task", "task metadata handler", s.taskMetadata)
		s.serve(mux, v, "/taskWithTags", "task metadata handler", s.taskWithTags)
		s.serve(mux, v, "/stats", "container stats handler", s.containerStats)
		s.serve(mux, v, "/task/stats", "task stats handler", s.taskStats)
	}
	mux.HandleFunc("GET /api/{id}/task-protection/v1/state", s.getProtection)
	mux.HandleFunc("PUT /api/{id}/task-protection/v1/state", s.putProtection)
	return http.MaxBytesHandler(mux, maxBody)
}

// maxBody bounds what a container sends: a protection is a few dozen bytes.
const maxBody = 4096

// caller is the container that asks, as a view of its task.
type caller struct {
	view      *agent.TaskView
	container *agent.ContainerView
}

// failure is an answer that is none, in the agent's words.
type failure struct {
	status int
	text   string
}

func (f *failure) Error() string { return f.text }

// answerFor bounds an answer; the agent and the driver answer in milliseconds.
const answerFor = 10 * time.Second

// serve answers what is asked under a path, with the name that the agent of ECS has for who answers.
func (s *Server) serve(mux *http.ServeMux, v version, path, handler string, show func(context.Context, caller) (any, error)) {
	wanted, unknown := "task arn", v.noMetadata
	if path == "" {
		wanted = "container ID"
	}
	if strings.HasSuffix(path, "/stats") {
		unknown = v.noStats
	}
	mux.HandleFunc("GET "+v.path+path, s.answer(v.name+handler, wanted, unknown, func(ctx context.Context, c caller) (any, error) {
		answer, err := show(ctx, c)
		if err != nil {
			return nil, err
		}
		return v.shown(answer), nil
	}))
}

// answer wraps what shows something in what is the same for all: the limit, who asks, errors, JSON. What is unknown is said in the words of
// the agent of ECS.
func (s *Server) answer(who, wanted string, unknown int, show func(context.Context, caller) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), answerFor)
		defer cancel()
		c, err := s.caller(ctx, r.PathValue("id"))
		var f *failure
		if errors.As(err, &f) && f.status == http.StatusTooManyRequests {
			http.Error(w, f.text, f.status)
			return
		}
		if errors.Is(err, errUnknown) {
			what := "docker ID"
			if wanted == "task arn" {
				what = "task Arn"
			}
			s.write(w, unknown, fmt.Sprintf("%s: unable to get %s from request: unable to get %s from v3 endpoint ID: %s", who, wanted, what, r.PathValue("id")))
			return
		}
		var shown any
		if err == nil {
			shown, err = show(ctx, c)
		}
		switch {
		case errors.As(err, &f):
			s.write(w, f.status, f.text)
		case err != nil:
			s.cfg.Log.Warn("a container's question could not be answered", "path", who, "cause", err)
			s.write(w, http.StatusInternalServerError, "failed to get metadata")
		default:
			s.write(w, http.StatusOK, shown)
		}
	}
}

// errUnknown says that an id is of no container.
var errUnknown = errors.New("no container has this id")

// caller finds who asks. Only ids that the secret has made get as far as the agent.
func (s *Server) caller(ctx context.Context, id string) (caller, error) {
	task, name, ok := s.cfg.Secret.open(id)
	if !ok {
		return caller{}, errUnknown
	}
	s.mu.Lock()
	allowed := s.pace.take(task, s.cfg.Now())
	s.mu.Unlock()
	if !allowed {
		return caller{}, &failure{http.StatusTooManyRequests, "You have reached maximum request limit."}
	}
	view, err := s.cfg.Agent.View(ctx, task)
	if err != nil {
		return caller{}, err
	}
	if view == nil {
		return caller{}, errUnknown
	}
	for i := range view.Containers {
		if c := &view.Containers[i]; nameHash(c.Key.Container) == name && exists(c) {
			return caller{view, c}, nil
		}
	}
	return caller{}, errUnknown
}

// scene gathers what an answer about a task is made of.
func (s *Server) scene(ctx context.Context, view *agent.TaskView) *scene {
	sc := &scene{names: s.cfg.Names, cluster: s.cfg.Cluster, zone: s.cfg.Zone, view: view, record: s.cfg.Control.Task(view.Task),
		hostAddress: hostAddress}
	bridge, ok := s.cfg.Driver.(driver.Bridge)
	if !ok || view.Work.Definition.NetworkMode != ecs.NetworkBridge {
		return sc
	}
	sc.addresses = map[string]string{}
	for i := range view.Containers {
		c := &view.Containers[i]
		var at netip.Addr
		if c.Known == "RUNNING" {
			at, _ = bridge.Address(ctx, c.Key) // it may have ended meanwhile
		}
		sc.addresses[c.Key.Container] = ""
		if at.IsValid() {
			sc.addresses[c.Key.Container] = at.String()
		}
	}
	return sc
}

// hostAddress is where containers without a network of their own are reached.
const hostAddress = "127.0.0.1"

func (s *Server) containerMetadata(ctx context.Context, c caller) (any, error) {
	return s.scene(ctx, c.view).container(c.container), nil
}

func (s *Server) taskMetadata(ctx context.Context, c caller) (any, error) {
	return s.scene(ctx, c.view).task(), nil
}

func (s *Server) taskWithTags(ctx context.Context, c caller) (any, error) {
	return s.scene(ctx, c.view).tagged(s.cfg.Control.InstanceTags()), nil
}

func (s *Server) containerStats(ctx context.Context, c caller) (any, error) {
	shown, err := s.measure(ctx, c.view, c.container)
	if err != nil {
		return nil, &failure{http.StatusInternalServerError, fmt.Sprintf("Unable to get container stats for: %s", dockerID(c.container))}
	}
	return shown, nil
}

// taskStats measures all containers of the task; one that cannot be measured, as it does not run, is null.
func (s *Server) taskStats(ctx context.Context, c caller) (any, error) {
	all := map[string]*statsShape{}
	for i := range c.view.Containers {
		one := &c.view.Containers[i]
		if !exists(one) {
			continue
		}
		shown, err := s.measure(ctx, c.view, one)
		if errors.Is(err, errNoMeter) {
			return nil, &failure{http.StatusInternalServerError, fmt.Sprintf("Unable to get task stats for: %s",
				s.cfg.Names.Task(s.cfg.Cluster, c.view.Task))}
		}
		all[dockerID(one)] = shown
	}
	return all, nil
}

// errNoMeter says that the driver measures nothing.
var errNoMeter = errors.New("the driver does not measure containers")

func (s *Server) measure(ctx context.Context, view *agent.TaskView, c *agent.ContainerView) (*statsShape, error) {
	meter, ok := s.cfg.Driver.(driver.Meter)
	if !ok {
		return nil, errNoMeter
	}
	now, err := meter.Stats(ctx, c.Key)
	if err != nil {
		return nil, fmt.Errorf("measure container %v: %w", c.Key, err)
	}
	s.mu.Lock()
	before := s.samples.put(c.Key, now)
	s.mu.Unlock()
	name := (&scene{view: view}).dockerName(c)
	shown := statsOf(name, dockerID(c), now, before)
	return &shown, nil
}

func (s *Server) write(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		s.cfg.Log.Error("an answer to a container could not be written", "cause", err)
		status, text = http.StatusInternalServerError, []byte(`"failed to get metadata"`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(text)
}
