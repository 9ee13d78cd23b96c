package docker

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/client"

	"ballast/internal/driver"
)

// TestExecWaitsForTheCode: an engine ends the streams of a command before its record has the exit code, and gives 0 until then.
func TestExecWaitsForTheCode(t *testing.T) {
	looks := 0
	engine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch _, path, _ := strings.Cut(r.URL.Path[1:], "/"); {
		case strings.HasSuffix(r.URL.Path, "/_ping"):
			w.Header().Set("Api-Version", "1.44")
		case path == "containers/c/json":
			fmt.Fprint(w, `{"Id":"c","State":{"Status":"running","StartedAt":"2026-01-01T00:00:00Z"},"Config":{}}`)
		case path == "containers/c/exec":
			w.WriteHeader(http.StatusCreated)
			fmt.Fprint(w, `{"Id":"e"}`)
		case path == "exec/e/start":
			io.Copy(io.Discard, r.Body) // a connection that is closed with something unread is reset
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			fmt.Fprint(conn, "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
			conn.Close()
		case path == "exec/e/json":
			looks++
			if looks < 3 {
				fmt.Fprint(w, `{"ID":"e","Running":true,"ExitCode":null}`)
			} else {
				fmt.Fprint(w, `{"ID":"e","Running":false,"ExitCode":1}`)
			}
		default:
			t.Errorf("%s %s", r.Method, r.URL.Path)
		}
	}))
	defer engine.Close()
	connected, err := client.New(client.WithHost("tcp://" + engine.Listener.Addr().(*net.TCPAddr).String()))
	if err != nil {
		t.Fatal(err)
	}
	key := driver.Key{Container: "web"}
	d := &Driver{engine: connected, ids: map[driver.Key]string{key: "c"}}
	code, _, err := d.Exec(t.Context(), key, []string{"check"}, 30*time.Second)
	if code != 1 || err != nil {
		t.Errorf("code %d, error %v; want code 1", code, err)
	}
}
