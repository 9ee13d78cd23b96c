package sample

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		call string
		want order
		err  string // what the error says, if there is one
	}{
		{call: "crash", want: order{verb: crash, code: 1}},
		{call: "crash?after=1m30s&code=139", want: order{verb: crash, after: 90 * time.Second, code: 139}},
		{call: "exit", want: order{verb: exit}},
		{call: "exit?code=3", want: order{verb: exit, code: 3}},
		{call: "freeze?after=24h", want: order{verb: freeze, after: 24 * time.Hour}},
		{call: "unhealthy", want: order{verb: unhealthy}},
		{call: "unhealthy?for=30s&after=1s", want: order{verb: unhealthy, lasts: 30 * time.Second, after: time.Second}},
		{call: "healthy", want: order{verb: healthy}},
		{call: "leak", want: order{verb: leak, mibPerSec: 10}},
		{call: "leak?mib=0", want: order{verb: leak}},
		{call: "ignore-term", want: order{verb: ignoreTerm, on: true}},
		{call: "ignore-term?on=false", want: order{verb: ignoreTerm}},

		{call: "", err: `no action ""`},
		{call: "listen", err: `no action "listen"`},
		{call: "Crash", err: `no action "Crash"`},
		{call: "crash?for=1s", err: `crash has no parameter "for", only after, code`},
		{call: "crash?code=1&code=2", err: "code is given 2 times"},
		{call: "crash?code=256", err: "want 0 to 255"},
		{call: "crash?code=-1", err: "want 0 to 255"},
		{call: "crash?code=one", err: "crash: code=one"},
		{call: "crash?after=5", err: "missing unit"},
		{call: "crash?after=-1s", err: "want 0s to 24h"},
		{call: "freeze?after=24h1ns", err: "want 0s to 24h"},
		{call: "unhealthy?for=-1s", err: "want 0s to 24h"},
		{call: "leak?mib=1025", err: "want 0 to 1024"},
		{call: "ignore-term?on=perhaps", err: "on=perhaps"},
	} {
		t.Run(c.call, func(t *testing.T) {
			name, query, _ := strings.Cut(c.call, "?")
			args, err := url.ParseQuery(query)
			if err != nil {
				t.Fatal(err)
			}
			got, err := parse(name, args)
			if c.err == "" {
				if err != nil || got != c.want {
					t.Errorf("got %+v, error %v; want %+v", got, err, c.want)
				}
			} else if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("got error %v, want one that says: %s", err, c.err)
			}
		})
	}
}

// TestActionsAreCallable: what GET / lists can be called as it stands there.
func TestActionsAreCallable(t *testing.T) {
	for _, a := range actions {
		args, err := url.ParseQuery(a.params)
		if err != nil {
			t.Fatal(err)
		}
		if o, err := parse(string(a.verb), args); err != nil || o.verb != a.verb {
			t.Errorf("%s?%s: %+v, %v", a.verb, a.params, o, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, a := range actions {
		f.Add(string(a.verb), a.params)
	}
	f.Add("crash", "after=1h&code=-9&code=7")
	f.Fuzz(func(t *testing.T, name, query string) {
		args, _ := url.ParseQuery(query)
		o, err := parse(name, args)
		if err != nil {
			return
		}
		if string(o.verb) != name || o.after < 0 || o.after > maxAfter || o.lasts < 0 || o.lasts > maxAfter ||
			o.code < 0 || o.code > maxCode || o.mibPerSec < 0 || o.mibPerSec > maxMiBPerSec {
			t.Errorf("%s?%s: %+v is out of bounds", name, query, o)
		}
	})
}
