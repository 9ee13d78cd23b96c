package daemon

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"ballast/internal/driver"
	"ballast/internal/driver/fake"
	"ballast/internal/scheduler/policy"
)

// BenchmarkAPIWhileTasksStart starts 500 imagined tasks of one service and meanwhile has four clients read and write; it reports
// how long an answer took at the 50th and the 99th percentile. Journal, HTTP and both machines are the real ones.
func BenchmarkAPIWhileTasksStart(b *testing.B) {
	var all []time.Duration
	for range b.N {
		all = append(all, latencies(b)...)
	}
	slices.Sort(all)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(len(all))/float64(b.N), "requests/op")
}

func latencies(b *testing.B) []time.Duration {
	p, err := policy.Named("ecs")
	if err != nil {
		b.Fatal(err)
	}
	imagined := fake.New(1)
	d, err := Start(b.Context(), Config{
		Listen: "127.0.0.1:0", DataDir: filepath.Join(b.TempDir(), "data"), Region: "us-east-1", Account: "000000000000", Cluster: "default",
		Policy: p, Driver: "auto", Exe: "/bin/true", WorkDir: "/", Version: "bench", Log: slog.New(slog.DiscardHandler),
		openDriver: func(context.Context) (driver.Driver, error) { return imagined, nil },
	})
	if err != nil {
		b.Fatal(err)
	}
	defer d.Stop(true)
	ask(b, d, "RegisterTaskDefinition", `{"family":"web","containerDefinitions":[{"name":"web","image":"web","memory":4,
		"environment":[{"name":"FAKE_START_DELAY","value":"0s-1s"}]}]}`)
	ask(b, d, "CreateService", `{"serviceName":"web","taskDefinition":"web","desiredCount":500}`)
	ctx, cancel := context.WithTimeout(b.Context(), 1200*time.Millisecond)
	defer cancel()
	var mu sync.Mutex
	var all []time.Duration
	var group sync.WaitGroup
	requests := []string{"DescribeServices", `{"services":["web"]}`, "ListTasks", `{"serviceName":"web"}`,
		"RegisterTaskDefinition", `{"family":"other","containerDefinitions":[{"name":"web","image":"web","memory":4}]}`,
		"DescribeClusters", `{}`}
	for client := range 4 {
		group.Go(func() {
			var mine []time.Duration
			for n := client; ctx.Err() == nil; n++ {
				i := 2 * (n % (len(requests) / 2))
				begin := time.Now()
				ask(b, d, requests[i], requests[i+1])
				mine = append(mine, time.Since(begin))
				time.Sleep(2 * time.Millisecond) // a client that asks, not one that floods
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, mine...)
		})
	}
	group.Wait()
	return all
}

func ask(b *testing.B, d *Daemon, operation, body string) {
	request, err := http.NewRequest("POST", d.Endpoint(), bytes.NewBufferString(body))
	if err != nil {
		b.Error(err)
		return
	}
	request.Header.Set("Content-Type", "application/x-amz-json-1.1")
	request.Header.Set("X-Amz-Target", "AmazonEC2ContainerServiceV20141113."+operation)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		b.Error(err)
		return
	}
	defer response.Body.Close()
	if text, _ := io.ReadAll(response.Body); response.StatusCode != http.StatusOK {
		b.Error(fmt.Errorf("%s: %s: %s", operation, response.Status, text))
	}
}
