package daemon

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"ballast/internal/driver"
	"ballast/internal/driver/fake"
	"ballast/internal/scheduler/policy"
)

// BenchmarkAPIWhileTasksStart starts 500 imagined tasks of one service and meanwhile has four clients read and write; it reports
// how long an answer took at the 99th percentile: of all requests, of those that read, and of those that write and so wait for
// the disk, beside what the disk alone takes at its 99th percentile. Journal, HTTP and both machines are the real ones.
func BenchmarkAPIWhileTasksStart(b *testing.B) {
	var took timings
	for range b.N {
		latencies(b, &took)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(percentile(slices.Concat(took.reads, took.writes), 50), "p50-ms")
	b.ReportMetric(percentile(slices.Concat(took.reads, took.writes), 99), "p99-ms")
	b.ReportMetric(percentile(took.reads, 99), "p99-reads-ms")
	b.ReportMetric(percentile(took.writes, 99), "p99-writes-ms")
	b.ReportMetric(percentile(syncs(b), 99), "p99-two-fsyncs-ms")
}

type timings struct {
	mu            sync.Mutex
	reads, writes []time.Duration
}

func (t *timings) add(write bool, d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if write {
		t.writes = append(t.writes, d)
	} else {
		t.reads = append(t.reads, d)
	}
}

// percentile gives the p-th percentile in milliseconds.
func percentile(all []time.Duration, p int) float64 {
	slices.Sort(all)
	return float64(all[(len(all)-1)*p/100].Microseconds()) / 1000
}

// syncs times what every commit does at least: two pages made durable one after the other.
func syncs(b *testing.B) (all []time.Duration) {
	f, err := os.Create(filepath.Join(b.TempDir(), "floor"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	page := make([]byte, 4096)
	for range 500 {
		begin := time.Now()
		for range 2 {
			if _, err := f.Write(page); err != nil {
				b.Fatal(err)
			}
			if err := f.Sync(); err != nil {
				b.Fatal(err)
			}
		}
		all = append(all, time.Since(begin))
	}
	return all
}

func latencies(b *testing.B, took *timings) {
	p, err := policy.Named("ecs")
	if err != nil {
		b.Fatal(err)
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	Tune() // as the program is
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
		"environment":[{"name":"FAKE_START_DELAY","value":"0s..60ms"}]}]}`)
	requests := []string{"DescribeServices", `{"services":["web"]}`, "ListTasks", `{"serviceName":"web"}`,
		"RegisterTaskDefinition", `{"family":"other","containerDefinitions":[{"name":"web","image":"web","memory":4}]}`,
		"DescribeClusters", `{}`}
	for _, operation := range []string{"ListTasks", "DescribeClusters"} { // a server in use, not one that has just begun
		ask(b, d, operation, `{}`)
	}
	ask(b, d, "DescribeServices", `{"services":["web"]}`)
	ask(b, d, "CreateService", `{"serviceName":"web","taskDefinition":"web","desiredCount":500}`)
	ctx, cancel := context.WithTimeout(b.Context(), 1200*time.Millisecond)
	defer cancel()
	var group sync.WaitGroup
	for client := range 4 {
		group.Go(func() {
			for n := client; ctx.Err() == nil; n++ {
				i := 2 * (n % (len(requests) / 2))
				begin := time.Now()
				ask(b, d, requests[i], requests[i+1])
				took.add(requests[i] == "RegisterTaskDefinition", time.Since(begin))
				time.Sleep(2 * time.Millisecond) // a client that asks, not one that floods
			}
		})
	}
	group.Wait()
}

// ask gives the body of the answer; nil where there is none.
func ask(b *testing.B, d *Daemon, operation, body string) []byte {
	request, err := http.NewRequest("POST", d.Endpoint(), bytes.NewBufferString(body))
	if err != nil {
		b.Error(err)
		return nil
	}
	request.Header.Set("Content-Type", "application/x-amz-json-1.1")
	request.Header.Set("X-Amz-Target", "AmazonEC2ContainerServiceV20141113."+operation)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		b.Error(err)
		return nil
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	if response.StatusCode != http.StatusOK {
		b.Error(fmt.Errorf("%s: %s: %s", operation, response.Status, text))
		return nil
	}
	return text
}
