package ecs

import (
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/internal/ecs"
)

var networkModes = map[types.NetworkMode]ecs.NetworkMode{
	"":                      ecs.NetworkBridge,
	types.NetworkModeBridge: ecs.NetworkBridge,
	types.NetworkModeHost:   ecs.NetworkHost,
	types.NetworkModeAwsvpc: ecs.NetworkAwsvpc,
	types.NetworkModeNone:   ecs.NetworkNone,
}

// checkNetworkMode refuses what containers can not have in the network mode of their task (API_ContainerDefinition). The texts are
// those of real accounts, seen for awsvpc (aws-observability/aws-otel-collector#1359, labd/ecs-deplojo#26, marqo-ai/marqo#230,
// cdk-preflight's pf-ecs-fargate-disable-networking); those on search domains and on other modes are made after them.
func checkNetworkMode(c *types.ContainerDefinition, d *ecs.TaskDefinition, _ *ecs.ContainerDefinition) error {
	mode := d.NetworkMode
	if len(c.Links) > 0 && mode != ecs.NetworkBridge {
		return refusef("Links are not supported when networkMode=%s.", mode)
	}
	if len(c.PortMappings) > 0 && mode == ecs.NetworkNone {
		return refusef("Port mappings are not supported when networkMode=%s.", mode)
	}
	if mode != ecs.NetworkAwsvpc {
		return nil
	}
	switch {
	case value(c.Hostname) != "":
		return refusef("hostname is not supported on container when networkMode=awsvpc.")
	case len(c.ExtraHosts) > 0:
		return refusef("Extra hosts are not supported on container when networkMode=awsvpc.")
	case len(c.DnsServers) > 0:
		return refusef("DNS servers are not supported on container when networkMode=awsvpc.")
	case len(c.DnsSearchDomains) > 0:
		return refusef("DNS search domains are not supported on container when networkMode=awsvpc.")
	case value(c.DisableNetworking):
		return refusef("Disable Networking is not supported on container when networkMode=awsvpc.")
	}
	return nil
}
