package catalog

import (
	"slices"
	"time"

	"ballast/internal/control/journal"
	"ballast/internal/ecs"
)

// SetCluster replaces the settings of a cluster (API_UpdateClusterSettings).
func (b *Book) SetCluster(name string, settings []ecs.Setting) (*ecs.Cluster, error) {
	old, err := b.Cluster(name)
	if err != nil || len(settings) == 0 {
		return old, err
	}
	c := *old
	c.Settings = settings
	return b.saveCluster(&c), nil
}

// TagCluster replaces the tags of a cluster.
func (b *Book) TagCluster(old *ecs.Cluster, tags []ecs.Tag) *ecs.Cluster {
	c := *old
	c.Tags = tags
	return b.saveCluster(&c)
}

// DeleteCluster makes a cluster INACTIVE. Services and container instances are counted here, tasks that are not STOPPED by the
// caller. The texts are those of real accounts (coldbrewcloud/coldbrew-cli#35, gruntwork-io/cloud-nuke#368).
func (b *Book) DeleteCluster(now ecs.Time, name string, tasks int) (*ecs.Cluster, error) {
	old, err := b.Cluster(name)
	switch {
	case err != nil:
		return nil, err
	case old.Services > 0:
		return nil, ecs.Errorf(ecs.ClusterContainsServicesException, "The Cluster cannot be deleted while Services are active.")
	case tasks > 0:
		return nil, ecs.Errorf(ecs.ClusterContainsTasksException, "The Cluster cannot be deleted while Tasks are active.")
	case old.Instances > 0:
		return nil, ecs.Errorf(ecs.ClusterContainsContainerInstancesException,
			"The Cluster cannot be deleted while Container Instances are active or draining.")
	}
	c := *old
	c.Inactive, c.InactiveAt = true, now
	return b.saveCluster(&c), nil
}

func (b *Book) saveCluster(c *ecs.Cluster) *ecs.Cluster {
	b.clusters[c.Name] = c
	b.w.Put(journal.ClusterKey(c.Name), c)
	return c
}

// ForgetCluster drops a cluster that has been INACTIVE for kept, or says when it will have been; 0 when there is nothing to do.
// ECS keeps an INACTIVE cluster discoverable "for a period of time" (API_DeleteCluster).
func (b *Book) ForgetCluster(now ecs.Time, name string, kept time.Duration) (at ecs.Time) {
	c := b.clusters[name]
	if c == nil || !c.Inactive {
		return 0
	}
	if at = c.InactiveAt.Add(kept); now < at {
		return at
	}
	delete(b.clusters, name)
	b.w.Delete(journal.ClusterKey(name))
	return 0
}

// Inactive gives the names of the INACTIVE clusters, sorted.
func (b *Book) Inactive() []string {
	var names []string
	for name, c := range b.clusters {
		if c.Inactive {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
