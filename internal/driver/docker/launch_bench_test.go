package docker

import (
	"fmt"
	"sync"
	"testing"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// BenchmarkLaunch creates and starts containers, some side by side.
func BenchmarkLaunch(b *testing.B) {
	for _, workers := range []int{8, 16} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			d := open(b)
			spec := app("polite", "0")
			spec.NetworkMode = ecs.NetworkBridge
			b.ResetTimer()
			keys := make(chan driver.Key)
			var working sync.WaitGroup
			for range workers {
				working.Go(func() {
					for key := range keys {
						if err := d.Create(b.Context(), key, spec); err != nil {
							b.Error(err)
						}
						if _, err := d.Start(b.Context(), key); err != nil {
							b.Error(err)
						}
					}
				})
			}
			for n := range b.N {
				keys <- driver.Key{Task: ecs.ID{1, byte(n), byte(n >> 8)}, Container: "app"}
			}
			close(keys)
			working.Wait()
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "launches/s")
		})
	}
}
