package control

import (
	"path/filepath"
	"testing"
	"time"

	"ballast/internal/control/root"
	"ballast/internal/ecs"
	"ballast/internal/scheduler/policy"
	"ballast/internal/store/bolt"
	"ballast/test/grown"
)

// BenchmarkRestart opens a file with 100,000 tasks and comes to the first decision: what a server does before it answers.
func BenchmarkRestart(b *testing.B) {
	p, err := policy.Named("ecs")
	if err != nil {
		b.Fatal(err)
	}
	path := filepath.Join(b.TempDir(), "ballast.db")
	s, err := bolt.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	now := time.Now()
	if err := grown.Commit(b.Context(), s, grown.Units(100_000, ecs.TimeOf(now))); err != nil {
		b.Fatal(err)
	}
	s.Close()
	b.ReportAllocs()
	for b.Loop() {
		s, err := bolt.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		c, err := Open(b.Context(), Config{Policy: p}, s, func() time.Time { return now })
		if err != nil {
			b.Fatal(err)
		}
		batch := c.machine.Step(ecs.TimeOf(now), Seed{})
		if n := len(c.Root().Tasks(root.TaskFilter{Cluster: "default", Desired: ecs.StatusRunning}, 0, 10)); n != 10 || len(batch.Units) > 300 {
			b.Fatalf("%d tasks shown, %d units to write at the first step", n, len(batch.Units))
		}
		s.Close()
	}
}
