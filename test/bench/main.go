// Command bench measures a built Ballast from outside, figure by figure, each beside its peer or bound in the same run, and
// prints the table of docs/performance.md. It talks to loopback only, is bounded in requests and time, and asserts nothing: a
// figure that falls short is shown as it is. Start reading at figures.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// row is one line of the table.
type row struct {
	What  string `json:"what"`
	Got   string `json:"measured"`
	Peer  string `json:"beside,omitempty"`
	Reach string `json:"reach"`
}

// figure measures one or more rows.
type figure struct {
	name    string
	measure func(ctx context.Context, b *bench) ([]row, error)
}

var figures = []figure{
	{"start", measureStart},
	{"crash", measureCrash},
	{"roll", measureRoll},
	{"launch", measureLaunch},
	{"latency", measureLatency},
	{"describe", measureDescribe},
	{"register", measureRegister},
	{"idle", measureIdle},
	{"restart", measureRestart},
	{"failover", measureFailover},
	{"checks", measureChecks},
	{"inside", measureInside},
	{"docker", measureDocker},
}

// bench holds what the figures share.
type bench struct {
	exe    string // the built binary
	dir    string // scratch
	rounds int
	nextID int
}

// timeLimit bounds the whole run.
const timeLimit = 15 * time.Minute

func main() {
	only := flag.String("only", "", "measure only these figures, comma-separated: "+strings.Join(names(), ", "))
	rounds := flag.Int("rounds", 5, "rounds of each figure; the median is shown")
	output := flag.String("o", "table", "output: table or json")
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), timeLimit)
	defer cancel()
	rows, err := run(ctx, *only, *rounds)
	if *output == "json" {
		json.NewEncoder(os.Stdout).Encode(rows)
	} else {
		print(rows)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func names() []string {
	var out []string
	for _, f := range figures {
		out = append(out, f.name)
	}
	return out
}

func run(ctx context.Context, only string, rounds int) (rows []row, err error) {
	dir, err := os.MkdirTemp("", "ballast-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	b := &bench{exe: filepath.Join(dir, "ballast"), dir: dir, rounds: rounds}
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", b.exe, "./cmd/ballast")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build: %w\n%s", err, out)
	}
	for _, f := range figures {
		if only != "" && !slices.Contains(strings.Split(only, ","), f.name) {
			continue
		}
		fmt.Fprintf(os.Stderr, "measuring %s ...\n", f.name)
		more, err := f.measure(ctx, b)
		if err != nil {
			return rows, fmt.Errorf("%s: %w", f.name, err)
		}
		rows = append(rows, more...)
	}
	return rows, nil
}

func print(rows []row) {
	fmt.Println("| what | measured | beside it, same run | reach |")
	fmt.Println("|---|---|---|---|")
	for _, r := range rows {
		fmt.Printf("| %s | %s | %s | %s |\n", r.What, r.Got, r.Peer, r.Reach)
	}
}

// median of durations or counts.
func median[T ~int64 | ~float64](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	if len(sorted) == 0 {
		return 0
	}
	return sorted[len(sorted)/2]
}

// spread shows a median with its range.
func spread(values []time.Duration) string {
	return fmt.Sprintf("%s (%s to %s)", short(median(values)), short(slices.Min(values)), short(slices.Max(values)))
}

func short(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= 10*time.Millisecond:
		return d.Round(time.Millisecond).String()
	}
	return d.Round(10 * time.Microsecond).String()
}
