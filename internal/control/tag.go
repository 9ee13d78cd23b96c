package control

import (
	"slices"
	"strings"

	"ballast/internal/ecs"
)

// Resource names what carries tags; which fields count depends on what it is. A cluster has only a name.
type Resource struct {
	Cluster  string
	Service  string
	Task     ecs.ID
	Instance ecs.ID
	// Family and Revision name a task definition, which belongs to no cluster.
	Family   string
	Revision int
}

// TagResource sets tags on a resource and takes away those with the keys in Remove. Answer: []ecs.Tag, all that it has now.
type TagResource struct {
	Resource Resource
	Set      []ecs.Tag
	Remove   []string
}

func (c TagResource) apply(m *Machine) (any, error) {
	r := c.Resource
	if r.Family != "" {
		d := m.catalog.Definition(r.Family, r.Revision)
		if d == nil {
			return nil, errNoResource
		}
		return c.tag(d.Tags, func(tags []ecs.Tag) { m.catalog.TagDefinition(d, tags) })
	}
	cluster, err := m.catalog.Cluster(r.Cluster)
	switch {
	case err != nil:
		return nil, err
	case r.Service != "":
		return c.service(m)
	case !r.Task.IsZero():
		t := m.tasks.Task(r.Cluster, r.Task)
		if t == nil {
			return nil, errNoResource
		}
		return c.tag(t.Tags, func(tags []ecs.Tag) { m.tasks.Tag(t, tags) })
	case !r.Instance.IsZero():
		i := m.instances.Find(r.Instance)
		if i == nil || i.Cluster != r.Cluster || i.Status == ecs.InstanceInactive {
			return nil, errNoResource
		}
		return c.tag(i.Tags, func(tags []ecs.Tag) { m.instances.Tag(i, tags) })
	}
	return c.tag(cluster.Tags, func(tags []ecs.Tag) {
		m.catalog.TagCluster(cluster, tags)
		m.services.SetDefaults(cluster.Name, tags, m.tasks.Task)
	})
}

func (c TagResource) service(m *Machine) (any, error) {
	s := m.services.Find(c.Resource.Cluster, c.Resource.Service)
	if s == nil || s.Status == ecs.ServiceInactive {
		return nil, errNoResource
	}
	return c.tag(s.Tags, func(tags []ecs.Tag) { m.services.Tag(s, tags, m.tasks.Task) })
}

// errNoResource has the text of API_TagResource, Errors.
var errNoResource = ecs.Errorf(ecs.ResourceNotFoundException, "The specified resource wasn't found.")

// tag gives the tags that a resource has now, and has them saved if they are others than before. Keys beginning with aws: do not
// count against the limit (API_Tag).
func (c TagResource) tag(old []ecs.Tag, save func([]ecs.Tag)) (any, error) {
	tags := slices.DeleteFunc(slices.Clone(old), func(t ecs.Tag) bool { return slices.Contains(c.Remove, t.Key) })
	for _, t := range c.Set {
		if i := slices.IndexFunc(tags, func(have ecs.Tag) bool { return have.Key == t.Key }); i >= 0 {
			tags[i] = t
			continue
		}
		tags = append(tags, t)
	}
	own := 0
	for _, t := range tags {
		if !strings.HasPrefix(t.Key, "aws:") {
			own++
		}
	}
	if own > ecs.MaxTags && len(c.Set) > 0 {
		return nil, ecs.Errorf(ecs.InvalidParameterException, "The number of tags can be at most %d.", ecs.MaxTags)
	}
	if !slices.Equal(tags, old) {
		save(tags)
	}
	return tags, nil
}
