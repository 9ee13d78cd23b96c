package sample

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestLoad lets requests come evenly, some at a time at a higher rate, and wants to know when they are too many.
func TestLoad(t *testing.T) {
	for _, c := range []struct {
		name     string
		capacity int
		rates    []int // requests a second, for ten seconds each
		over     []bool
	}{
		{"any number", 0, []int{1000}, []bool{false}},
		{"as many as it can serve", 10, []int{10}, []bool{false}},
		{"one more", 10, []int{11}, []bool{true}},
		{"relief", 10, []int{9, 15, 9}, []bool{false, true, false}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLoad(c.capacity)
			for i, rate := range c.rates {
				over := false
				for n := range 10 * rate {
					over = l.arrive(at(float64(10 * i)).Add(time.Duration(n) * time.Second / time.Duration(rate)))
				}
				if over != c.over[i] {
					t.Errorf("after ten seconds of %d requests a second: too many %v", rate, over)
				}
			}
		})
	}
}

// TestOverburdened: answers take long while there is too much to do, and whoever controls it is answered at once.
func TestOverburdened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newApp("v1 from web", &lines{})
		call(t, a, "POST /control/capacity?rate=1")
		took := func(what string) time.Duration {
			began := time.Now()
			call(t, a, what)
			return time.Since(began)
		}
		for n := range 4 {
			if d := took("GET /"); d != 0 {
				t.Errorf("request %d took %v", n, d)
			}
		}
		if d := took("GET /health"); d != overloadDelay {
			t.Errorf("one too many took %v", d)
		}
		for range 4 {
			took("GET /")
		}
		if d := took("POST /control/capacity?rate=0"); d != 0 {
			t.Errorf("control took %v", d)
		}
		if d := took("GET /"); d != 0 {
			t.Errorf("with any capacity a request took %v", d)
		}
	})
}

// TestOverburdenedAndGone: a request whose client gives up is not kept.
func TestOverburdenedAndGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &lines{}
		a := newApp("v1 from web", out)
		call(t, a, "POST /control/capacity?rate=1")
		for range 4 {
			call(t, a, "GET /")
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		a.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, "GET", "/", nil))
		if d := time.Since(began); d != time.Second {
			t.Errorf("it was kept for %v", d)
		}
		if got := out.all(); !strings.HasPrefix(got[len(got)-1], "GET / 499 ") {
			t.Errorf("it is logged as %q", got[len(got)-1])
		}
	})
}

// TestNeeds: without what it needs it is unhealthy.
func TestNeeds(t *testing.T) {
	status := http.StatusOK
	needed := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	a := newApp("v1 from web", &lines{})
	a.needs = []string{needed.URL + "/a", strings.TrimPrefix(needed.URL, "http://")}
	for _, c := range []struct {
		prepare func()
		status  int
		body    string
	}{
		{func() {}, http.StatusOK, "healthy"},
		{func() { status = http.StatusNoContent }, http.StatusOK, "healthy"},
		{func() { status = http.StatusBadGateway }, http.StatusServiceUnavailable, "needs " + needed.URL + "/a: 502 Bad Gateway"},
		{needed.Close, http.StatusServiceUnavailable, "connection refused"},
	} {
		c.prepare()
		w := httptest.NewRecorder()
		a.ServeHTTP(w, httptest.NewRequest("GET", "/health", nil))
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.body) {
			t.Errorf("status %d, %q; want %d, %q", w.Code, w.Body, c.status, c.body)
		}
	}
}
