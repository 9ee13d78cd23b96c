package sample

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// call sends a request to a and returns status and body.
func call(t *testing.T, a *app, request string) (status int, body string) {
	t.Helper()
	method, target, _ := strings.Cut(request, " ")
	w := httptest.NewRecorder()
	a.ServeHTTP(w, httptest.NewRequest(method, target, nil))
	return w.Code, w.Body.String()
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		name     string
		requests []string // only the last one's answer counts
		status   int
		body     string // a part
	}{
		{"greeting", []string{"GET /any/path"}, 200, "v1 from web\n"},
		{"list", []string{"GET /"}, 200, "POST /control/crash?after=0s&code=1"},
		{"list begins with the greeting", []string{"GET /"}, 200, "v1 from web\nother requests under way: 0\n\n"},
		{"healthy", []string{"GET /health"}, 200, "healthy"},
		{"unhealthy at once", []string{"POST /control/unhealthy", "GET /health"}, 503, "unhealthy"},
		{"told of it", []string{"POST /control/unhealthy"}, 200, "v1 from web: unhealthy\n"},
		{"told of it, for later", []string{"POST /control/unhealthy?after=3s"}, 200, "v1 from web: unhealthy after 3s\n"},
		{"not unhealthy yet", []string{"POST /control/unhealthy?after=1h", "GET /health"}, 200, "healthy"},
		{"recovered", []string{"POST /control/unhealthy", "POST /control/healthy", "GET /health"}, 200, "healthy"},
		{"unknown action", []string{"POST /control/explode"}, 400, `no action "explode"; GET / lists`},
		{"bad parameter", []string{"POST /control/exit?code=x"}, 400, "code=x"},
		{"bad wait", []string{"GET /wait?for=1"}, 400, "for=1"},
		{"no order by GET", []string{"GET /control/crash"}, 405, "use POST"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := newApp("v1 from web", &lines{})
			var status int
			var body string
			for _, r := range c.requests {
				status, body = call(t, a, r)
			}
			if status != c.status || !strings.Contains(body, c.body) {
				t.Errorf("got %d %q, want %d with %q", status, body, c.status, c.body)
			}
		})
	}
}

func TestForeignPagesGiveNoOrders(t *testing.T) {
	a := newApp("v1 from web", &lines{})
	r := httptest.NewRequest("POST", "/control/unhealthy", nil)
	r.Header.Set("Origin", "https://foreign.example")
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	if w.Code != http.StatusForbidden || a.state.sick {
		t.Errorf("status %d, sick %v", w.Code, a.state.sick)
	}
}

func TestAccessLog(t *testing.T) {
	out := &lines{}
	a := newApp("v1 from web", out)
	call(t, a, "GET /wait?for=0s")
	call(t, a, "POST /control/unhealthy")
	call(t, a, "GET /health")
	call(t, a, "POST /control/freeze")
	got := out.all()
	want := []string{"GET /wait?for=0s 200 ", "POST /control/unhealthy 200 ", "GET /health 503 "}
	if len(got) != len(want) {
		t.Fatalf("%d lines, want %d: %q", len(got), len(want), got)
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("line %d: %q, want %q and a duration", i, got[i], want[i])
		}
	}
}

// TestFollow plays orders and signals in virtual time and wants the moment and the way of the end.
func TestFollow(t *testing.T) {
	type signal struct {
		at time.Duration
		s  os.Signal
	}
	for _, c := range []struct {
		name    string
		web     Web
		orders  []string // POSTed at one second
		signals []signal
		listen  time.Duration // when it begins to, -1: never
		end     ending
		at      time.Duration
	}{
		{"SIGTERM", Web{}, nil, []signal{{5 * time.Second, syscall.SIGTERM}}, 0, ending{}, 5 * time.Second},
		{"interrupt", Web{}, nil, []signal{{5 * time.Second, os.Interrupt}}, 0, ending{}, 5 * time.Second},
		{"SIGTERM before it listens", Web{StartDelay: time.Minute}, nil, []signal{{5 * time.Second, syscall.SIGTERM}}, -1, ending{}, 5 * time.Second},
		{"crash flag", Web{StartDelay: 3 * time.Second, CrashAfter: ptr(time.Minute), CrashCode: 139}, nil, nil, 3 * time.Second, ending{139, true}, time.Minute},
		{"crash before it listens", Web{StartDelay: 3 * time.Second, CrashAfter: ptr(time.Duration(0)), CrashCode: 1}, nil, nil, -1, ending{1, true}, 0},
		{"exit flag", Web{ExitAfter: ptr(time.Minute), ExitCode: 4}, nil, nil, 0, ending{4, false}, time.Minute},
		{"crash order", Web{}, []string{"POST /control/crash?code=2"}, nil, 0, ending{2, true}, time.Second},
		{"exit order", Web{}, []string{"POST /control/exit?after=10s"}, nil, 0, ending{0, false}, 11 * time.Second},
		{"an order overtakes a flag", Web{ExitAfter: ptr(time.Minute)}, []string{"POST /control/crash?after=2s"}, nil, 0, ending{1, true}, 3 * time.Second},
		{
			"ignored SIGTERM", Web{IgnoreTerm: true, ExitAfter: ptr(time.Minute), ExitCode: 9}, nil,
			[]signal{{time.Second, syscall.SIGTERM}, {2 * time.Second, syscall.SIGTERM}}, 0, ending{9, false}, time.Minute,
		},
		{"interrupt is never ignored", Web{IgnoreTerm: true}, nil, []signal{{2 * time.Second, os.Interrupt}}, 0, ending{}, 2 * time.Second},
		{"SIGTERM ignored no more", Web{IgnoreTerm: true}, []string{"POST /control/ignore-term?on=false"}, []signal{{2 * time.Second, syscall.SIGTERM}}, 0, ending{}, 2 * time.Second},
		{"SIGTERM with a delay", Web{StopDelay: 3 * time.Second}, nil, []signal{{5 * time.Second, syscall.SIGTERM}}, 0, ending{}, 8 * time.Second},
		{
			"a second signal ends the delay", Web{StopDelay: time.Minute}, nil,
			[]signal{{5 * time.Second, syscall.SIGTERM}, {7 * time.Second, syscall.SIGTERM}}, 0, ending{}, 7 * time.Second,
		},
		{"SIGTERM ends a frozen one", Web{FreezeAfter: ptr(time.Second)}, nil, []signal{{2 * time.Second, syscall.SIGTERM}}, 0, ending{}, 2 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				orders, err := c.web.orders()
				if err != nil {
					t.Fatal(err)
				}
				signals := make(chan os.Signal)
				r := runner{app: newApp("v1 from web", &lines{}), signals: signals, stopDelay: c.web.StopDelay}
				began, listened := time.Now(), time.Duration(-1)
				for _, o := range orders {
					if err := r.app.take(o); err != nil {
						t.Fatal(err)
					}
				}
				var others sync.WaitGroup
				others.Go(func() {
					time.Sleep(time.Second)
					for _, o := range c.orders {
						call(t, r.app, o)
					}
					for _, s := range c.signals {
						time.Sleep(time.Until(began.Add(s.at)))
						signals <- s.s
					}
				})
				end, err := r.follow(t.Context(), nil, func() error {
					listened = time.Since(began)
					return nil
				})
				ended := time.Since(began)
				others.Wait()
				if err != nil || end != c.end || ended != c.at || listened != c.listen {
					t.Errorf("listened after %v, ended %+v after %v, error %v\nwant %v, %+v, %v", listened, end, ended, err, c.listen, c.end, c.at)
				}
			})
		})
	}
}

func TestFollowLeaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := runner{app: newApp("v1 from web", &lines{})}
		orders, err := (&Web{LeakMiB: 2, ExitAfter: ptr(5 * time.Second)}).orders()
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range orders {
			if err := r.app.take(o); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := r.follow(t.Context(), nil, func() error { return nil }); err != nil {
			t.Fatal(err)
		}
		mib := 0
		for _, b := range r.leaked {
			mib += len(b) >> 20
		}
		if mib != 10 {
			t.Errorf("leaked %d MiB, want 10", mib)
		}
	})
}

func ptr[T any](v T) *T { return &v }

// lines is a writer that keeps lines and lets others wait for one.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Split(strings.TrimSuffix(l.text.String(), "\n"), "\n")
}
