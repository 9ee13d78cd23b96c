package health

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var (
	pass    = Result{Outcome: Passed}
	bad503  = Result{Outcome: Mismatched, Code: 503}
	late    = Result{Outcome: TimedOut}
	refused = Result{Outcome: Failed}
	broken  = Result{Outcome: Broken}
)

func probed(t Target, results ...Result) Target {
	for _, r := range results {
		t = t.Probed(r, DefaultThresholds)
	}
	return t
}

// shown is what DescribeTargetHealth says of a target.
func shown(t Target) string {
	return strings.TrimRight(t.State().String()+" "+t.Reason()+" "+t.Description(), " ")
}

func TestStates(t *testing.T) {
	var fresh Target
	sick := probed(fresh, late, late)
	tests := []struct {
		name string
		got  Target
		want string
	}{
		{"registered", fresh, "initial Elb.RegistrationInProgress Target registration is in progress"},
		{"first check under way", fresh.Checking(), "initial Elb.InitialHealthChecking Initial health checks in progress"},
		{"one pass is enough at first", probed(fresh, pass), "healthy"},
		{"even after a failure", probed(fresh, refused, pass), "healthy"},
		{"one failure is not enough", probed(fresh, refused), "initial Elb.InitialHealthChecking Initial health checks in progress"},
		{"two are", probed(fresh, refused, refused), "unhealthy Target.FailedHealthChecks Health checks failed"},
		{"a healthy one fails once", probed(fresh, pass, bad503), "healthy"},
		{"not in a row", probed(fresh, pass, bad503, pass, bad503), "healthy"},
		{"and in a row", probed(fresh, pass, bad503, bad503),
			"unhealthy Target.ResponseCodeMismatch Health checks failed with these codes: [503]"},
		{"for the reason of the last", probed(fresh, pass, bad503, late), "unhealthy Target.Timeout Request timed out"},
		{"which changes", probed(sick, bad503),
			"unhealthy Target.ResponseCodeMismatch Health checks failed with these codes: [503]"},
		{"the balancer's own fault", probed(fresh, broken, broken),
			"unhealthy Elb.InternalError Health checks failed due to an internal error"},
		{"four passes are not enough for an unhealthy one", probed(sick, pass, pass, pass, pass),
			"unhealthy Target.Timeout Request timed out"},
		{"five are", probed(sick, pass, pass, pass, pass, pass), "healthy"},
		{"but in a row", probed(sick, pass, pass, pass, pass, late, pass), "unhealthy Target.Timeout Request timed out"},
		{"deregistered", probed(fresh, pass).Deregister(), "draining Target.DeregistrationInProgress Target deregistration is in progress"},
		{"checks do not bring it back", probed(fresh.Deregister(), pass),
			"draining Target.DeregistrationInProgress Target deregistration is in progress"},
		{"drained", fresh.Deregister().Drained(), "unused Target.NotRegistered Target is not registered to the target group"},
		{"drained again", fresh.Deregister().Drained().Deregister(),
			"unused Target.NotRegistered Target is not registered to the target group"},
		{"without a listener", fresh.NotInUse(),
			"unused Target.NotInUse Target group is not configured to receive traffic from the load balancer"},
		{"without a listener it is not checked", probed(fresh.NotInUse(), pass),
			"unused Target.NotInUse Target group is not configured to receive traffic from the load balancer"},
		{"with one again", fresh.NotInUse().InUse(), "initial Elb.RegistrationInProgress Target registration is in progress"},
		{"a healthy one keeps its health", probed(fresh, pass).InUse(), "healthy"},
		{"a drained one is not brought back by a listener", fresh.Drained().InUse(),
			"unused Target.NotRegistered Target is not registered to the target group"},
		{"draining goes on without a listener", fresh.Deregister().NotInUse(),
			"draining Target.DeregistrationInProgress Target deregistration is in progress"},
		{"not checked", fresh.Unchecked(), "unavailable Target.HealthCheckDisabled Health checks are disabled"},
		{"checking is of initial ones", probed(fresh, pass).Checking(), "healthy"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := shown(test.got); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// TestThresholds counts by hand: healthy after one pass at first, and then by runs of equal results.
func TestThresholds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits := Thresholds{rapid.IntRange(2, 10).Draw(t, "healthy"), rapid.IntRange(2, 10).Draw(t, "unhealthy")}
		var target Target
		state, run, last := Initial, 0, true
		for i, ok := range rapid.SliceOfN(rapid.Bool(), 1, 80).Draw(t, "results") {
			if i == 0 || ok != last {
				run = 0
			}
			run, last = run+1, ok
			r := late
			if ok {
				r = pass
			}
			target = target.Probed(r, limits)
			switch {
			case ok && (state == Initial || run >= limits.Healthy):
				state = Healthy
			case !ok && run >= limits.Unhealthy:
				state = Unhealthy
			}
			if target.State() != state {
				t.Fatalf("%s after %d results, want %s", target.State(), i+1, state)
			}
			passes, fails := 0, 0
			switch {
			case ok && state == Unhealthy:
				passes = run
			case !ok && state != Unhealthy:
				fails = run
			}
			if target.Passes() != passes || target.Fails() != fails {
				t.Fatalf("%d passes and %d failures after %d results, want %d and %d", target.Passes(), target.Fails(), i+1, passes, fails)
			}
		}
	})
}

func TestMatcher(t *testing.T) {
	tests := []struct {
		text    string
		limits  Limits
		yes, no []int
		err     string
	}{
		{text: "200", limits: ApplicationHTTP, yes: []int{200}, no: []int{199, 201, 0}},
		{text: "200,202", limits: ApplicationHTTP, yes: []int{200, 202}, no: []int{201, 203}},
		{text: "200-299", limits: ApplicationHTTP, yes: []int{200, 250, 299}, no: []int{199, 300}},
		{text: "200-204, 301-302,404", limits: ApplicationHTTP, yes: []int{200, 204, 301, 302, 404}, no: []int{205, 300, 303, 403}},
		{text: "200-599", limits: NetworkHTTP, yes: []int{200, 599}, no: []int{600}},
		{text: "0-99", limits: GRPC, yes: []int{0, 12, 99}, no: []int{100}},
		{text: "500", limits: ApplicationHTTP, err: `matcher "500": 500 is not between 200 and 499`},
		{text: "199", limits: NetworkHTTP, err: `matcher "199": 199 is not between 200 and 599`},
		{text: "200-600", limits: NetworkHTTP, err: `matcher "200-600": 600 is not between 200 and 599`},
		{text: "299-200", limits: ApplicationHTTP, err: `matcher "299-200": 299-200 is empty`},
		{text: "", limits: ApplicationHTTP, err: `matcher "": "" is not a code`},
		{text: "200,", limits: ApplicationHTTP, err: `matcher "200,": "" is not a code`},
		{text: "2xx", limits: ApplicationHTTP, err: `matcher "2xx": "2xx" is not a code`},
		{text: "-200", limits: ApplicationHTTP, err: `matcher "-200": "" is not a code`},
		{text: "200-300-400", limits: ApplicationHTTP, err: `matcher "200-300-400": "300-400" is not a code`},
	}
	for _, test := range tests {
		m, err := ParseMatcher(test.text, test.limits)
		if (err != nil) != (test.err != "") || err != nil && err.Error() != test.err {
			t.Errorf("%q: error %v, want %q", test.text, err, test.err)
		}
		for _, code := range test.yes {
			if got := m.Answered(code); got != pass {
				t.Errorf("%q does not match %d: %+v", test.text, code, got)
			}
		}
		for _, code := range test.no {
			if got := m.Answered(code); got != (Result{Outcome: Mismatched, Code: code}) {
				t.Errorf("%q matches %d: %+v", test.text, code, got)
			}
		}
	}
	if _, err := ParseMatcher(strings.Repeat("200,", 600)+"200", ApplicationHTTP); err == nil {
		t.Error("a matcher without end is read")
	}
}

func FuzzMatcher(f *testing.F) {
	f.Add("200-299,301")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := ParseMatcher(text, ApplicationHTTP)
		if err != nil {
			return
		}
		for code := range 200 {
			if m.Match(code) {
				t.Fatalf("%q matches %d", text, code)
			}
		}
	})
}

func TestRoutable(t *testing.T) {
	var fresh Target
	good, sick := probed(fresh, pass), probed(fresh, late, late)
	gone, idle, off := fresh.Deregister(), fresh.NotInUse(), fresh.Unchecked()
	tests := []struct {
		name    string
		targets []Target
		least   Minimum
		want    []int
	}{
		{"none", nil, Minimum{}, nil},
		{"healthy ones only", []Target{good, sick, fresh, good}, Minimum{}, []int{0, 3}},
		{"fails open to all that are registered", []Target{sick, fresh, gone, sick}, Minimum{}, []int{0, 1, 3}},
		{"but not to those that leave", []Target{gone, fresh.Drained()}, Minimum{}, nil},
		{"one that is not checked serves", []Target{sick, off}, Minimum{}, []int{1}},
		{"a group without a listener", []Target{idle}, Minimum{}, []int{0}},
		{"fewer than the count", []Target{good, sick, sick}, Minimum{Count: 2}, []int{0, 1, 2}},
		{"as many as the count", []Target{good, good, sick}, Minimum{Count: 2}, []int{0, 1}},
		{"below the percentage", []Target{good, sick, sick}, Minimum{Percent: 34}, []int{0, 1, 2}},
		{"at the percentage", []Target{good, sick, sick}, Minimum{Percent: 33}, []int{0}},
		{"leaving ones do not count", []Target{good, gone, gone}, Minimum{Percent: 100}, []int{0}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, Routable(test.targets, test.least, nil)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAgree(t *testing.T) {
	var fresh Target
	good, sick := probed(fresh, pass), probed(fresh, late, late)
	tests := []struct {
		views []Target
		want  State
	}{
		{nil, Initial},
		{[]Target{sick}, Unhealthy},
		{[]Target{sick, sick}, Unhealthy},
		{[]Target{sick, good}, Healthy},
		{[]Target{sick, fresh}, Initial},
		{[]Target{fresh, good, sick}, Healthy},
	}
	for _, test := range tests {
		if got := Agree(test.views).State(); got != test.want {
			t.Errorf("%v agree on %s, want %s", test.views, got, test.want)
		}
		slices.Reverse(test.views)
		if got := Agree(test.views).State(); got != test.want {
			t.Errorf("%v, turned round, agree on %s, want %s", test.views, got, test.want)
		}
	}
}
