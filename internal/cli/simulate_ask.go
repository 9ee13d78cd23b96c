package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"ballast/internal/sim/scenario"
)

// question is one thing asked about the behaviour of an application.
type question struct {
	text, usual string
	// line gives the words of a scenario that an answer stands for.
	line func(answer string) string
}

// questions are about the application, then about what is to happen to it.
var questions = []question{
	{"How long does it take to start?", "1s", func(a string) string { return "startTime: " + a }},
	{"How long does it take to stop after SIGTERM?", "0s", func(a string) string { return "stopTime: " + a }},
	{"After how long does it exit by itself (a duration such as 10s..40s, or never)?", "never", func(a string) string {
		if a == "never" {
			return ""
		}
		return "exitAfter: " + a
	}},
	{"What do its health checks find (healthy, unhealthy, or by its age: unhealthy,healthy@30s)?", "healthy", func(a string) string {
		return `health: "` + a + `"`
	}},
}

// happenings are what may happen a minute after the first steady state.
var happenings = map[string]string{
	"nothing": "",
	"crash":   "crash: {tasks: all}",
	"freeze":  "freeze: {tasks: all}",
	"deploy":  "UpdateService: {service: %s, forceNewDeployment: true}",
	"lose":    "loseInstances: {numbers: [1]}",
}

// askBehaviour asks how the application of a revision behaves and gives the words of a scenario for it. Each answer is tried at once.
func askBehaviour(in io.Reader, out io.Writer, service, revision string) ([]byte, error) {
	lines := bufio.NewScanner(in)
	ask := func(text, usual string, check func(string) error) (string, error) {
		for {
			fmt.Fprintf(out, "%s [%s] ", text, usual)
			if !lines.Scan() {
				return "", errors.Join(usageError{"the questions were not answered; --behaviour FILE answers them beforehand"}, lines.Err())
			}
			answer := strings.TrimSpace(lines.Text())
			if answer == "" {
				answer = usual
			}
			if err := check(answer); err != nil {
				fmt.Fprintln(out, err)
				continue
			}
			return answer, nil
		}
	}
	var said []string
	for _, q := range questions {
		answer, err := ask(q.text, q.usual, func(a string) error { return scenario.CheckBehaviour(q.line(a)) })
		if err != nil {
			return nil, err
		}
		if line := q.line(answer); line != "" {
			said = append(said, line)
		}
	}
	what, err := ask("What happens after a minute (nothing, crash, freeze, deploy, lose an instance: lose)?", "deploy", func(a string) error {
		if _, known := happenings[a]; !known {
			return fmt.Errorf("want nothing, crash, freeze, deploy or lose, not %q", a)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	words := "behaviour:\n  " + revision + ": {" + strings.Join(said, ", ") + "}\n"
	if event := happenings[what]; event != "" {
		if strings.Contains(event, "%s") {
			event = fmt.Sprintf(event, service)
		}
		words += "timeline:\n  - at: 1m\n    " + event + "\n"
	}
	return []byte(words), nil
}
