package keeper

import "testing"

func TestFindCgroup(t *testing.T) {
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
		if own, top := findCgroup(c.controller, c.mine, c.mounts); own != c.own || top != c.top {
			t.Errorf("%q: %s below %s, want %s below %s", c.controller, own, top, c.own, c.top)
		}
	}
}
