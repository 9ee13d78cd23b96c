package sample

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestCheck(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/good":
			w.WriteHeader(http.StatusNoContent)
		case "/moved":
			http.Redirect(w, r, "/good", http.StatusFound)
		case "/bad":
			w.WriteHeader(http.StatusServiceUnavailable)
		case "/silent":
			<-r.Context().Done()
		case "/endless":
			for r.Context().Err() == nil {
				w.Write(make([]byte, 4096))
			}
		}
	}))
	defer server.Close()
	closed := httptest.NewServer(nil)
	closed.Close()

	for _, c := range []struct {
		name    string
		url     string
		timeout time.Duration
		ok      bool
		out     string
	}{
		{"good", server.URL + "/good", deadline, true, "/good: 204 No Content\n"},
		{"no scheme", strings.TrimPrefix(server.URL, "http://") + "/good", deadline, true, "204"},
		{"redirected", server.URL + "/moved", deadline, false, "/moved: 302 Found\n"},
		{"endless", server.URL + "/endless", deadline, true, "200 OK"},
		{"bad", server.URL + "/bad", deadline, false, "/bad: 503 Service Unavailable\n"},
		{"silent", server.URL + "/silent", 10 * time.Millisecond, false, "deadline exceeded"},
		{"refused", closed.URL, deadline, false, "refused"},
		{"nonsense", "http://[", deadline, false, "http://["},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out strings.Builder
			err := (&Check{URL: c.url, Timeout: c.timeout}).Run(t.Context(), &out)
			var code ExitError
			if ok := err == nil; ok != c.ok || !ok && (!errors.As(err, &code) || code.ExitCode() != 1) {
				t.Errorf("ended with %v, want ok %v", err, c.ok)
			}
			if !strings.Contains(out.String(), c.out) {
				t.Errorf("it says %q, want %q", out.String(), c.out)
			}
		})
	}
}

func TestCheckTarget(t *testing.T) {
	for _, c := range []struct {
		check Check
		want  string
	}{
		{Check{Host: "127.64.0.7", Port: 80}, "http://127.64.0.7:80/health"},
		{Check{Host: "0.0.0.0", Port: 8080}, "http://127.0.0.1:8080/health"},
		{Check{Host: "::", Port: 8080}, "http://127.0.0.1:8080/health"},
		{Check{Host: "::1", Port: 8080}, "http://[::1]:8080/health"},
		{Check{Port: 8080}, "http://127.0.0.1:8080/health"},
		{Check{URL: "localhost/x", Port: 8080}, "http://localhost/x"},
		{Check{URL: "https://localhost/x", Port: 8080}, "https://localhost/x"},
	} {
		if got := c.check.target(); got != c.want {
			t.Errorf("%+v: got %s, want %s", c.check, got, c.want)
		}
	}
}
