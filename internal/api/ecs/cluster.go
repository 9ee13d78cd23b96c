package ecs

import (
	"context"
	"slices"
	"strconv"

	awsecs "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/internal/arn"
	"ballast/internal/control"
	"ballast/internal/control/root"
	"ballast/internal/ecs"
)

// CreateCluster makes a cluster, or shows the one of that name that exists.
func (a *API) CreateCluster(ctx context.Context, in *awsecs.CreateClusterInput) (*awsecs.CreateClusterOutput, error) {
	name := value(in.ClusterName)
	if name == "" {
		name = arn.DefaultCluster
	}
	if !arn.ValidName(name) {
		return nil, ecs.Errorf(ecs.InvalidParameterException, "clusterName must match %s and have at most %d characters", arn.Pattern, arn.MaxName)
	}
	tags, err := tagsOf(in.Tags, ecs.InvalidParameterException)
	if err != nil {
		return nil, err
	}
	if err := a.tags(tags); err != nil {
		return nil, err
	}
	settings, err := settingsOf(in.Settings)
	if err != nil {
		return nil, err
	}
	c, err := submit[*ecs.Cluster](ctx, a, control.CreateCluster{Name: name, Tags: tags, Settings: settings})
	if err != nil {
		return nil, err
	}
	shown := a.showCluster(c)
	shown.Settings, shown.Tags = showSettings(c), showTags(c.Tags)
	return &awsecs.CreateClusterOutput{Cluster: &shown}, nil
}

// insights are the values of the setting containerInsights (API_ClusterSetting).
var insights = []string{"enabled", "enhanced", "disabled"}

func settingsOf(in []types.ClusterSetting) ([]ecs.Setting, error) {
	var out []ecs.Setting
	for _, s := range in {
		if s.Name == "" {
			return nil, ecs.Errorf(ecs.InvalidParameterException, "settings: name can not be blank.")
		}
		if !slices.Contains(insights, value(s.Value)) {
			return nil, ecs.Errorf(ecs.InvalidParameterException, "settings: value %s should be one of [enabled,enhanced,disabled]", value(s.Value))
		}
		if len(out) > 0 {
			return nil, ecs.Errorf(ecs.InvalidParameterException, "settings: %s is given more than once.", s.Name)
		}
		out = append(out, ecs.Setting{Name: string(s.Name), Value: *s.Value})
	}
	return out, nil
}

// DescribeClusters shows clusters by name or ARN.
func (a *API) DescribeClusters(_ context.Context, in *awsecs.DescribeClustersInput) (*awsecs.DescribeClustersOutput, error) {
	refs := in.Clusters
	if len(refs) == 0 {
		refs = []string{arn.DefaultCluster}
	}
	state := a.control.Root()
	found, failures, err := describe(references{refs, maxDescribed, "Clusters", "clusters"}, func(ref string) (*types.Cluster, string, error) {
		name, err := a.names.ClusterName(ref)
		c := state.Cluster(name)
		if err != nil || c == nil {
			return nil, a.names.Cluster(name), err
		}
		shown := a.showCluster(c)
		includeInCluster(&shown, state, c, in.Include)
		return &shown, "", nil
	})
	return &awsecs.DescribeClustersOutput{Clusters: found, Failures: failures}, err
}

// includeInCluster adds what is shown only when asked for.
func includeInCluster(shown *types.Cluster, state *root.Root, c *ecs.Cluster, include []types.ClusterField) {
	for _, what := range include {
		switch what {
		case types.ClusterFieldTags:
			shown.Tags = showTags(c.Tags)
		case types.ClusterFieldSettings:
			shown.Settings = showSettings(c)
		case types.ClusterFieldStatistics:
			shown.Statistics = statistics(state, c)
		}
	}
}

// ListClusters gives the ARNs of all clusters but INACTIVE ones.
func (a *API) ListClusters(_ context.Context, in *awsecs.ListClustersInput) (*awsecs.ListClustersOutput, error) {
	p, err := scope{"ListClusters"}.page(in.MaxResults, defaultPage, in.NextToken)
	if err != nil {
		return nil, err
	}
	name := func(c *ecs.Cluster) string { return c.Name }
	arns, next := list(p, a.control.Root().ActiveClusters(p.after, p.limit+1), name, func(c *ecs.Cluster) string { return a.names.Cluster(c.Name) })
	return &awsecs.ListClustersOutput{ClusterArns: arns, NextToken: next}, nil
}

func (a *API) showCluster(c *ecs.Cluster) types.Cluster {
	status := "ACTIVE"
	if c.Inactive {
		status = "INACTIVE"
	}
	return types.Cluster{
		ClusterArn:                        new(a.names.Cluster(c.Name)),
		ClusterName:                       &c.Name,
		Status:                            &status,
		ActiveServicesCount:               int32(c.Services),
		RegisteredContainerInstancesCount: int32(c.Instances),
		RunningTasksCount:                 int32(c.Running),
		PendingTasksCount:                 int32(c.Pending),
		CapacityProviders:                 []string{},
		DefaultCapacityProviderStrategy:   []types.CapacityProviderStrategyItem{},
		Settings:                          []types.ClusterSetting{},
		Statistics:                        []types.KeyValuePair{},
		Tags:                              []types.Tag{},
	}
}

// showSettings gives the settings; a cluster made without any has containerInsights disabled, the account's default.
func showSettings(c *ecs.Cluster) []types.ClusterSetting {
	if len(c.Settings) == 0 {
		return []types.ClusterSetting{{Name: types.ClusterSettingNameContainerInsights, Value: new("disabled")}}
	}
	out := make([]types.ClusterSetting, len(c.Settings))
	for i := range c.Settings {
		out[i] = types.ClusterSetting{Name: types.ClusterSettingName(c.Settings[i].Name), Value: &c.Settings[i].Value}
	}
	return out
}

// maxServicesCounted bounds the count of draining services (quota: 5,000 services per cluster).
const maxServicesCounted = 5000

// statistics gives the counts by launch type (API_Cluster); everything in Ballast counts as EC2.
func statistics(state *root.Root, c *ecs.Cluster) []types.KeyValuePair {
	draining := state.Services(c.Name, "", maxServicesCounted, func(s *ecs.Service) bool { return s.Status == ecs.ServiceDraining })
	counts := []struct {
		name string
		n    int
	}{
		{"runningEC2TasksCount", c.Running}, {"runningFargateTasksCount", 0},
		{"pendingEC2TasksCount", c.Pending}, {"pendingFargateTasksCount", 0},
		{"activeEC2ServiceCount", c.Services}, {"activeFargateServiceCount", 0},
		{"drainingEC2ServiceCount", len(draining)}, {"drainingFargateServiceCount", 0},
	}
	out := make([]types.KeyValuePair, len(counts))
	for i := range counts {
		out[i] = types.KeyValuePair{Name: &counts[i].name, Value: new(strconv.Itoa(counts[i].n))}
	}
	return out
}
