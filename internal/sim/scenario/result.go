package scenario

import (
	"math"
	"sort"
	"time"
)

// Result is what a scenario came to.
type Result struct {
	Scenario string          `json:"scenario"`
	File     string          `json:"file"`
	Source   string          `json:"source,omitempty"`
	Policy   string          `json:"policy"`
	Seed     uint64          `json:"seed"`
	Length   Moment          `json:"length"`
	Passed   bool            `json:"passed"`
	Verdicts []Verdict       `json:"expectations"`
	Counts   Counts          `json:"counts"`
	Services []ServiceResult `json:"services"`
	Lines    []Line          `json:"timeline"`
	// Explanations are those asked for, in the order of time, then of the services.
	Explanations []Explanation `json:"explanations,omitempty"`
	// Trace is the hash of all that happened; the same scenario gives the same.
	Trace string `json:"trace"`

	happens []happening
	marks   map[string]time.Duration
}

// ServiceResult is how a service stood over time.
type ServiceResult struct {
	Name    string   `json:"name"`
	Samples []Sample `json:"samples"`
	// Waits says what the service wants at the end and does not get.
	Waits []string `json:"waits,omitempty"`
	// Deployment is what has become of the newest service deployment by the end.
	Deployment string `json:"serviceDeployment,omitempty"`
}

// Service finds how a service stood; nil where the scenario has none of that name.
func (r *Result) Service(name string) *ServiceResult {
	for i := range r.Services {
		if r.Services[i].Name == name {
			return &r.Services[i]
		}
	}
	return nil
}

// Happened counts what happened to a service: "event", and of its tasks "started", "ran", "stopped", "cancelled", "exited", "failed".
func (r *Result) Happened(service, kind string) int {
	n := 0
	for i := range r.happens {
		if h := &r.happens[i]; h.service == service && h.kind == kind {
			n++
		}
	}
	return n
}

// Counts is what a scenario used up.
type Counts struct {
	Started           int     `json:"tasksStarted"`
	Restarts          int     `json:"restarts"` // tasks started beyond what the desired count of their deployment, and its increases, asked for
	Stopped           int     `json:"tasksStopped"`
	ImagePulls        int     `json:"imagePulls"`
	NetworkInterfaces int     `json:"networkInterfaces"`
	LogStreams        int     `json:"logStreams"`
	ServiceEvents     int     `json:"serviceEvents"`
	StateChanges      int     `json:"taskStateChanges"`
	TaskMinutes       float64 `json:"taskMinutes"` // RUNNING
}

// Verdict is what became of an expectation.
type Verdict struct {
	Text   string `json:"text"`
	Passed bool   `json:"passed"`
	// Seen is what was seen, and when.
	Seen string `json:"seen"`
	Line int    `json:"line"`
}

// result closes the record and measures what was expected.
func (r *recorder) result() *Result {
	s := r.p.s
	out := &Result{Scenario: s.Name, File: s.File, Source: s.Source, Policy: r.p.policy.Name, Seed: r.p.seed, Length: Moment(r.over),
		Counts: r.counts, Lines: r.lines, Trace: r.p.stage.Trace(), happens: r.happens, marks: r.marks, Passed: true,
		Explanations: r.p.explanations}
	for i := range s.Services {
		name := s.Services[i].text("serviceName")
		out.Services = append(out.Services, ServiceResult{Name: name, Samples: r.series[name], Waits: r.waits[name], Deployment: r.outcomes[name]})
	}
	for _, h := range r.happens {
		switch h.kind {
		case "started":
			out.Counts.Started++
		case "stopped":
			out.Counts.Stopped++
		}
	}
	minutes := 0.0
	for _, service := range out.Services {
		minutes += service.taskTime(out.Length).Minutes()
	}
	out.Counts.TaskMinutes = math.Round(minutes*10) / 10
	for _, e := range s.Expect {
		v := e.measure(out)
		out.Verdicts = append(out.Verdicts, v)
		out.Passed = out.Passed && v.Passed
	}
	return out
}

// taskTime adds up how long the tasks of a service were RUNNING.
func (s *ServiceResult) taskTime(end Moment) time.Duration {
	var sum time.Duration
	for i, sample := range s.Samples {
		until := end
		if i+1 < len(s.Samples) {
			until = s.Samples[i+1].At
		}
		sum += time.Duration(until-sample.At) * time.Duration(sample.Running(""))
	}
	return sum
}

// Running counts the RUNNING tasks, of one revision unless that is "".
func (s Sample) Running(revision string) int { return s.gauge("running", revision) }

// Gauge gives a count at a moment: "desired", "running", "healthy", "unhealthy", "pending", "stopping" or "tasks".
func (s *ServiceResult) Gauge(m Moment, name string) int {
	after := sort.Search(len(s.Samples), func(i int) bool { return s.Samples[i].At > m })
	if after == 0 {
		return 0
	}
	return s.Samples[after-1].gauge(name, "")
}

// gauges are what a sample tells, by name.
var gauges = map[string]func(Part) int{
	"running":    func(p Part) int { return p.Warming + p.Healthy + p.Unhealthy },
	"healthy":    func(p Part) int { return p.Healthy },
	"unhealthy":  func(p Part) int { return p.Unhealthy },
	"pending":    func(p Part) int { return p.Pending },
	"stopping":   func(p Part) int { return p.Stopping },
	"registered": func(p Part) int { return p.Registered },
	"routed":     func(p Part) int { return p.Routed },
	"kept":       func(p Part) int { return p.Kept },
	"tasks":      func(p Part) int { return p.Pending + p.Warming + p.Healthy + p.Unhealthy + p.Stopping },
}

// gauge adds up over deployments; desired is that of the service.
func (s Sample) gauge(name, revision string) int {
	if name == "desired" {
		return s.Desired
	}
	sum := 0
	for _, p := range s.Parts {
		if revision == "" || p.Revision == revision {
			sum += gauges[name](p)
		}
	}
	return sum
}

// Extremes gives the least and the most that a gauge has shown.
func (s *ServiceResult) Extremes(name string) (least, most int) {
	for i, sample := range s.Samples {
		n := sample.gauge(name, "")
		if i == 0 || n < least {
			least = n
		}
		most = max(most, n)
	}
	return least, most
}
