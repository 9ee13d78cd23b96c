package driver

import (
	"context"
	"net/netip"
)

// Bridge is what a driver can do in addition that gives containers a network apart from the host's: say how the two reach each other.
type Bridge interface {
	// Gateway is the address of the host that containers in the network modes bridge and awsvpc reach.
	Gateway(ctx context.Context) (netip.Addr, error)
	// Address is that of a running container in network mode bridge.
	Address(ctx context.Context, key Key) (netip.Addr, error)
}
