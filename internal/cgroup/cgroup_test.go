package cgroup

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestFind(t *testing.T) {
	const hybrid = "tmpfs /sys/fs/cgroup tmpfs rw 0 0\ncgroup /c/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0\ncgroup /c/memory cgroup rw,memory 0 0\n" +
		"cgroup2 /c/unified cgroup2 rw 0 0\n"
	const mine = "4:memory:/a/b\n2:cpu,cpuacct:/\n0::/user.slice\n"
	for _, c := range []struct{ controller, mounts, mine, own, top string }{
		{"", hybrid, mine, "/c/unified/user.slice", "/c/unified"},
		{"memory", hybrid, mine, "/c/memory/a/b", "/c/memory"},
		{"cpu", hybrid, mine, "/c/cpu,cpuacct", "/c/cpu,cpuacct"},
		{"memory", "cgroup2 /sys/fs/cgroup cgroup2 rw,nsdelegate 0 0\n", "0::/\n", "", ""},
		{"", "cgroup2 /sys/fs/cgroup cgroup2 rw,nsdelegate 0 0\n", "0::/\n", "/sys/fs/cgroup", "/sys/fs/cgroup"},
		{"", "", mine, "", ""},
	} {
		if own, top := find(c.controller, c.mine, c.mounts); own != c.own || top != c.top {
			t.Errorf("%q: %s below %s, want %s below %s", c.controller, own, top, c.own, c.top)
		}
	}
}

func TestMounts(t *testing.T) {
	const text = "tmpfs /c tmpfs rw 0 0\ncgroup /c/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0\nproc /proc proc rw 0 0\ncgroup2 /c/unified cgroup2 rw 0 0\nx\n"
	if got, want := mounts(text), []string{"/c/cpu,cpuacct", "/c/unified"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestSettings(t *testing.T) {
	for _, c := range []struct {
		what      string
		got, want []Setting
	}{
		{"memory 1", Memory(1, 200, 0), []Setting{{"memory.limit_in_bytes", "209715200"}}},
		{"memory 2", Memory(2, 200, 100), []Setting{{"memory.max", "209715200"}, {"memory.low", "104857600"}}},
		{"soft 1", Memory(1, 0, 100), []Setting{{"memory.soft_limit_in_bytes", "104857600"}}},
		{"no memory", Memory(2, 0, 0), nil},
		{"share 1", Share(1, 512), []Setting{{"cpu.shares", "512"}}},
		{"least share", Share(1, 1), []Setting{{"cpu.shares", "2"}}},
		{"share 2", Share(2, 1024), []Setting{{"cpu.weight", "39"}}},
		{"least weight", Share(2, 2), []Setting{{"cpu.weight", "1"}}},
		{"most weight", Share(2, 1<<20), []Setting{{"cpu.weight", "10000"}}},
		{"no share", Share(1, 0), nil},
		{"a quarter of a core", Quota(1, 256), []Setting{{"cpu.cfs_period_us", "100000"}, {"cpu.cfs_quota_us", "25000"}}},
		{"two cores", Quota(2, 2048), []Setting{{"cpu.max", "200000 100000"}}},
		{"rounded down", Quota(2, 100), []Setting{{"cpu.max", "9765 100000"}}},
		{"least quota", Quota(2, 10), []Setting{{"cpu.max", "1000 100000"}}},
		{"192 cores", Quota(2, 196608), []Setting{{"cpu.max", "19200000 100000"}}},
		{"no quota", Quota(1, 0), nil},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%s: %v, want %v", c.what, c.got, c.want)
		}
	}
}

func TestSet(t *testing.T) {
	dir := t.TempDir()
	if err := Set(dir, Quota(2, 512)); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "cpu.max")); err != nil || string(b) != "50000 100000" {
		t.Errorf("%q, %v", b, err)
	}
	if err := Set(filepath.Join(dir, "none"), Quota(2, 512)); err == nil {
		t.Error("a group that is not there was bounded")
	}
}
