package scenario

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
)

// BenchmarkLoopingDay is a day of one service of eight tasks that exit after 30 s, as `ballast simulate` plays it.
func BenchmarkLoopingDay(b *testing.B) {
	defer debug.SetGCPercent(debug.SetGCPercent(GCPercent))
	text := strings.NewReplacer("until: 5m", "until: 24h\nbegin: creation", "startTime: 2s", "exitAfter: 30s", "desiredCount: 2", "desiredCount: 8",
		"timeline:\n  - at: 1m\n    crash: {tasks: 1}\n", "", "started = 1", "started >= 20000").Replace(small)
	s, err := Parse("day.yaml", []byte(text))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		r, err := s.Play(Options{})
		if err != nil || !r.Passed {
			b.Fatal(err, r.Verdicts)
		}
	}
}

// storm is 40 services of 25 tasks that exit within a second, beside a healthy service that is deployed anew 20 times in ten minutes.
func storm() string {
	var b strings.Builder
	b.WriteString(`
scenario: Storm
until: 10m
begin: creation
instances:
  - {count: 10, cpu: 40960, memory: 163840}
taskDefinitions:
  - family: loop
    containerDefinitions:
      - {name: app, image: "loop:1", memory: 16}
  - family: web
    containerDefinitions:
      - {name: app, image: "app:1", memory: 16}
behaviour:
  loop:1: {exitAfter: 0s..1s}
services:
  - {serviceName: web, taskDefinition: "web:1", desiredCount: 8, tags: [{key: "ballast:healthy-after", value: "2s"}]}
`)
	for n := range 40 {
		fmt.Fprintf(&b, "  - {serviceName: loop%d, taskDefinition: \"loop:1\", desiredCount: 25}\n", n)
	}
	b.WriteString("timeline:\n")
	for n := range 20 {
		fmt.Fprintf(&b, "  - {at: %ds, name: roll, UpdateService: {service: web, forceNewDeployment: true}}\n", 20+29*n)
	}
	b.WriteString("expect:\n  - in web, event \"deployment completed\" = 21\n  - since roll in web, min healthy = 8\n")
	return b.String()
}

// BenchmarkStorm says that every roll completes, how many tasks came and went, and what is in use of the heap at the end.
func BenchmarkStorm(b *testing.B) {
	s, err := Parse("storm.yaml", []byte(storm()))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		r, err := s.Play(Options{})
		if err != nil || !r.Passed {
			b.Fatal(err, r.Verdicts)
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(r.Counts.Started), "tasks/op")
		b.ReportMetric(float64(m.HeapAlloc)/(1<<20), "heap-MiB")
	}
}
