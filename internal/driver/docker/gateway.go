package docker

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/moby/moby/client"

	"ballast/internal/driver"
)

var _ driver.Bridge = (*Driver)(nil)

// bridgeNetwork is the engine's own network, which containers in network mode bridge are in.
const bridgeNetwork = "bridge"

// Gateway is the engine's address in its bridge network.
func (d *Driver) Gateway(ctx context.Context) (netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, inspectFor)
	defer cancel()
	found, err := d.engine.NetworkInspect(ctx, bridgeNetwork, client.NetworkInspectOptions{})
	if err != nil {
		return netip.Addr{}, fmt.Errorf("inspect the network %s: %w", bridgeNetwork, err)
	}
	for _, part := range found.Network.IPAM.Config {
		if part.Gateway.Is4() {
			return part.Gateway, nil
		}
	}
	return netip.Addr{}, fmt.Errorf("the network %s has no IPv4 gateway", bridgeNetwork)
}

// Address is the one that a container has in that network.
func (d *Driver) Address(ctx context.Context, key driver.Key) (netip.Addr, error) {
	c, err := d.known(ctx, key)
	if err != nil {
		return netip.Addr{}, err
	}
	if c.NetworkSettings != nil {
		if at := c.NetworkSettings.Networks[bridgeNetwork]; at != nil && at.IPAddress.IsValid() {
			return at.IPAddress, nil
		}
	}
	return netip.Addr{}, fmt.Errorf("container %v has no address in the network %s", key, bridgeNetwork)
}
