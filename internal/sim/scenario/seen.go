package scenario

import (
	"fmt"
	"time"

	"ballast/internal/ecs"
)

// Seen is what somebody saw who played a scenario otherwise than Play does: test/twins plays them with the real program.
type Seen struct {
	Length   Moment
	Marks    map[string]Moment // when events of the timeline happened, by their names
	Happens  []Happening       // in the order of time
	Services []ServiceResult   // in the order of the scenario
	Counts   Counts
}

// Happening is one thing that expectations count.
type Happening struct {
	At                      Moment
	Service, Revision, Kind string // Kind is "started", "ran", "stopped", "cancelled", "exited", "failed" or "event"
	Text                    string // the stopped reason, or the event
	Born                    Moment // when the task was started
}

// Measure holds an expectation, in the words of scenario files, against what was seen. An error says what is wrong with the
// expectation.
func (s *Scenario) Measure(text string, seen *Seen) (Verdict, error) {
	e, err := parseExpectation(text)
	if err == nil {
		err = s.checkExpectation(e)
	}
	if err != nil {
		return Verdict{}, fmt.Errorf("expectation %q: %w", text, err)
	}
	r := &Result{Length: seen.Length, Counts: seen.Counts, Services: seen.Services, marks: map[string]time.Duration{}}
	for name, at := range seen.Marks {
		r.marks[name] = time.Duration(at)
	}
	for _, h := range seen.Happens {
		r.happens = append(r.happens, happening{time.Duration(h.At), h.Service, h.Kind, h.Revision, h.Text, time.Duration(h.Born)})
	}
	return e.measure(r), nil
}

// Deed is what an Event does.
type Deed struct {
	// Kind is the name that scenario files have for it: "crash", "imageMissing", an operation of the API, ...
	Kind    string
	Request *Request // of an operation

	Service, Revision string // of the tasks that it happens to, "" where any will do
	Tasks             int    // 0 = all
	ExitCode          int
	Rate              float64 // requests a second
	Name              string  // of an image or a dependency
}

// Deed gives what the event does.
func (e *Event) Deed() Deed {
	d := Deed{}
	if p, ok := e.act.(interface{ tasks() *pickTasks }); ok {
		d.Service, d.Revision, d.Tasks = p.tasks().service, p.tasks().revision, p.tasks().count
	}
	switch a := e.act.(type) {
	case *Request:
		d.Kind, d.Request = a.Operation, a
	case *crash:
		d.Kind, d.ExitCode = "crash", a.code
	case *freeze:
		d.Kind = "freeze"
	case *stopTasks:
		d.Kind = "stopTasks"
	case *protect:
		d.Kind = "protect"
	case *traffic:
		d.Kind, d.Service, d.Rate = "traffic", a.service, a.rate
	case *stopDeployment:
		d.Kind, d.Service = "stopDeployment", a.service
	case *onInstances:
		d.Kind = a.kind
	case *outside:
		d.Kind, d.Name = a.kind, a.what
	}
	return d
}

// Input gives the input of the operation as the AWS SDK for Go has it: a pointer of its own.
func (r *Request) Input() (any, error) { return r.input() }

// Script gives the variables by which the fake driver is told what the container does.
func (b *Behaviour) Script() []ecs.Variable { return b.script }

// Needs gives the names of what the container's health depends on.
func (b *Behaviour) Needs() []string { return b.needs }

// Capacity gives the bounds of what a task can serve, in requests a second; 0 is any number.
func (b *Behaviour) Capacity() (fewest, most float64) { return b.fewest, b.most }

// LeakPerMinute gives the memory that leaks, in MiB.
func (b *Behaviour) LeakPerMinute() float64 { return b.leak.perMinute }
