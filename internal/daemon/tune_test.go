package daemon

import (
	"runtime"
	"runtime/debug"
	"testing"
)

func TestTune(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	defer func() { ballast = nil }()
	t.Setenv("GOMAXPROCS", "")
	runtime.SetDefaultGOMAXPROCS()
	procs := runtime.GOMAXPROCS(0)
	for range 2 {
		if Tune(); runtime.GOMAXPROCS(0) != procs+spareProcs {
			t.Errorf("GOMAXPROCS is %d, with %d by default", runtime.GOMAXPROCS(0), procs)
		}
	}
	runtime.GC()
	var m runtime.MemStats
	if runtime.ReadMemStats(&m); m.NextGC < m.HeapAlloc+headroom {
		t.Errorf("the next collection begins at %d, with %d in use", m.NextGC, m.HeapAlloc)
	}
	t.Setenv("GOMAXPROCS", "1")
	runtime.GOMAXPROCS(1)
	if Tune(); runtime.GOMAXPROCS(0) != 1 {
		t.Error("GOMAXPROCS of the environment does not count")
	}
}
