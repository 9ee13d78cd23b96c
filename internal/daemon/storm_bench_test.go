package daemon

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ballast/internal/driver"
	"ballast/internal/driver/fake"
	"ballast/internal/scheduler/policy"
)

// The storm: services whose imagined tasks exit within a second, beside a healthy one that is deployed anew every few seconds.
const (
	stormServices = 40
	stormTasks    = 25
	stormLasts    = 2 * time.Minute
	stormRolls    = 20
	// stormKept is how many stopped tasks are kept, so few that the bound is reached well before the end.
	stormKept = 10_000
)

// BenchmarkStorm says how many deployments of the healthy service completed, how long the slowest took and answers at the 99th
// percentile, and how large heap and journal were after half of the time and at its end.
func BenchmarkStorm(b *testing.B) {
	for range b.N {
		stormOnce(b)
	}
	b.ReportMetric(0, "ns/op")
}

func stormOnce(b *testing.B) {
	p, err := policy.Named("ecs")
	if err != nil {
		b.Fatal(err)
	}
	p.StoppedKeptPerCluster = stormKept
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	Tune() // as the program is
	imagined, dir := fake.New(1), filepath.Join(b.TempDir(), "data")
	d, err := Start(b.Context(), Config{
		Listen: "127.0.0.1:0", DataDir: dir, Region: "us-east-1", Account: "000000000000", Cluster: "default", Policy: p, Driver: "auto",
		Exe: "/bin/true", WorkDir: "/", Version: "bench", Log: slog.New(slog.DiscardHandler),
		openDriver: func(context.Context) (driver.Driver, error) { return imagined, nil },
	})
	if err != nil {
		b.Fatal(err)
	}
	defer d.Stop(true)
	ask(b, d, "RegisterTaskDefinition", `{"family":"web","containerDefinitions":[{"name":"web","image":"web","memory":4}]}`)
	ask(b, d, "RegisterTaskDefinition", `{"family":"loop","containerDefinitions":[{"name":"loop","image":"loop","memory":4,
		"environment":[{"name":"FAKE_EXIT_AFTER","value":"0s..1s"}]}]}`)
	ask(b, d, "CreateService", `{"serviceName":"web","taskDefinition":"web","desiredCount":4,"tags":[{"key":"ballast:healthy-after","value":"0s"}]}`)
	for n := range stormServices {
		ask(b, d, "CreateService", fmt.Sprintf(`{"serviceName":"loop%d","taskDefinition":"loop","desiredCount":%d}`, n, stormTasks))
	}
	ctx, cancel := context.WithTimeout(b.Context(), stormLasts)
	defer cancel()
	var took timings
	var group sync.WaitGroup
	for client := range 2 {
		group.Go(func() { clientOf(ctx, b, d, client, &took) })
	}
	completed, slowest := 0, time.Duration(0)
	group.Go(func() { completed, slowest = roll(ctx, b, d) })
	time.Sleep(stormLasts / 2)
	heap, size := inUse(b, dir)
	group.Wait()
	heapAtEnd, sizeAtEnd := inUse(b, dir)
	var out struct {
		Services []struct {
			Events []struct{ Message string }
		}
	}
	answer(b, d, "DescribeServices", `{"services":["loop7"]}`, &out)
	if e := out.Services[0].Events; len(e) == 0 || !strings.Contains(e[0].Message, "has started") {
		b.Errorf("no storm: %v", e)
	}
	b.ReportMetric(float64(completed), "rolls")
	b.ReportMetric(slowest.Seconds()*1000, "slowest-roll-ms")
	b.ReportMetric(percentile(slices.Concat(took.reads, took.writes), 99), "p99-ms")
	b.ReportMetric(heap, "heap-MiB-half")
	b.ReportMetric(heapAtEnd, "heap-MiB-end")
	b.ReportMetric(size, "journal-MiB-half")
	b.ReportMetric(sizeAtEnd, "journal-MiB-end")
}

// clientOf reads and now and then writes, every 20 ms.
func clientOf(ctx context.Context, b *testing.B, d *Daemon, client int, took *timings) {
	requests := []string{"DescribeServices", `{"services":["web","loop7"]}`, "ListTasks", `{"serviceName":"loop3"}`,
		"RegisterTaskDefinition", `{"family":"other","containerDefinitions":[{"name":"web","image":"web","memory":4}]}`,
		"DescribeClusters", `{}`}
	for n := client; ctx.Err() == nil; n++ {
		i := 2 * (n % (len(requests) / 2))
		begin := time.Now()
		ask(b, d, requests[i], requests[i+1])
		took.add(requests[i] == "RegisterTaskDefinition", time.Since(begin))
		time.Sleep(20 * time.Millisecond)
	}
}

// roll deploys the healthy service anew, again and again, and counts the deployments that completed before the next one began.
func roll(ctx context.Context, b *testing.B, d *Daemon) (completed int, slowest time.Duration) {
	for n := range stormRolls {
		begin := time.Now()
		answer(b, d, "UpdateService", `{"service":"web","forceNewDeployment":true}`, nil)
		next := begin.Add(stormLasts/stormRolls - time.Second/2)
		for time.Now().Before(next) && ctx.Err() == nil {
			var out struct {
				Services []struct {
					Deployments []struct{ RolloutState string }
				}
			}
			answer(b, d, "DescribeServices", `{"services":["web"]}`, &out)
			if ds := out.Services[0].Deployments; len(ds) == 1 && ds[0].RolloutState == "COMPLETED" && completed == n {
				completed++
				slowest = max(slowest, time.Since(begin))
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
	return completed, slowest
}

// answer asks and decodes what comes back.
func answer(b *testing.B, d *Daemon, operation, body string, into any) {
	text := ask(b, d, operation, body)
	if into == nil || text == nil {
		return
	}
	if err := json.NewDecoder(strings.NewReader(string(text))).Decode(into); err != nil {
		b.Error(err)
	}
}

// inUse gives the heap in use and the size of the journal, in MiB.
func inUse(b *testing.B, dir string) (heap, journal float64) {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	info, err := os.Stat(filepath.Join(dir, "state.db"))
	if err != nil {
		b.Error(err)
		return 0, 0
	}
	return float64(m.HeapAlloc-uint64(len(ballast))) / (1 << 20), float64(info.Size()) / (1 << 20)
}
