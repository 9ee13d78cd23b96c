package bolt

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"ballast/internal/store"
)

const recordBytes = 300 // a running task

var batchSizes = []int{1, 16, 100, 1000}

// BenchmarkCommit commits batches of new records with ascending keys; compare BenchmarkFloor in the same run.
func BenchmarkCommit(b *testing.B) {
	for _, n := range batchSizes {
		b.Run(fmt.Sprint("batch=", n), func(b *testing.B) {
			s := openTest(b, filepath.Join(b.TempDir(), "ballast.db"))
			fence := lead(b, s)
			seq := 0
			for b.Loop() {
				if err := s.Commit(context.Background(), fence, ascending(seq, n)); err != nil {
					b.Fatal(err)
				}
				seq += n
			}
			b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

// BenchmarkFloor is the least that durability can cost: append the bytes of the batch to a file and sync its data.
func BenchmarkFloor(b *testing.B) {
	for _, n := range batchSizes {
		b.Run(fmt.Sprint("batch=", n), func(b *testing.B) {
			f, err := os.Create(filepath.Join(b.TempDir(), "floor"))
			if err != nil {
				b.Fatal(err)
			}
			defer f.Close()
			batch := make([]byte, n*recordBytes)
			for b.Loop() {
				if _, err := f.Write(batch); err != nil {
					b.Fatal(err)
				}
				if err := syncData(f); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

// BenchmarkLife commits batches as tasks live: made, grown by a third, rewritten, and the oldest removed. It reports how much
// of the file is records, which is what fillPercent decides.
func BenchmarkLife(b *testing.B) {
	const live, batch = 20_000, 100
	s := openTest(b, filepath.Join(b.TempDir(), "ballast.db"))
	fence := lead(b, s)
	seq := 0
	for b.Loop() {
		made, grown := ascending(seq, batch), ascending(seq, batch)
		for _, u := range made {
			for i := range u {
				u[i].Value = u[i].Value[:recordBytes*3/4]
			}
		}
		units := [][]store.Unit{made, grown, grown}
		if seq >= live {
			removed := ascending(seq-live, batch)
			for _, u := range removed {
				for i := range u {
					u[i].Value = nil
				}
			}
			units = append(units, removed)
		}
		for _, u := range units {
			commit(b, s, fence, u)
		}
		seq += batch
	}
	tx, err := s.db.Begin(false)
	if err != nil {
		b.Fatal(err)
	}
	defer tx.Rollback()
	stats := tx.Bucket(recordsBucket).Stats()
	b.ReportMetric(100*float64(stats.LeafInuse)/float64(stats.LeafAlloc), "%full")
	b.ReportMetric(4*batch*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

// ascending returns n new records with keys from seq on, in units as control makes them.
func ascending(seq, n int) []store.Unit {
	var units []store.Unit
	for i := range n {
		if i%store.MaxUnitRecords == 0 {
			units = append(units, nil)
		}
		u := &units[len(units)-1]
		*u = append(*u, store.Record{Key: fmt.Sprintf("c/default/task/%012d", seq+i), Value: value})
	}
	return units
}

var value = bytes.Repeat([]byte("v"), recordBytes)
