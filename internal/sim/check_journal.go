package sim

import (
	"bytes"
	"strings"

	"ballast/internal/control/journal"
	"ballast/internal/control/root"
	"ballast/internal/ecs"
)

const journalled = "readers see what is on the disk, before and after a restart"

// checkJournal holds what readers see, encoded again, against the records on the disk. Right after a load it says that nothing
// that was acknowledged has been lost and nothing else has come.
func (c *checker) checkJournal() {
	var unit journal.Unit
	put := func(key journal.Key, record any) {
		unit = append(unit, journal.Change{Key: key, Record: record, Durable: true})
	}
	for _, d := range c.root.Definitions("", nil, 100_000, false, func(*ecs.TaskDefinition) bool { return true }) {
		put(journal.DefinitionKey(d), d)
	}
	for _, cluster := range c.root.Clusters("", 1000) {
		put(journal.ClusterKey(cluster.Name), cluster)
		for _, i := range c.instances(cluster.Name) {
			put(journal.InstanceKey(i), i)
		}
		for _, desired := range []ecs.Status{ecs.StatusRunning, ecs.StatusStopped} {
			for _, t := range c.root.Tasks(root.TaskFilter{Cluster: cluster.Name, Desired: desired}, 0, 1_000_000) {
				put(journal.TaskKey(t), t)
			}
		}
	}
	c.each(func(s *ecs.Service) { put(journal.ServiceKey(s), s) })
	encoded, err := journal.Encode([]journal.Unit{unit})
	if err != nil {
		c.w.fail(journalled, "%v", err)
		return
	}
	seen := 0
	for _, records := range encoded {
		for _, r := range records {
			seen++
			if !bytes.Equal(c.shadow[r.Key], r.Value) {
				c.w.fail(journalled, "%s is %x on the disk and %x for readers", r.Key, c.shadow[r.Key], r.Value)
			}
		}
	}
	kept := 0
	for key := range c.shadow {
		if !strings.Contains(key, "/event/") && !strings.Contains(key, "/token/") {
			kept++
		}
	}
	if seen != kept {
		c.w.fail(journalled, "%d records are on the disk, readers see %d", kept, seen)
	}
}
