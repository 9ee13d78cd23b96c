package twins

import (
	"context"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

const (
	// patience is how long a client of the application waits for its answer.
	patience = 2 * time.Second
	// maxUnderWay bounds the requests that wait for their answers.
	maxUnderWay = 1000
)

// traffic sends requests to the tasks of a service, each in its turn whatever its health, as a load balancer does that fails open.
// One that accepts no connection is passed over.
type traffic struct {
	client http.Client
	ctx    context.Context
	room   chan struct{}
	all    sync.WaitGroup

	mu      sync.Mutex
	rate    float64 // requests a second
	since   time.Time
	sent    int // since then
	targets []string
	next    int
}

func newTraffic(t *testing.T) *traffic {
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	f := &traffic{client: http.Client{Transport: transport, Timeout: patience}, ctx: t.Context(), room: make(chan struct{}, maxUnderWay)}
	f.all.Go(f.run)
	t.Cleanup(func() {
		f.all.Wait()
		transport.CloseIdleConnections()
	})
	return f
}

// set has so many requests a second come from now on.
func (f *traffic) set(rate float64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rate, f.since, f.sent = rate, time.Now(), 0
}

// to has requests go to the tasks that serve.
func (f *traffic) to(tasks []types.Task) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.targets = f.targets[:0]
	for _, task := range tasks {
		f.targets = append(f.targets, address(task))
	}
}

func (f *traffic) run() {
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-f.ctx.Done():
			return
		case <-ticker.C:
		}
		for range f.due() {
			select {
			case f.room <- struct{}{}:
				f.all.Go(f.request)
			case <-f.ctx.Done():
				return
			}
		}
	}
}

// due counts the requests that are to be sent now.
func (f *traffic) due() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := int(f.rate*time.Since(f.since).Seconds()) - f.sent
	f.sent += n
	return n
}

// target gives the next task in turn, "" where there is none, and how many there are.
func (f *traffic) target() (string, int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.targets) == 0 {
		return "", 0
	}
	f.next++
	return f.targets[f.next%len(f.targets)], len(f.targets)
}

// request sends one request: to the next task, or, where that one is not there, to the one after it.
func (f *traffic) request() {
	defer func() { <-f.room }()
	target, tries := f.target()
	for ; tries > 0 && f.ctx.Err() == nil; tries-- {
		response, err := f.client.Get(target)
		if err == nil {
			io.Copy(io.Discard, response.Body)
			response.Body.Close()
			return
		}
		if timeout, ok := err.(interface{ Timeout() bool }); ok && timeout.Timeout() {
			return
		}
		target, _ = f.target()
	}
}
