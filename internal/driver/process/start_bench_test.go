package process

import (
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"ballast/internal/driver"
)

// The two benchmarks belong together: a start through the keeper may take at most 1.7 times a bare fork of the same program.

func BenchmarkFork(b *testing.B) {
	for b.Loop() {
		cmd := exec.Command(os.Args[0], "app", "sleep")
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() {
			cmd.Process.Kill()
			cmd.Wait()
		})
	}
}

func BenchmarkStart(b *testing.B) {
	for _, workers := range []int{1, 4} {
		b.Run(map[int]string{1: "serial", 4: "four at once"}[workers], func(b *testing.B) { benchmarkStart(b, workers) })
	}
}

func benchmarkStart(b *testing.B, workers int) {
	d, err := Open(b.Context(), Config{KeeperDir: b.TempDir(), Exe: os.Args[0], Dir: "/"})
	if err != nil {
		b.Fatal(err)
	}
	ctx := b.Context()
	var keys []driver.Key
	for i := range b.N {
		k := key(i)
		k.Task[14] = byte(i >> 8)
		keys = append(keys, k)
		if err := d.Create(ctx, k, command("sleep")); err != nil {
			b.Fatal(err)
		}
	}
	b.ResetTimer()
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w; i < b.N; i += workers {
				if _, err := d.Start(ctx, keys[i]); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	for _, k := range keys {
		wg.Go(func() { d.Stop(ctx, k, time.Minute) })
	}
	wg.Wait()
	if err := d.Shutdown(ctx); err != nil {
		b.Error(err)
	}
}
