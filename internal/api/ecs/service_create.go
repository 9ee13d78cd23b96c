package ecs

import (
	"context"
	"crypto/sha256"

	awsecs "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/internal/arn"
	"ballast/internal/control"
	"ballast/internal/ecs"
	"ballast/internal/wire"
)

// The healthy-percent window (API_DeploymentConfiguration).
const (
	defaultMinimumHealthyPercent = 100
	defaultMaximumPercent        = 200
	// mostMaximumPercent is far above anything sensible and keeps the arithmetic small.
	mostMaximumPercent = 10_000
)

// maxDesired is the most tasks that a service can have (Amazon ECS service quotas).
const maxDesired = 5000

// serviceToken is the longest client token of CreateService (API_CreateService).
const serviceToken = 36

// CreateService makes a service and its first deployment.
func (a *API) CreateService(ctx context.Context, in *awsecs.CreateServiceInput) (*awsecs.CreateServiceOutput, error) {
	name := value(in.ServiceName)
	switch {
	case name == "":
		return nil, ecs.Errorf(ecs.InvalidParameterException, "ServiceName can not be blank.")
	case !arn.ValidName(name):
		return nil, ecs.Errorf(ecs.InvalidParameterException, "serviceName must match %s and have at most %d characters", arn.Pattern, arn.MaxName)
	case in.DesiredCount == nil:
		return nil, ecs.Errorf(ecs.InvalidParameterException, "desiredCount is required when schedulingStrategy is REPLICA.")
	case !arn.ValidToken(value(in.ClientToken), serviceToken):
		return nil, ecs.Errorf(ecs.InvalidParameterException, "clientToken can have at most %d ASCII characters.", serviceToken)
	}
	service, err := a.newService(in)
	if err != nil {
		return nil, err
	}
	service.CreatedBy = caller(ctx)
	digest, err := digestOf(value(in.ClientToken), in)
	if err != nil {
		return nil, err
	}
	made, err := submit[*ecs.Service](ctx, a, control.CreateService{Service: service, Token: value(in.ClientToken), Digest: digest})
	if err != nil {
		return nil, err
	}
	shown := a.showService(made)
	if len(made.Tags) > 0 {
		shown.Tags = showTags(made.Tags)
	}
	return &awsecs.CreateServiceOutput{Service: &shown}, nil
}

// newService gives the service that a request describes.
func (a *API) newService(in *awsecs.CreateServiceInput) (ecs.Service, error) {
	state := a.control.Root()
	cluster, err := a.cluster(state, in.Cluster)
	if err != nil {
		return ecs.Service{}, err
	}
	window, err := windowOf(in.DeploymentConfiguration)
	if err != nil {
		return ecs.Service{}, err
	}
	window = window.or(defaultMinimumHealthyPercent, defaultMaximumPercent)
	if err := checkWindow(*window.minimum, *window.maximum); err != nil {
		return ecs.Service{}, err
	}
	if err := checkDesired(*in.DesiredCount); err != nil {
		return ecs.Service{}, err
	}
	tags, err := tagsOf(in.Tags, ecs.InvalidParameterException)
	if err != nil {
		return ecs.Service{}, err
	}
	if err := a.tags(tags); err != nil {
		return ecs.Service{}, err
	}
	definition, err := a.usable(state, in.TaskDefinition, ecs.ClientException)
	if err != nil {
		return ecs.Service{}, err
	}
	network, err := networkFor(in.NetworkConfiguration, definition.NetworkMode)
	if err != nil {
		return ecs.Service{}, err
	}
	breaker, err := breakerOf(in.DeploymentConfiguration)
	if err != nil {
		return ecs.Service{}, err
	}
	grace, err := graceOf(in.HealthCheckGracePeriodSeconds)
	if err != nil {
		return ecs.Service{}, err
	}
	made := ecs.Service{
		Cluster:               cluster.Name,
		Name:                  *in.ServiceName,
		Desired:               int(*in.DesiredCount),
		Definition:            definition,
		Family:                definition.Family,
		Revision:              definition.Revision,
		MinimumHealthyPercent: *window.minimum,
		MaximumPercent:        *window.maximum,
		EnableECSManagedTags:  in.EnableECSManagedTags,
		PropagateTags:         propagation(in.PropagateTags),
		Tags:                  tags,
		Network:               network,
	}
	if breaker != nil {
		made.Breaker = *breaker
	}
	if grace != nil {
		made.GracePeriod = *grace
	}
	if made.LoadBalancers, err = a.balancersOf(in.LoadBalancers, definition); err != nil {
		return made, err
	}
	if made.Registries, err = a.registriesOf(in.ServiceRegistries); err != nil {
		return made, err
	}
	return made, a.detection(in.DeploymentConfiguration, &made)
}

// detection gives a service the early success criteria and the alarms of a deployment configuration.
func (a *API) detection(c *types.DeploymentConfiguration, made *ecs.Service) (err error) {
	if made.Early, err = earlyOf(c); err != nil {
		return err
	}
	if made.Alarms, err = a.alarmsOf(c); err != nil {
		return err
	}
	return made.CheckEarly()
}

// window is the healthy-percent window as far as it was given.
type window struct{ minimum, maximum *int }

func windowOf(c *types.DeploymentConfiguration) (window, error) {
	var w window
	if c == nil {
		return w, nil
	}
	if c.MinimumHealthyPercent != nil {
		w.minimum = new(int(*c.MinimumHealthyPercent))
		if *w.minimum < 0 || *w.minimum > 100 {
			return w, ecs.Errorf(ecs.InvalidParameterException, "minimumHealthyPercent must be between 0 and 100.")
		}
	}
	if c.MaximumPercent != nil {
		w.maximum = new(int(*c.MaximumPercent))
		if *w.maximum < 100 || *w.maximum > mostMaximumPercent {
			return w, ecs.Errorf(ecs.InvalidParameterException, "maximumPercent must be between 100 and %d.", mostMaximumPercent)
		}
	}
	return w, nil
}

// or fills in what was not given.
func (w window) or(minimum, maximum int) window {
	if w.minimum == nil {
		w.minimum = &minimum
	}
	if w.maximum == nil {
		w.maximum = &maximum
	}
	return w
}

// checkWindow refuses the one combination that ECS refuses, in its words.
func checkWindow(minimum, maximum int) error {
	if minimum == 100 && maximum == 100 {
		return ecs.Errorf(ecs.InvalidParameterException, "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments")
	}
	return nil
}

func checkDesired(n int32) error {
	if n < 0 || n > maxDesired {
		return ecs.Errorf(ecs.InvalidParameterException, "desiredCount must be between 0 and %d.", maxDesired)
	}
	return nil
}

var propagations = map[types.PropagateTags]uint8{
	types.PropagateTagsNone:           ecs.PropagateNone,
	types.PropagateTagsTaskDefinition: ecs.PropagateTaskDefinition,
	types.PropagateTagsService:        ecs.PropagateService,
}

func propagation(p types.PropagateTags) uint8 { return propagations[p] }

// digestOf tells a repetition with the same client token from another request: it is over the request as sent, in the one
// form that the encoder gives it. Without a token there is nothing to tell apart.
func digestOf(token string, in any) (digest [16]byte, err error) {
	if token == "" {
		return digest, nil
	}
	form, err := wire.AppendJSON(nil, in)
	if err != nil {
		return digest, err
	}
	sum := sha256.Sum256(form)
	copy(digest[:], sum[:])
	return digest, nil
}
