package etcd

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"ballast/internal/store"
)

// BenchmarkTakeover is the time from a leader's sudden end to the first commit of the one that waited.
func BenchmarkTakeover(b *testing.B) {
	var all []time.Duration
	at := place(cluster)
	first, err := Open(context.Background(), at, "", nil)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := first.Lead(context.Background()); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		waits := make(chan string, 9)
		second, err := Open(context.Background(), at, "", func(leader string) { waits <- leader })
		if err != nil {
			b.Fatal(err)
		}
		committed := make(chan error, 1)
		go func() {
			f, err := second.Lead(context.Background())
			if err == nil {
				err = second.Commit(context.Background(), f, put("k", "v"))
			}
			committed <- err
		}()
		<-waits
		time.Sleep(renewEvery * time.Duration(len(all)%8) / 8) // at any moment between two renewals
		begin := time.Now()
		first.lease.cancel()
		if err := <-committed; err != nil {
			b.Fatal(err)
		}
		all = append(all, time.Since(begin))
		first.Close()
		first = second
	}
	first.Close()
	slices.Sort(all)
	b.ReportMetric(all[len(all)/2].Seconds(), "p50-s")
	b.ReportMetric(all[len(all)*99/100].Seconds(), "p99-s")
}

// BenchmarkCommit is the time of one commit of some records of 300 bytes.
func BenchmarkCommit(b *testing.B) {
	for _, records := range []int{1, 100} {
		b.Run(fmt.Sprint(records), func(b *testing.B) {
			s, err := Open(context.Background(), place(cluster), "", nil)
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			f, err := s.Lead(context.Background())
			if err != nil {
				b.Fatal(err)
			}
			for i := 0; b.Loop(); i++ {
				var u store.Unit
				for j := range records {
					u = append(u, store.Record{Key: fmt.Sprintf("c/default/task/%08d", i*records+j), Value: make([]byte, 300)})
				}
				if err := s.Commit(context.Background(), f, []store.Unit{u}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
