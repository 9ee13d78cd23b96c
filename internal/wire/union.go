package wire

import (
	"reflect"

	"github.com/aws/aws-sdk-go-v2/service/ecs/document"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// unions lists, for each union of the ECS API, the structs that are its members: Go cannot enumerate what implements an
// interface. A test walks every ECS input and output and fails when the SDK has a union, or a member, that is not here.
var unions = map[reflect.Type][]reflect.Type{
	reflect.TypeFor[types.DescribeGatewayConfiguration](): {
		reflect.TypeFor[types.DescribeGatewayConfigurationMemberHostSharedAlb](),
	},
	reflect.TypeFor[types.GatewayConfiguration](): {
		reflect.TypeFor[types.GatewayConfigurationMemberHostSharedAlb](),
	},
	reflect.TypeFor[types.GatewayConnectionResources](): {
		reflect.TypeFor[types.GatewayConnectionResourcesMemberHostSharedAlb](),
	},
	reflect.TypeFor[types.GatewayElbAccessLogDestination](): {
		reflect.TypeFor[types.GatewayElbAccessLogDestinationMemberS3](),
	},
	reflect.TypeFor[types.GatewayInfrastructureResources](): {
		reflect.TypeFor[types.GatewayInfrastructureResourcesMemberHostSharedAlb](),
	},
	reflect.TypeFor[types.GatewayRouteResources](): {
		reflect.TypeFor[types.GatewayRouteResourcesMemberHostSharedAlb](),
	},
	reflect.TypeFor[types.ServiceConnectContainerConfiguration](): {
		reflect.TypeFor[types.ServiceConnectContainerConfigurationMemberLogLevel](),
	},
	reflect.TypeFor[types.SharingStrategy](): {
		reflect.TypeFor[types.SharingStrategyMemberNvidiaMps](),
	},
	reflect.TypeFor[types.UpdateGatewayConfiguration](): {
		reflect.TypeFor[types.UpdateGatewayConfigurationMemberHostSharedAlb](),
	},
}

// documentType is the open content of the ECS API: any JSON value.
var documentType = reflect.TypeFor[document.Interface]()

// newDocument wraps a value made of nil, bool, string, document numbers, []any and map[string]any.
func newDocument(v any) document.Interface { return document.NewLazyDocument(v) }
