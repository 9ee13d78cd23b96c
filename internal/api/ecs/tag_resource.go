package ecs

import (
	"cmp"
	"context"
	"strings"

	awsecs "github.com/aws/aws-sdk-go-v2/service/ecs"

	"ballast/internal/arn"
	"ballast/internal/control"
	"ballast/internal/control/root"
	"ballast/internal/ecs"
	"ballast/internal/wire"
)

// TagResource sets tags on a cluster, service, task, task definition or container instance.
func (a *API) TagResource(ctx context.Context, in *awsecs.TagResourceInput) (*awsecs.TagResourceOutput, error) {
	r, err := a.tagging(in, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	tags, err := tagsOf(in.Tags, ecs.InvalidParameterException)
	if err != nil {
		return nil, err
	}
	if r.Family == "" && r.Task.IsZero() && r.Instance.IsZero() {
		if err := a.tags(tags); err != nil {
			return nil, err
		}
	}
	if _, err := submit[[]ecs.Tag](ctx, a, control.TagResource{Resource: r, Set: tags}); err != nil {
		return nil, err
	}
	return &awsecs.TagResourceOutput{}, nil
}

// UntagResource takes tags away; keys that are not there are no mistake.
func (a *API) UntagResource(ctx context.Context, in *awsecs.UntagResourceInput) (*awsecs.UntagResourceOutput, error) {
	r, err := a.tagging(in, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	for _, key := range in.TagKeys {
		if err := checkTag(ecs.Tag{Key: key}, ecs.InvalidParameterException); err != nil {
			return nil, err
		}
	}
	if _, err := submit[[]ecs.Tag](ctx, a, control.TagResource{Resource: r, Remove: in.TagKeys}); err != nil {
		return nil, err
	}
	return &awsecs.UntagResourceOutput{}, nil
}

// ListTagsForResource shows the tags of a resource.
func (a *API) ListTagsForResource(_ context.Context, in *awsecs.ListTagsForResourceInput) (*awsecs.ListTagsForResourceOutput, error) {
	r, err := a.tagging(in, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	tags, err := a.tagsOfResource(a.control.Root(), r)
	if err != nil {
		return nil, err
	}
	return &awsecs.ListTagsForResourceOutput{Tags: showTags(tags)}, nil
}

// tagging gives the resource that a request of an operation on tags is about, and says what else it lacks.
func (a *API) tagging(in any, ref *string) (control.Resource, error) {
	r, err := a.resource(ref)
	return r, cmp.Or(err, wire.Required(in))
}

// resource reads the ARN of something that carries tags. The text on short ARNs is that of real accounts (boto/boto3#2473).
func (a *API) resource(ref *string) (r control.Resource, err error) {
	if value(ref) == "" {
		return r, ecs.Errorf(ecs.InvalidParameterException, "resourceArn can not be blank.")
	}
	parsed, ok := arn.Parse(*ref)
	kind, rest, _ := strings.Cut(parsed.Resource, "/")
	cluster, _, long := strings.Cut(rest, "/")
	switch {
	case !ok || parsed.Service != "ecs":
		return r, ecs.Errorf(ecs.InvalidParameterException, "Invalid identifier: resourceArn must be an ARN of ECS.")
	case kind == "cluster":
		r.Cluster, err = a.names.ClusterName(*ref)
		return r, err
	case kind == "task-definition":
		r.Family, r.Revision, err = a.revision(*ref)
		return r, err
	case kind != "service" && kind != "task" && kind != "container-instance":
		return r, ecs.Errorf(ecs.InvalidParameterException, "Tagging of %s is not supported by this version of Ballast yet. %s", kind, compatibility)
	case !long:
		return r, ecs.Errorf(ecs.InvalidParameterException, "Long arn format must be used for tagging operations")
	}
	r.Cluster = cluster
	switch kind {
	case "service":
		r.Service, err = a.names.ServiceName(cluster, *ref)
	case "task":
		r.Task, err = a.names.TaskID(cluster, *ref)
	default:
		r.Instance, err = a.names.InstanceID(cluster, *ref)
	}
	if err == nil && kind != "service" && r.Task.IsZero() && r.Instance.IsZero() { // nothing has that id, and it would mean the cluster
		err = errNoResource()
	}
	return r, err
}

// errNoResource is for what is not there. The text is that of API_ListTagsForResource, Errors.
func errNoResource() error {
	return ecs.Errorf(ecs.ResourceNotFoundException, "The specified resource wasn't found.")
}

// tagsOfResource finds the tags of a resource.
func (a *API) tagsOfResource(state *root.Root, r control.Resource) ([]ecs.Tag, error) {
	missing := errNoResource()
	if r.Family != "" {
		if d := state.Definition(r.Family, r.Revision); d != nil {
			return d.Tags, nil
		}
		return nil, missing
	}
	cluster, err := a.cluster(state, &r.Cluster)
	if err != nil {
		return nil, err
	}
	switch {
	case r.Service != "":
		if s := state.Service(r.Cluster, r.Service); s != nil && s.Status != ecs.ServiceInactive {
			return s.Tags, nil
		}
		return nil, missing
	case !r.Task.IsZero():
		if t := state.Task(r.Cluster, r.Task); t != nil {
			return t.Tags, nil
		}
		return nil, missing
	case !r.Instance.IsZero():
		if i := state.Instance(r.Cluster, r.Instance); i != nil && registered(i) {
			return i.Tags, nil
		}
		return nil, missing
	}
	return cluster.Tags, nil
}
