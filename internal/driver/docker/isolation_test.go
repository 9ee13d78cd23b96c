package docker

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/moby/moby/api/types/container"

	"ballast/internal/driver"
	"ballast/internal/driver/drivertest"
	"ballast/internal/ecs"
)

func ptr[T any](v T) *T { return &v }

var (
	testCfg = Config{BindIP: "127.0.0.1", Instance: ecs.ID{9}}
	testKey = driver.Key{Task: ecs.ID{1}, Container: "app"}
)

// made gives what becomes of a container, which all tests of specs begin with.
func made(t *testing.T, spec driver.Spec, at place) (*container.Config, *container.HostConfig) {
	t.Helper()
	spec.Image = "web"
	got, err := createOptions(testCfg, testKey, spec, at)
	if err != nil {
		t.Fatal(err)
	}
	return got.Config, got.HostConfig
}

// TestIsolation sets one field after the other and compares what it changes.
func TestIsolation(t *testing.T) {
	links := baseName(testCfg.Instance, driver.Key{Task: testKey.Task, Container: "db"}, nil)
	for name, c := range map[string]struct {
		isolation ecs.Isolation
		config    func(*container.Config)
		host      func(*container.HostConfig)
	}{
		"user":        {isolation: ecs.Isolation{User: "7:8"}, config: func(c *container.Config) { c.User = "7:8" }},
		"hostname":    {isolation: ecs.Isolation{Hostname: "web"}, config: func(c *container.Config) { c.Hostname = "web" }},
		"privileged":  {isolation: ecs.Isolation{Privileged: true}, host: func(h *container.HostConfig) { h.Privileged = true }},
		"read-only":   {isolation: ecs.Isolation{ReadonlyRoot: true}, host: func(h *container.HostConfig) { h.ReadonlyRootfs = true }},
		"interactive": {isolation: ecs.Isolation{Interactive: true}, config: func(c *container.Config) { c.OpenStdin = true }},
		"terminal":    {isolation: ecs.Isolation{PseudoTerminal: true}, config: func(c *container.Config) { c.Tty = true }},
		"no network": {isolation: ecs.Isolation{DisableNetwork: true}, config: func(c *container.Config) { c.NetworkDisabled = true },
			host: func(h *container.HostConfig) { h.NetworkMode = "none" }},
		"init":          {isolation: ecs.Isolation{Init: true}, host: func(h *container.HostConfig) { h.Init = ptr(true) }},
		"shared memory": {isolation: ecs.Isolation{SharedMemory: 32}, host: func(h *container.HostConfig) { h.ShmSize = 32 << 20 }},
		"no swap":       {isolation: ecs.Isolation{MaxSwap: ptr(0)}, host: func(h *container.HostConfig) { h.MemorySwap = 64 << 20 }},
		"swap": {isolation: ecs.Isolation{MaxSwap: ptr(16), Swappiness: ptr(30)},
			host: func(h *container.HostConfig) { h.MemorySwap, h.MemorySwappiness = 80<<20, ptr(int64(30)) }},
		"swappiness alone": {isolation: ecs.Isolation{Swappiness: ptr(30)}},
		"links": {isolation: ecs.Isolation{Links: []string{"db", "db:store"}},
			host: func(h *container.HostConfig) { h.Links = []string{links + ":db", links + ":store"} }},
		"dns": {isolation: ecs.Isolation{DNSServers: []string{"10.0.0.2"}, DNSSearch: []string{"example.org"}},
			host: func(h *container.HostConfig) {
				h.DNS, h.DNSSearch = []netip.Addr{netip.MustParseAddr("10.0.0.2")}, []string{"example.org"}
			}},
		"security options": {isolation: ecs.Isolation{SecurityOptions: []string{"no-new-privileges"}},
			host: func(h *container.HostConfig) { h.SecurityOpt = []string{"no-new-privileges"} }},
		"capabilities": {isolation: ecs.Isolation{CapAdd: []string{"SYS_PTRACE"}, CapDrop: []string{"ALL"}},
			host: func(h *container.HostConfig) { h.CapAdd, h.CapDrop = []string{"SYS_PTRACE"}, []string{"ALL"} }},
		"hosts": {isolation: ecs.Isolation{Hosts: []ecs.Variable{{Name: "db", Value: "10.0.0.3"}}},
			host: func(h *container.HostConfig) { h.ExtraHosts = []string{"db:10.0.0.3"} }},
		"kernel parameters": {isolation: ecs.Isolation{Sysctls: []ecs.Variable{{Name: "net.core.somaxconn", Value: "99"}}},
			host: func(h *container.HostConfig) { h.Sysctls = map[string]string{"net.core.somaxconn": "99"} }},
		"limits": {isolation: ecs.Isolation{Ulimits: []ecs.Ulimit{{Name: "nofile", Soft: 5, Hard: 6}}},
			host: func(h *container.HostConfig) { h.Ulimits = []*container.Ulimit{{Name: "nofile", Soft: 5, Hard: 6}} }},
		"devices": {isolation: ecs.Isolation{Devices: []ecs.Device{{HostPath: "/dev/fuse"}, {HostPath: "/dev/a", ContainerPath: "/dev/b", Permissions: "r"}}},
			host: func(h *container.HostConfig) {
				h.Devices = []container.DeviceMapping{{PathOnHost: "/dev/fuse", PathInContainer: "/dev/fuse", CgroupPermissions: "rwm"},
					{PathOnHost: "/dev/a", PathInContainer: "/dev/b", CgroupPermissions: "r"}}
			}},
		"tmpfs": {isolation: ecs.Isolation{Tmpfs: []ecs.Tmpfs{{ContainerPath: "/run", Size: 4, Options: []string{"noexec", "mode=700"}}}},
			host: func(h *container.HostConfig) { h.Tmpfs = map[string]string{"/run": "size=4m,noexec,mode=700"} }},
	} {
		t.Run(name, func(t *testing.T) {
			wantConfig, wantHost := made(t, driver.Spec{Memory: 64}, place{})
			config, host := made(t, driver.Spec{Memory: 64, Isolation: &c.isolation}, place{})
			if c.config != nil {
				c.config(wantConfig)
			}
			if c.host != nil {
				c.host(wantHost)
			}
			if diff := cmp.Diff(wantConfig, config); diff != "" {
				t.Errorf("the config differs (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(wantHost, host, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
				t.Errorf("the host config differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLabels(t *testing.T) {
	spec := driver.Spec{Labels: map[string]string{"com.amazonaws.ecs.cluster": "c"}, Isolation: &ecs.Isolation{Labels: []ecs.Variable{
		{Name: "mine", Value: "1"}, {Name: "com.amazonaws.ecs.cluster", Value: "other"}, {Name: labelTask, Value: "other"}, {Name: labelPause, Value: "true"}}}}
	config, _ := made(t, spec, place{})
	if k, ok := keyOf(config.Labels, ""); !ok || k != testKey {
		t.Errorf("the labels name %v", k)
	}
	if got := config.Labels; got["mine"] != "1" || got["com.amazonaws.ecs.cluster"] != "c" || got[labelPause] != "" {
		t.Errorf("got %v", got)
	}
}

func TestRefused(t *testing.T) {
	for text, spec := range map[string]driver.Spec{
		"no image":              {},
		"maxSwap":               {Image: "web", Isolation: &ecs.Isolation{MaxSwap: ptr(0)}},
		"dnsServers":            {Image: "web", Isolation: &ecs.Isolation{DNSServers: []string{"here"}}},
		"links":                 {Image: "web", NetworkMode: ecs.NetworkHost, Isolation: &ecs.Isolation{Links: []string{"db"}}},
		"pidMode":               {Image: "web", PIDMode: ecs.SharingNone},
		"host.sourcePath":       {Image: "web", Volumes: []ecs.Volume{{Name: "v", HostPath: "data"}}, Mounts: []ecs.MountPoint{{Volume: "v", ContainerPath: "/v"}}},
		"has no volume \"w\"":   {Image: "web", Mounts: []ecs.MountPoint{{Volume: "w", ContainerPath: "/v"}}},
		"a path has a colon":    {Image: "web", Volumes: []ecs.Volume{{Name: "v"}}, Mounts: []ecs.MountPoint{{Volume: "v", ContainerPath: "/a:b"}}},
		"container port 0":      {Image: "web", Ports: []ecs.PortMapping{{}}},
		"networkMode: the dock": {Image: "web", NetworkMode: 99},
	} {
		var e *driver.Error
		if _, err := createOptions(testCfg, testKey, spec, place{}); !errors.As(err, &e) || e.Name != driver.CannotCreateContainerError || !strings.Contains(e.Text, text) {
			t.Errorf("got %v, want %q", err, text)
		}
	}
}

func TestDropped(t *testing.T) {
	limit, swappiness := "Your kernel does not support swap limit capabilities or the cgroup is not mounted.", "Your kernel does not support memory swappiness capabilities"
	for _, c := range []struct {
		warnings  []string
		isolation *ecs.Isolation
		want      string
	}{
		{[]string{limit}, nil, ""},
		{[]string{limit}, &ecs.Isolation{}, ""},
		{[]string{"other", limit}, &ecs.Isolation{MaxSwap: ptr(1)}, "linuxParameters.maxSwap: "},
		{[]string{swappiness}, &ecs.Isolation{MaxSwap: ptr(1)}, ""},
		{[]string{swappiness}, &ecs.Isolation{MaxSwap: ptr(1), Swappiness: ptr(1)}, "linuxParameters.swappiness: "},
	} {
		if got := dropped(c.warnings, c.isolation); !strings.HasPrefix(got, c.want) || (got == "") != (c.want == "") {
			t.Errorf("%q with %+v: got %q, want %q", c.warnings, c.isolation, got, c.want)
		}
	}
}

// begin creates and starts a container and waits until it is in place.
func begin(t *testing.T, d *Driver, key driver.Key, spec driver.Spec) driver.Started {
	t.Helper()
	if err := d.Create(t.Context(), key, spec); err != nil {
		t.Fatal(err)
	}
	started, err := d.Start(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	return started
}

// said waits for the line "ready" or the end of a container, and gives what it wrote to its standard output.
func said(t *testing.T, d *Driver, key driver.Key) []string {
	t.Helper()
	var lines []string
	drivertest.Wait(t, key.String()+" has said what it has to say", func() bool {
		got, _, err := d.Logs(t.Context(), key.Task, key.Container, 0, driver.LogLimit{Lines: 1000})
		if err != nil {
			t.Fatal(err)
		}
		lines = nil
		for _, l := range got {
			lines = append(lines, l.Text)
		}
		c, err := d.find(t.Context(), key)
		return slices.Contains(lines, "ready") || err == nil && c != nil && observe(*c).State == driver.Exited && len(got) > 0
	})
	return lines
}

func wantLines(t *testing.T, lines []string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !slices.ContainsFunc(lines, func(l string) bool { return strings.Contains(l, part) }) {
			t.Errorf("no line has %q in it:\n%s", part, strings.Join(lines, "\n"))
		}
	}
}

// TestIsolationInEngine looks from within at what an engine makes of it.
func TestIsolationInEngine(t *testing.T) {
	d := open(t)
	spec := app("facts", "/proc/self/status:CapEff", "/proc/self/limits:Max open files", "/proc/mounts:tmpfs /run", "/proc/mounts:shm",
		"/proc/sys/net/core/somaxconn", "/etc/hosts:10.9.8.7", "/etc/resolv.conf", "/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes")
	spec.NetworkMode, spec.Memory = ecs.NetworkBridge, 64
	spec.Isolation = &ecs.Isolation{User: "7:8", Hostname: "there", ReadonlyRoot: true, Init: true, SharedMemory: 3,
		CapAdd: []string{"SYS_PTRACE"}, CapDrop: []string{"ALL"}, Ulimits: []ecs.Ulimit{{Name: "nofile", Soft: 77, Hard: 78}},
		Tmpfs: []ecs.Tmpfs{{ContainerPath: "/run", Size: 4}}, Sysctls: []ecs.Variable{{Name: "net.core.somaxconn", Value: "99"}},
		Hosts: []ecs.Variable{{Name: "elsewhere", Value: "10.9.8.7"}}, DNSServers: []string{"10.9.8.6"}, DNSSearch: []string{"example.org"},
		Devices: []ecs.Device{{HostPath: "/dev/null", ContainerPath: "/dev/nothing"}}, Labels: []ecs.Variable{{Name: "mine", Value: "1"}}}
	key := driver.Key{Task: ecs.ID{1}, Container: "app"}
	begin(t, d, key, spec)
	wantLines(t, said(t, d, key), "uid 7 gid 8", "host there", "CapEff: 0000000000000000", "Max open files 77 78", "size=4096k", "size=3072k",
		"somaxconn 99", "10.9.8.7 elsewhere", "nameserver 10.9.8.6", "search example.org", "read-only file system", "pid ")
	c, err := d.find(t.Context(), key)
	if err != nil || c.Config.Labels["mine"] != "1" || len(c.HostConfig.Devices) != 1 {
		t.Errorf("got %+v, %v", c, err)
	}

	off := app("facts")
	off.NetworkMode, off.Isolation = ecs.NetworkBridge, &ecs.Isolation{DisableNetwork: true}
	key.Container = "off"
	begin(t, d, key, off)
	if lines := said(t, d, key); slices.ContainsFunc(lines, func(l string) bool { return strings.Contains(l, "interface eth") }) {
		t.Errorf("a container without a network has one: %v", lines)
	}
}

// TestLinks reaches another container of the task by its name.
func TestLinks(t *testing.T) {
	d := open(t)
	db, web := driver.Key{Task: ecs.ID{1}, Container: "db"}, driver.Key{Task: ecs.ID{1}, Container: "web"}
	spec := app("listen", "tcp/5432")
	spec.NetworkMode = ecs.NetworkBridge
	begin(t, d, db, spec)
	said(t, d, db)
	spec = app("dial", "store:5432")
	spec.NetworkMode, spec.Isolation = ecs.NetworkBridge, &ecs.Isolation{Links: []string{"db:store"}}
	begin(t, d, web, spec)
	wantLines(t, said(t, d, web), "hello")
	if all, err := d.List(t.Context()); err != nil || len(all) != 2 {
		t.Errorf("list has %+v, %v", all, err)
	}
}

// TestOutOfMemory has the kernel end a container that takes more than it may.
func TestOutOfMemory(t *testing.T) {
	d := open(t)
	key := driver.Key{Task: ecs.ID{1}, Container: "app"}
	spec := app("eat")
	spec.Memory, spec.Isolation = 16, &ecs.Isolation{MaxSwap: ptr(0)}
	begin(t, d, key, spec)
	var o driver.Observation
	drivertest.Wait(t, "the container has ended", func() bool {
		c, err := d.find(t.Context(), key)
		if err == nil && c != nil {
			o = observe(*c)
		}
		return o.State == driver.Exited
	})
	if *o.Exit.Code != 137 || o.Exit.Reason != outOfMemory {
		t.Errorf("ended with code %d, reason %q", *o.Exit.Code, o.Exit.Reason)
	}
}
