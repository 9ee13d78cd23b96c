package scenario

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"ballast/internal/driver"
	"ballast/internal/ecs"
	"ballast/internal/scheduler"
	"ballast/internal/scheduler/policy"
	"ballast/internal/sim"
)

// Moment is a time of a scenario; in JSON it is in seconds.
type Moment time.Duration

// MarshalJSON gives seconds.
func (m Moment) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(m).Seconds()) }

// Kind says what a Line is about.
type Kind string

// The kinds of lines.
const (
	Outside      Kind = "outside" // something from outside: the timeline, a scaling rule
	ServiceEvent Kind = "event"   // a service event
	Ended        Kind = "ended"   // tasks that ended though nobody asked them to
)

// Line is something that happened.
type Line struct {
	At      Moment `json:"at"`
	Kind    Kind   `json:"kind"`
	Service string `json:"service,omitempty"`
	Text    string `json:"text"`
	count   int
}

// Part is how the tasks of one deployment stand; a task is in one of the counts until it is STOPPED.
type Part struct {
	Deployment int    `json:"deployment"` // of the service, counted from 1
	Revision   string `json:"revision"`
	Rollout    string `json:"rollout,omitempty"`
	Pending    int    `json:"pending"`   // not RUNNING yet
	Warming    int    `json:"warming"`   // RUNNING, not known to be healthy yet
	Healthy    int    `json:"healthy"`   // RUNNING
	Unhealthy  int    `json:"unhealthy"` // RUNNING
	Stopping   int    `json:"stopping"`  // told to stop
	// Kept tasks are out of the service, for debugging, and in no other count.
	Kept int `json:"kept,omitempty"`
	// Registered tasks are targets of the service's target group, routed ones get its requests.
	Registered int `json:"registered,omitempty"`
	Routed     int `json:"routed,omitempty"`
}

// Sample is how a service stands from a moment on.
type Sample struct {
	At      Moment `json:"at"`
	Desired int    `json:"desired"`
	Most    int    `json:"most"`   // tasks that maximumPercent allows
	Fewest  int    `json:"fewest"` // healthy tasks that minimumHealthyPercent asks for
	Parts   []Part `json:"deployments"`
}

// happening is one thing that counters count.
type happening struct {
	at       time.Duration
	service  string
	kind     string // one of counters
	revision string
	text     string
	born     time.Duration // when the task was started; not of events
}

// deploymentKey tells deployments apart.
type deploymentKey struct {
	service string
	id      ecs.DeploymentID
}

// deploymentFacts: wanted is the desired count at its beginning and every increase of it since.
type deploymentFacts struct{ number, started, wanted, desired int }

// standing is what is known of how a service stands, so that only what may have changed is counted again.
type standing struct {
	live   []*ecs.Task  // its tasks that are not STOPPED, in the order of creation
	record *ecs.Service // nil for tasks of none
	group  string       // its target group, "" without one
	policy policy.Policy
	tagged bool               // policy is that of the tags of record
	moved  bool               // it or a task has, since it was counted
	due    ecs.Time           // when a task comes to be healthy if nothing happens, 0 = none does
	moves  int                // of targets, when they were counted last
	said   []scheduler.Source // of one task, to be used again
}

// recorder is the audience of a scenario.
type recorder struct {
	p     *player
	zero  ecs.Time
	tasks map[ecs.ID]*ecs.Task // not STOPPED
	live  []*ecs.Task          // the same, in the order of creation
	stand map[string]*standing // by service, "" for tasks of none
	// served are those of services, in the order of creation.
	served []*standing

	deployments map[deploymentKey]*deploymentFacts
	numbers     map[string]int // of deployments, by service
	peaks       int            // restarts up to the beginning

	lines    []Line
	series   map[string][]Sample // by service
	happens  []happening
	marks    map[string]time.Duration
	counts   Counts
	over     time.Duration
	waits    map[string][]string // explanations at the end, by service
	outcomes map[string]string   // statuses of the newest service deployments then, by service
}

var _ sim.Audience = (*recorder)(nil)

func newRecorder(p *player) *recorder {
	return &recorder{p: p, tasks: map[ecs.ID]*ecs.Task{}, stand: map[string]*standing{}, deployments: map[deploymentKey]*deploymentFacts{}, numbers: map[string]int{},
		series: map[string][]Sample{}, marks: map[string]time.Duration{}, waits: map[string][]string{}, outcomes: map[string]string{}}
}

// begin forgets what was before; how things stand is where they begin.
func (r *recorder) begin(zero ecs.Time) {
	r.zero, r.lines, r.happens, r.counts = zero, nil, nil, Counts{}
	r.peaks = r.restarts()
	for name, samples := range r.series {
		last := samples[len(samples)-1]
		last.At = 0
		r.series[name] = []Sample{last}
	}
}

func (r *recorder) at() time.Duration { return r.p.stage.Now().Sub(r.zero) }

// mark gives the present moment a name for expectations; the second of a name ends in 2.
func (r *recorder) mark(name string) {
	unique := name
	for n := 2; ; n++ {
		if _, taken := r.marks[unique]; !taken {
			r.marks[unique] = r.at()
			return
		}
		unique = fmt.Sprint(name, n)
	}
}

// say notes a line, and gives its index.
func (r *recorder) say(kind Kind, text string) int {
	r.lines = append(r.lines, Line{At: Moment(r.at()), Kind: kind, Text: text})
	return len(r.lines) - 1
}

// Called implements sim.Audience.
func (r *recorder) Called(_ ecs.Time, _ int, call driver.Call) {
	if call.Op == driver.OpPull {
		r.counts.ImagePulls++
	}
}

// Said implements sim.Audience.
func (r *recorder) Said(now ecs.Time, cluster string, service uint64, e *ecs.ServiceEvent) {
	name := r.nameOf(e)
	r.counts.ServiceEvents++
	r.lines = append(r.lines, Line{At: Moment(now.Sub(r.zero)), Kind: ServiceEvent, Service: name, Text: Shorten(e.Message)})
	r.happened(happening{at: now.Sub(r.zero), service: name, kind: "event", text: e.Message})
}

// nameOf takes the service's name out of an event: "(service NAME) ..." or "(service NAME, ...".
func (r *recorder) nameOf(e *ecs.ServiceEvent) string {
	rest := strings.TrimPrefix(e.Message, "(service ")
	return rest[:max(0, strings.IndexAny(rest, "),"))]
}

// The length of an id as it is written, and of what Shorten leaves of it.
const (
	longID  = 32
	shortID = 8
)

// Shorten cuts the ids in a text, words of 32 hexadecimal digits, to what tells them apart.
func Shorten(text string) string {
	var out []byte
	copied, digits, word := 0, 0, 0 // up to where text is in out; of the word at i, hexadecimal digits and letters so far
	for i := 0; i <= len(text); i++ {
		if i < len(text) && isWord(text[i]) {
			word++
			if c := text[i]; c >= '0' && c <= '9' || c >= 'a' && c <= 'f' {
				digits++
			}
			continue
		}
		if word == longID && digits == longID {
			out = append(out, text[copied:i-longID+shortID]...)
			copied = i
		}
		digits, word = 0, 0
	}
	if copied == 0 {
		return text
	}
	return string(append(out, text[copied:]...))
}

func isWord(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
}

// Moved implements sim.Audience.
func (r *recorder) Moved(now ecs.Time, t *ecs.Task) {
	old := r.tasks[t.ID]
	if old == nil && t.Stopped() {
		return
	}
	r.p.account()
	r.keep(t)
	if old == nil {
		r.begins(now, t)
	} else {
		r.counts.StateChanges += int(t.Version - old.Version)
	}
	if t.StartedAt != 0 && (old == nil || old.StartedAt == 0) {
		r.count(now, t, "ran", "")
	}
	if t.DesiredStatus == ecs.StatusStopped && (old == nil || old.DesiredStatus != ecs.StatusStopped) {
		r.ends(now, t)
	}
	if t.Stopped() {
		r.count(now, t, "stopped", t.StoppedReason)
		delete(r.p.app.frozen, t.ID)
	}
}

// keep takes over a task into the lists of those not STOPPED.
func (r *recorder) keep(t *ecs.Task) {
	st := r.standing(t.Service)
	st.moved = true
	st.live = placed(st.live, t)
	r.live = placed(r.live, t)
	if t.Stopped() {
		delete(r.tasks, t.ID)
	} else {
		r.tasks[t.ID] = t
	}
}

// placed gives a list in the order of creation with a task as it is now; without it if it is STOPPED.
func placed(live []*ecs.Task, t *ecs.Task) []*ecs.Task {
	at, there := slices.BinarySearchFunc(live, t.Seq, func(t *ecs.Task, seq uint64) int { return cmp.Compare(t.Seq, seq) })
	switch {
	case there && t.Stopped():
		return slices.Delete(live, at, at+1)
	case t.Stopped():
		return live
	case there:
		live[at] = t
		return live
	}
	return slices.Insert(live, at, t)
}

func (r *recorder) standing(service string) *standing {
	st := r.stand[service]
	if st == nil {
		st = &standing{}
		r.stand[service] = st
	}
	return st
}

func (r *recorder) begins(now ecs.Time, t *ecs.Task) {
	r.count(now, t, "started", "")
	r.deployment(t.Service, t.Deployment).started++
	if t.Definition.NetworkMode == ecs.NetworkAwsvpc {
		r.counts.NetworkInterfaces++
	}
	for i := range t.Definition.Containers {
		if l := t.Definition.Containers[i].Logging; l != nil && l.Driver == "awslogs" {
			r.counts.LogStreams++
		}
	}
}

// ends notes a task that is to stop, and says so where neither the scheduler nor a user wanted that.
func (r *recorder) ends(now ecs.Time, t *ecs.Task) {
	switch t.StopCode {
	case ecs.EssentialContainerExited:
		r.count(now, t, "exited", t.StoppedReason)
	case ecs.TaskFailedToStart:
		r.count(now, t, "failed", t.StoppedReason)
	case ecs.ServiceSchedulerInitiated, ecs.UserInitiated:
		if t.StartedAt == 0 {
			r.count(now, t, "cancelled", t.StoppedReason)
		}
		return
	}
	text := Shorten(t.StoppedReason)
	for i := range t.Containers {
		switch c := &t.Containers[i]; {
		case c.Reason != "":
			text += ": " + c.Reason
		case c.ExitCode != nil:
			text += " (exit code " + strconv.Itoa(int(*c.ExitCode)) + ")"
		}
	}
	r.ended(Line{At: Moment(now.Sub(r.zero)), Kind: Ended, Service: t.Service, Text: " of " + t.Definition.Name() + " ended: " + text})
}

// together is how far apart ends of the same kind may be to be told in one line.
const together = time.Second

// ended adds a task to a line that says the same, or gives it one.
func (r *recorder) ended(line Line) {
	for i := len(r.lines) - 1; i >= 0 && line.At-r.lines[i].At < Moment(together); i-- {
		if l := &r.lines[i]; l.Kind == Ended && strings.HasSuffix(l.Text, line.Text) && l.Service == line.Service {
			l.count++
			l.Text = plural(l.count, "task") + line.Text
			return
		}
	}
	line.count = 1
	line.Text = "1 task" + line.Text
	r.lines = append(r.lines, line)
}

func (r *recorder) count(now ecs.Time, t *ecs.Task, kind, text string) {
	r.happened(happening{now.Sub(r.zero), t.Service, kind, t.Definition.Name(), text, t.CreatedAt.Sub(r.zero)})
}

// happened adds to a list that may grow very long: by as much as there is, each time it is full.
func (r *recorder) happened(h happening) {
	if len(r.happens) == cap(r.happens) {
		r.happens = slices.Grow(r.happens, 64+len(r.happens))
	}
	r.happens = append(r.happens, h)
}

func (r *recorder) deployment(service string, id ecs.DeploymentID) *deploymentFacts {
	key := deploymentKey{service, id}
	if r.deployments[key] == nil {
		r.numbers[service]++
		r.deployments[key] = &deploymentFacts{number: r.numbers[service]}
	}
	return r.deployments[key]
}

// restarts counts the tasks of services that were started beyond what the desired count of their deployment asked for.
func (r *recorder) restarts() int {
	sum := 0
	for key, d := range r.deployments {
		if key.service != "" {
			sum += max(0, d.started-d.wanted)
		}
	}
	return sum
}

// Changed implements sim.Audience.
func (r *recorder) Changed(s *ecs.Service) {
	st := r.standing(s.Name)
	if st.record == nil {
		r.served = append(r.served, st)
		st.group, _ = r.p.s.balancer(s.Name)
	}
	st.tagged = st.tagged && slices.Equal(st.record.Tags, s.Tags)
	st.record, st.moved = s, true
}

// Committed implements sim.Audience: it notes how every service stands that stands otherwise than before.
func (r *recorder) Committed(now ecs.Time) {
	for _, st := range r.served {
		if st.record.Status != ecs.ServiceInactive && (st.moved || st.due != 0 && st.due <= now || st.moves != r.p.stage.TargetMoves()) {
			r.sample(now, st)
		}
	}
}

func (r *recorder) sample(now ecs.Time, st *standing) {
	s := st.record
	if !st.tagged {
		var err error
		if st.policy, err = policy.WithTags(r.p.policy, s.Tags); err != nil {
			st.policy = r.p.policy // tags have been checked
		}
	}
	r.p.account()
	st.tagged, st.moved, st.due, st.moves = true, false, 0, r.p.stage.TargetMoves()
	next := Sample{At: Moment(now.Sub(r.zero)), Desired: s.Desired, Most: s.Desired * s.MaximumPercent / 100,
		Fewest: (s.Desired*s.MinimumHealthyPercent + 99) / 100}
	for i := len(s.Deployments) - 1; i >= 0; i-- {
		d := &s.Deployments[i]
		facts := r.deployment(s.Name, d.ID)
		if i == 0 {
			facts.wanted += max(0, s.Desired-facts.desired)
			facts.desired = s.Desired
		}
		part := Part{Deployment: facts.number, Revision: d.Definition.Name(), Rollout: d.Rollout.String()}
		st.fill(&part, d.ID, now, r.p.stage.TargetSources)
		r.targets(&part, st, d.ID, st.group)
		next.Parts = append(next.Parts, part)
	}
	samples := r.series[s.Name]
	if n := len(samples); n > 0 {
		if last := samples[n-1]; last.Desired == next.Desired && last.Most == next.Most && last.Fewest == next.Fewest &&
			slices.Equal(last.Parts, next.Parts) {
			return
		}
		if samples[n-1].At == next.At {
			samples = samples[:n-1]
		}
	}
	r.series[s.Name] = append(samples, next)
}

// fill counts the tasks of a deployment as the scheduler does.
func (st *standing) fill(part *Part, id ecs.DeploymentID, now ecs.Time, targets func(*ecs.Task) []scheduler.Source) {
	for _, t := range st.live {
		if t.Deployment != id {
			continue
		}
		switch {
		case t.Kept && t.DesiredStatus != ecs.StatusStopped:
			part.Kept++
		case t.DesiredStatus == ecs.StatusStopped:
			part.Stopping++
		case t.LastStatus < ecs.StatusRunning:
			part.Pending++
		default:
			st.said = append(append(st.said[:0], targets(t)...), scheduler.ContainerSource(t.Health, t.Definition.Checked()))
			st.fillRunning(part, t, now, st.said)
		}
	}
}

// fillRunning counts a task that is RUNNING, of which that is said; one in its grace period is as healthy as it is.
func (st *standing) fillRunning(part *Part, t *ecs.Task, now ecs.Time, said []scheduler.Source) {
	switch phase, due := scheduler.RunningPhase(t.StartedAt, 0, &st.policy, said...); {
	case phase == scheduler.Unhealthy:
		part.Unhealthy++
	case phase == scheduler.Healthy, due != 0 && due <= now:
		part.Healthy++
	default:
		part.Warming++
		if due != 0 && (st.due == 0 || due < st.due) {
			st.due = due
		}
	}
}

// end closes the record.
func (r *recorder) end() {
	r.over = r.at()
	r.counts.Restarts = r.restarts() - r.peaks
	for name := range r.series {
		r.waits[name] = r.p.waits(name)
		if s := r.p.stage.Root().Service(Cluster, name); s != nil && s.Current != nil {
			r.outcomes[name] = s.Current.Status.String()
		}
	}
}
