package cli

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

func TestTimeIsUp(t *testing.T) {
	over, cancel := context.WithDeadline(t.Context(), time.Unix(1, 0))
	defer cancel()
	interrupted, interrupt := context.WithCancel(t.Context())
	interrupt()
	for name, c := range map[string]struct {
		ctx, waiting context.Context
		err          error
		want         bool
	}{
		"the time is over":      {t.Context(), over, errors.Join(context.DeadlineExceeded), true},
		"a request took long":   {t.Context(), t.Context(), context.DeadlineExceeded, false},
		"it was refused late":   {t.Context(), over, errors.New("refused"), false},
		"somebody interrupts":   {interrupted, interrupted, context.Canceled, false},
		"nothing has gone bad":  {t.Context(), over, nil, false},
		"both are over at once": {over, over, context.DeadlineExceeded, false},
	} {
		if got := timeIsUp(c.ctx, c.waiting, c.err); got != c.want {
			t.Errorf("%s: %t, want %t", name, got, c.want)
		}
	}
}

// TestAwaitStoppedUnanswered: where no look came to its end, nothing is known, least of all that 0 tasks are left.
func TestAwaitStoppedUnanswered(t *testing.T) {
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body) // only then a server notices that the client goes away
		<-r.Context().Done()
	}))
	defer silent.Close()
	c := endpointOptions{EndpointURL: silent.URL, Cluster: "default", Region: "us-east-1"}.clientAs(aws.AnonymousCredentials{})
	err := c.awaitStopped(t.Context(), 20*time.Millisecond, []string{"web"}, nil)
	if code, text := verdict(err); code != exitNotSteady || !strings.Contains(text, "no answer within 20ms") {
		t.Errorf("exit code %d, %q", code, text)
	}
}
