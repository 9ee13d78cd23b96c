package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"ballast/internal/scheduler/policy"
	"ballast/internal/sim/picture"
	"ballast/internal/sim/scenario"
)

// simulateVerb plays scenarios in virtual time.
type simulateVerb struct {
	endpointOptions `embed:""`

	From      string `placeholder:"SERVICE" help:"Make the scenario of a service of the server instead of a file."`
	Behaviour string `placeholder:"FILE" help:"With --from: how the application behaves and what happens, in a scenario's own words."`
	Save      string `placeholder:"FILE" help:"With --from: keep the scenario in FILE."`

	Seed    *uint64 `placeholder:"N" help:"Play with this seed instead of the file's."`
	Policy  string  `placeholder:"NAME" help:"Play under this policy instead of the file's: ${policies}."`
	Compare string  `placeholder:"NAME" help:"Play under this policy too, or take two services of the scenario (A,B), and show both side by side."`

	Why     []time.Duration `placeholder:"TIME" help:"Say what \"ballast why\" would say at this time of the scenario, instead of the timeline. May be repeated."`
	Service []string        `placeholder:"NAME" help:"With --why: explain this service only. May be repeated."`

	SVG  string `placeholder:"FILE" help:"Draw what happened into FILE."`
	JSON bool   `help:"Give everything as JSON."`

	Path string `arg:"" optional:"" name:"file|dir" help:"A scenario, or a folder of them (*.yaml)."`
}

// Help is shown with the flags.
func (simulateVerb) Help() string {
	return `A scenario is plain ECS JSON in YAML, what the application does, what happens from outside, and what is expected of it. It is
played through the code that runs in production, in virtual time: an hour of restarts takes a fraction of a second. See
docs/simulate.md.

Examples:

    ballast simulate scenarios/frozen.yaml                       the timeline, and whether it went as expected
    ballast simulate scenarios                                   every scenario of a folder, one line each
    ballast simulate scenarios/runaway.yaml --compare ecs-2022   the same spike before October 2023
    ballast simulate my.yaml --compare web,api                   two services of one scenario
    ballast simulate my.yaml --svg my.svg                        a drawing, light or dark as the reader's screen
    ballast simulate my.yaml --seed 7 --json                     for programs; the same seed gives the same bytes

    ballast simulate --from web --behaviour what-if.yaml --save web.yaml

takes the configuration of a service from any server that speaks ECS (--endpoint-url, --cluster), with the task definition that it
runs as revision 1 and the container instances of its cluster. How the application behaves, further task definitions, what happens and
what is expected stand in the behaviour file, or are asked for on a terminal. What the simulator cannot play is refused by name.

    ballast simulate my.yaml --why 90s --why 4m --service web

plays it and says what "ballast why web" would say 90 seconds and four minutes after its beginning: what is wanted, what holds it back,
what happens next and when. Times of day are those of the scenario, which begins at 00:00:00. What the timeline has happen at that very
time has happened. --service may be left out to have every service explained.

The expectations are those of the file, for the policy it is played under; what --compare adds is only shown.

Exit codes: 0 everything was as expected, 1 something was not, 2 a file or the command line makes no sense.`
}

// errUnexpected makes the exit code say that an expectation failed; what was seen has been printed.
var errUnexpected = errors.New("an expectation failed")

// Run plays and prints.
func (v *simulateVerb) Run(ctx context.Context, s *Streams) error {
	defer debug.SetGCPercent(debug.SetGCPercent(scenario.GCPercent))
	if err := v.checkPolicies(); err != nil {
		return err
	}
	switch {
	case v.From == "" && v.Path == "":
		return usageError{"want a scenario, a folder of them, or --from SERVICE"}
	case v.From != "" && v.Path != "":
		return usageError{"want a scenario or --from SERVICE, not both"}
	case strings.Contains(v.Compare, ",") && len(v.Why) > 0:
		return usageError{"--why explains services; name those by --service, not by --compare"}
	case strings.Contains(v.Compare, ",") && v.JSON:
		return usageError{"--json gives every service; --compare A,B is for reading"}
	case len(v.Service) > 0 && len(v.Why) == 0:
		return usageError{"--service goes with --why"}
	case v.From == "" && v.Behaviour+v.Save != "":
		return usageError{"--behaviour and --save go with --from"}
	case v.From != "":
		return v.rehearse(ctx, s)
	}
	files, err := scenario.Find(v.Path)
	if err != nil {
		return usageError{err.Error()}
	}
	if len(files) > 1 && (v.SVG != "" || v.Compare != "" || len(v.Why) > 0) {
		return usagef("%s holds %d scenarios; --svg, --compare and --why want one", v.Path, len(files))
	}
	passed, err := v.each(s, files)
	if err == nil && !passed {
		return errUnexpected
	}
	return err
}

// checkPolicies sees that the policies named are some.
func (v *simulateVerb) checkPolicies() error {
	if _, err := policy.Named(v.Policy); v.Policy != "" && err != nil {
		return usageError{err.Error()}
	}
	if _, _, services := v.pair(); v.Compare != "" && !services {
		if _, err := policy.Named(v.Compare); err != nil {
			return usagef("%v; two services of the scenario are compared by --compare A,B", err)
		}
	}
	return nil
}

// pair gives the services that are to be compared, if it is services.
func (v *simulateVerb) pair() (a, b string, services bool) { return strings.Cut(v.Compare, ",") }

// rehearse plays the scenario of a service.
func (v *simulateVerb) rehearse(ctx context.Context, s *Streams) error {
	file, composed, err := v.compose(ctx, s)
	if mistake := (*scenario.Mistake)(nil); errors.As(err, &mistake) {
		return usageError{err.Error()}
	}
	if err != nil {
		return err
	}
	var results []*scenario.Result
	sc, err := scenario.Parse(file, composed.Text)
	if err == nil {
		results, err = v.playAll(sc)
	}
	if mistake := (*scenario.Mistake)(nil); errors.As(err, &mistake) {
		if v.Save == "" {
			mistake = composed.Origin(mistake) // the text is in no file
		}
		return usageError{mistake.Error()}
	}
	if err != nil {
		return err
	}
	for _, r := range results {
		if v.Save == "" {
			composed.Settle(r)
		}
	}
	if err := v.show(s, results, false); err != nil {
		return err
	}
	if v.JSON {
		err = writeJSON(s.Out, map[string]any{"results": results})
	}
	if err == nil && !results[0].Passed {
		return errUnexpected
	}
	return err
}

// each plays files; passed says that all was as expected. A file that makes no sense does not keep others from being played.
func (v *simulateVerb) each(s *Streams, files []string) (passed bool, err error) {
	passed = true
	all := []*scenario.Result{}
	var mistakes []string
	for _, file := range files {
		results, err := v.play(file)
		if mistake := (*scenario.Mistake)(nil); errors.As(err, &mistake) {
			mistakes = append(mistakes, err.Error())
			continue
		}
		if err != nil {
			return false, err
		}
		passed = passed && results[0].Passed
		all = append(all, results...)
		if err := v.show(s, results, len(files) > 1); err != nil {
			return false, err
		}
	}
	if v.JSON {
		if err := writeJSON(s.Out, map[string]any{"results": all}); err != nil {
			return false, err
		}
	}
	if len(mistakes) > 0 {
		return false, usageError{strings.Join(mistakes, "\n")}
	}
	return passed, nil
}

// play plays a file once for each policy asked for.
func (v *simulateVerb) play(file string) ([]*scenario.Result, error) {
	sc, err := scenario.Read(file)
	if err != nil {
		return nil, err
	}
	return v.playAll(sc)
}

// playAll plays a scenario once for each policy asked for.
func (v *simulateVerb) playAll(sc *scenario.Scenario) ([]*scenario.Result, error) {
	policies := []string{v.Policy}
	if _, _, services := v.pair(); v.Compare != "" && !services {
		policies = append(policies, v.Compare)
	}
	var results []*scenario.Result
	for _, name := range policies {
		r, err := sc.Play(scenario.Options{Seed: v.Seed, Policy: name,
			Why: scenario.Questions{At: v.Why, Services: v.Service}})
		if err != nil {
			return nil, err
		}
		results = append(results, r)
	}
	return results, nil
}

// show prints what came of a file, briefly where it is one of many, and draws it.
func (v *simulateVerb) show(s *Streams, results []*scenario.Result, brief bool) error {
	if v.SVG != "" {
		if err := os.WriteFile(v.SVG, picture.SVG(results...), 0o644); err != nil {
			return fmt.Errorf("draw into %s: %w", v.SVG, err)
		}
	}
	switch {
	case v.JSON:
		return nil
	case brief:
		if _, err := fmt.Fprintln(s.Out, picture.Summary(results[0], s.OutColor)); err != nil {
			return err
		}
		picture.Verdicts(s.Out, results[0], s.OutColor, true)
		return nil
	case len(v.Why) > 0:
		return explanations(s, results)
	case v.Compare != "":
		if err := v.compare(s, results); err != nil {
			return err
		}
		fmt.Fprintln(s.Out)
		picture.Verdicts(s.Out, results[0], s.OutColor, false)
		return nil
	}
	return picture.Text(s.Out, results[0], s.OutColor)
}

// compare prints two results, or two services of one, side by side.
func (v *simulateVerb) compare(s *Streams, results []*scenario.Result) error {
	a, b, services := v.pair()
	if !services {
		return picture.Compare(s.Out, results[0], results[1], s.OutColor)
	}
	var pair [2]*scenario.ServiceResult
	for i, name := range []string{a, b} {
		if pair[i] = results[0].Service(name); pair[i] == nil {
			var known []string
			for _, service := range results[0].Services {
				known = append(known, service.Name)
			}
			return usagef("--compare: the scenario has no service %q; it has %s", name, strings.Join(known, ", "))
		}
	}
	return picture.CompareServices(s.Out, results[0], pair[0], pair[1], s.OutColor)
}

// explanations prints what was asked for, and then whether the scenario went as expected.
func explanations(s *Streams, results []*scenario.Result) error {
	var b strings.Builder
	for _, r := range results {
		for i := range r.Explanations {
			e := &r.Explanations[i]
			b.WriteString(paint(s.OutColor, dimmed, fmt.Sprintf("%s  policy %s", scenario.Clock(e.At), r.Policy)) + "\n")
			b.WriteString(reportText(s, e.Lines()) + "\n")
		}
	}
	picture.Verdicts(&b, results[0], s.OutColor, true)
	_, err := fmt.Fprint(s.Out, b.String())
	return err
}
