package process

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
)

// ecsRange is where ECS takes dynamic host ports from where the system does not say better (API_PortMapping, read 2026-11-21: "the default
// ephemeral port range from 49153 through 65535"). Decision 0025 has why the system is not asked for them here.
var ecsRange = portRange{49153, maxPort}

// enoughPorts is how many dynamic ports are worth to stay out of the system's way for.
const enoughPorts = 1000

// dynamicRange is ECS's range without the ports that the system gives to connections that go out, as text of /proc/sys says, for such a
// connection may have a port before the container it was given to binds it. Where too little is left, or text says nothing, it is
// the whole of ECS's range.
func dynamicRange(text string) portRange {
	var first, last int
	if _, err := fmt.Sscan(text, &first, &last); err != nil {
		return ecsRange
	}
	above := portRange{max(ecsRange.first, last+1), ecsRange.last}
	below := portRange{ecsRange.first, min(ecsRange.last, first-1)}
	for _, r := range []portRange{above, below} {
		if r.size() >= enoughPorts {
			return r
		}
	}
	return ecsRange
}

// hostRange is dynamicRange for this machine.
func hostRange() portRange {
	text, _ := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range") // what is not Linux has none
	return dynamicRange(string(text))
}

// claim binds an endpoint of this machine and lets it go again, and holds its name.
func claim(e endpoint) (io.Closer, error) {
	hold, err := holdName(e)
	if err != nil {
		return nil, err
	}
	if err := bind(e); err != nil {
		hold.Close()
		return nil, err
	}
	return hold, nil
}

func bind(e endpoint) error {
	var config net.ListenConfig
	var bound io.Closer
	var err error
	if e.udp {
		bound, err = config.ListenPacket(context.Background(), "udp", e.address())
	} else {
		bound, err = config.Listen(context.Background(), "tcp", e.address())
	}
	if err != nil {
		return err
	}
	return bound.Close()
}

// holdName takes the name of an endpoint among the sockets that have no file: one for all drivers on a machine, and gone with the
// process. Only Linux has such names; elsewhere two drivers may try the same port at the same moment.
func holdName(e endpoint) (io.Closer, error) {
	if runtime.GOOS != "linux" {
		return io.NopCloser(strings.NewReader("")), nil
	}
	hold, err := net.ListenUnix("unix", &net.UnixAddr{Name: "@ballast/" + e.network() + "/" + e.address(), Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("listen %s %s: bind: address already in use (by a container of another ballast)", e.network(), e.address())
	}
	return hold, nil
}
