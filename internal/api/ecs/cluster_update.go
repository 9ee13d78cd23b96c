package ecs

import (
	"context"

	awsecs "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/internal/control"
	"ballast/internal/ecs"
)

// UpdateCluster changes the settings of a cluster; what else could be changed has no effect yet and is refused.
func (a *API) UpdateCluster(ctx context.Context, in *awsecs.UpdateClusterInput) (*awsecs.UpdateClusterOutput, error) {
	shown, err := a.setCluster(ctx, in.Cluster, in.Settings)
	if err != nil {
		return nil, err
	}
	return &awsecs.UpdateClusterOutput{Cluster: shown}, nil
}

// UpdateClusterSettings changes the settings of a cluster.
func (a *API) UpdateClusterSettings(ctx context.Context, in *awsecs.UpdateClusterSettingsInput) (*awsecs.UpdateClusterSettingsOutput, error) {
	if len(in.Settings) == 0 {
		return nil, ecs.Errorf(ecs.InvalidParameterException, "Settings can not be empty.")
	}
	shown, err := a.setCluster(ctx, in.Cluster, in.Settings)
	if err != nil {
		return nil, err
	}
	return &awsecs.UpdateClusterSettingsOutput{Cluster: shown}, nil
}

func (a *API) setCluster(ctx context.Context, ref *string, given []types.ClusterSetting) (*types.Cluster, error) {
	if value(ref) == "" {
		return nil, ecs.Errorf(ecs.InvalidParameterException, "Cluster can not be blank.")
	}
	cluster, err := a.cluster(a.control.Root(), ref)
	if err != nil {
		return nil, err
	}
	settings, err := settingsOf(given)
	if err != nil {
		return nil, err
	}
	c, err := submit[*ecs.Cluster](ctx, a, control.UpdateCluster{Name: cluster.Name, Settings: settings})
	if err != nil {
		return nil, err
	}
	shown := a.showCluster(c)
	shown.Settings, shown.Tags = showSettings(c), showTags(c.Tags)
	return &shown, nil
}

// DeleteCluster makes an empty cluster INACTIVE.
func (a *API) DeleteCluster(ctx context.Context, in *awsecs.DeleteClusterInput) (*awsecs.DeleteClusterOutput, error) {
	if value(in.Cluster) == "" {
		return nil, ecs.Errorf(ecs.InvalidParameterException, "Cluster can not be blank.")
	}
	cluster, err := a.cluster(a.control.Root(), in.Cluster)
	if err != nil {
		return nil, err
	}
	c, err := submit[*ecs.Cluster](ctx, a, control.DeleteCluster{Name: cluster.Name})
	if err != nil {
		return nil, err
	}
	shown := a.showCluster(c)
	return &awsecs.DeleteClusterOutput{Cluster: &shown}, nil
}
