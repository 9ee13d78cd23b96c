package docker

import (
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

func TestPortList(t *testing.T) {
	mappings := []ecs.PortMapping{{ContainerPort: 80}, {ContainerPort: 53, UDP: true}, {ContainerPort: 8000, LastPort: 8010}}
	text := portList(mappings)
	if want := "80/tcp 53/udp 8000-8010/tcp"; text != want {
		t.Errorf("got %q, want %q", text, want)
	}
	var want []ports
	for _, m := range mappings {
		want = append(want, portsOf(m))
	}
	if diff := cmp.Diff(want, parsePorts(text+" nonsense 1-x/tcp"), cmp.AllowUnexported(ports{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	b := want[2].binding("127.0.0.1", 9000)
	if want := (ecs.Binding{BindIP: "127.0.0.1", ContainerPort: 8000, LastContainerPort: 8010, HostPort: 9000, LastHostPort: 9010}); b != want {
		t.Errorf("got %+v, want %+v", b, want)
	}
}

func TestBindRanges(t *testing.T) {
	_, host := made(t, driver.Spec{Ports: []ecs.PortMapping{{ContainerPort: 7000, LastPort: 7001, HostPort: 17000}, {ContainerPort: 80}, {ContainerPort: 8000, LastPort: 8002}}},
		place{ports: []uint16{20000}})
	got := map[string]string{}
	for port, bindings := range host.PortBindings {
		got[port.String()] = bindings[0].HostPort
	}
	want := map[string]string{"7000/tcp": "17000", "7001/tcp": "17001", "80/tcp": "", "8000/tcp": "20000", "8001/tcp": "20001", "8002/tcp": "20002"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParsePortRange(t *testing.T) {
	for text, want := range map[string]portRange{"32768\t60999\n": {32768, 60999}, "": defaultPortRange, "9 8": defaultPortRange, "0 8": defaultPortRange} {
		if got := parsePortRange(text); got != want {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
}

// TestChoose compares the choice with the obvious search.
func TestChoose(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := portRange{100, 100 + uint16(rapid.IntRange(0, 30).Draw(t, "size"))}
		count := rapid.IntRange(1, 8).Draw(t, "count")
		taken := rapid.MapOf(rapid.Uint16Range(100, 130), rapid.Just(true)).Draw(t, "taken")
		free := func(p uint16) bool { return !taken[p] }
		room := func(from int) bool {
			for i := range count {
				if p := from + i; p > int(r.last) || taken[uint16(p)] {
					return false
				}
			}
			return true
		}
		some := false
		for from := int(r.first); from <= int(r.last); from++ {
			some = some || room(from)
		}
		from, ok := r.choose(count, rapid.Uint64().Draw(t, "seed"), free)
		if ok != some || ok && (from < r.first || !room(int(from))) {
			t.Fatalf("chose %d, %t; there is room: %t", from, ok, some)
		}
	})
}

// TestRanges reaches each port of a range, for which the driver has chosen host ports.
func TestRanges(t *testing.T) {
	d := open(t)
	for n := range 2 {
		key := driver.Key{Task: ecs.ID{byte(n)}, Container: "app"}
		spec := app("listen", "tcp/7000", "tcp/7001", "tcp/80")
		spec.NetworkMode, spec.Ports = ecs.NetworkBridge, []ecs.PortMapping{{ContainerPort: 7000, LastPort: 7001}, {ContainerPort: 80}}
		started := begin(t, d, key, spec)
		said(t, d, key)
		if len(started.Bindings) != 2 || started.Bindings[0].LastContainerPort != 7001 || started.Bindings[0].LastHostPort != started.Bindings[0].HostPort+1 {
			t.Fatalf("got bindings %+v", started.Bindings)
		}
		for _, port := range []uint16{started.Bindings[0].HostPort, started.Bindings[0].LastHostPort, started.Bindings[1].HostPort} {
			c, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", port), 5*time.Second)
			if err != nil {
				t.Errorf("%v", err)
				continue
			}
			c.Close()
		}
	}
}
