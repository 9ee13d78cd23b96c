package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"ballast/internal/control/journal"
	"ballast/internal/control/root"
	"ballast/internal/ecs"
)

const journalled = "readers see what is on the disk, before and after a restart"

// checkJournal holds what readers see, encoded again, against the records on the disk. Right after a load it says that nothing
// that was acknowledged has been lost and nothing else has come.
func (c *checker) checkJournal() {
	encoded, err := journal.Encode([]journal.Unit{all(c.root)})
	if err != nil {
		c.w.fail(journalled, "%v", err)
		return
	}
	seen := 0
	for _, records := range encoded {
		for _, r := range records {
			if counted(r.Key) {
				seen++
			}
			if !bytes.Equal(c.shadow[r.Key], r.Value) {
				c.w.fail(journalled, "%s is %x on the disk and %x for readers", r.Key, c.shadow[r.Key], r.Value)
			}
		}
	}
	kept := 0
	for key := range c.shadow {
		if counted(key) {
			kept++
		}
	}
	if seen != kept {
		c.w.fail(journalled, "%d records are on the disk, readers see %d", kept, seen)
	}
}

// counted says whether a record on the disk is one that readers see. Tokens they never do; events are part of their service; and
// a crash may leave events and service deployments behind that were about to be dropped.
func counted(key string) bool {
	return !strings.Contains(key, "/event/") && !strings.Contains(key, "/token/") && !strings.Contains(key, "/deployment/")
}

// all gives every record that readers see.
func all(r *root.Root) journal.Unit {
	var unit journal.Unit
	put := func(key journal.Key, record any) {
		unit = append(unit, journal.Change{Key: key, Record: record, Durable: true})
	}
	for _, d := range r.Definitions("", nil, 100_000, false, func(*ecs.TaskDefinition) bool { return true }) {
		put(journal.DefinitionKey(d), d)
	}
	for _, cluster := range r.Clusters("", 1000) {
		put(journal.ClusterKey(cluster.Name), cluster)
		for _, i := range r.Instances(cluster.Name, ecs.ID{}, 1000, func(*ecs.ContainerInstance) bool { return true }) {
			put(journal.InstanceKey(i), i)
		}
		for _, s := range r.Services(cluster.Name, "", 1000, func(*ecs.Service) bool { return true }) {
			put(journal.ServiceKey(s), s)
			for _, d := range r.ServiceDeployments(s, 0, 100_000, func(d *ecs.ServiceDeployment) bool { return d != s.Current }) {
				put(journal.DeploymentKey(s, d.Number), d)
			}
		}
		for _, desired := range []ecs.Status{ecs.StatusRunning, ecs.StatusStopped} {
			for _, t := range r.Tasks(root.TaskFilter{Cluster: cluster.Name, Desired: desired}, 0, 1_000_000) {
				put(journal.TaskKey(t), t)
			}
		}
	}
	return unit
}

// checkReload holds what readers saw before a load against what they see after it, field by field, so that a field which is
// left out of the journal is noticed. Records that a commit under way changed are others, and are left out.
func (c *checker) checkReload(before, after *root.Root) {
	was := map[journal.Key]any{}
	for _, ch := range all(before) {
		was[ch.Key] = ch.Record
	}
	for _, ch := range all(after) {
		old := was[ch.Key]
		if old == nil || !bytes.Equal(encoded(c, ch.Key, old), encoded(c, ch.Key, ch.Record)) {
			continue
		}
		if o, isService := old.(*ecs.Service); isService && !continues(o.Events, ch.Record.(*ecs.Service).Events) {
			c.w.fail(journalled, "the events of %s are others", ch.Key)
		}
		if o, n := plain(old), plain(ch.Record); o != n {
			at := 0
			for at < len(o) && at < len(n) && o[at] == n[at] {
				at++
			}
			c.w.fail(journalled, "%s was, from where they differ,\n%s\nand is\n%s", ch.Key, o[at:], n[at:])
		}
	}
}

// continues says whether the events of a service are the ones before. A commit under way may have dropped the oldest.
func continues(before, after []*ecs.ServiceEvent) bool {
	return len(after) <= len(before) && len(after) >= len(before)-maxDropped &&
		slices.EqualFunc(before[:len(after)], after, func(b, a *ecs.ServiceEvent) bool { return *b == *a })
}

// maxDropped is how many events of a service one commit drops at most.
const maxDropped = 20

func encoded(c *checker, key journal.Key, record any) []byte {
	units, err := journal.Encode([]journal.Unit{{{Key: key, Record: record, Durable: true}}})
	if err != nil {
		c.w.fail(journalled, "%s: %v", key, err)
		return nil
	}
	return units[0][0].Value
}

// plain writes out every field of a record but what is kept apart from it or derived; nothing and empty are the same.
func plain(record any) string {
	switch r := record.(type) {
	case *ecs.Cluster:
		n := *r
		n.Instances, n.Running, n.Pending, n.Services = 0, 0, 0, 0
		record = n
	case *ecs.ContainerInstance:
		n := *r
		n.Connected, n.Impaired, n.Remaining, n.Running, n.Pending = false, "", ecs.Resources{}, 0, 0
		record = n
	case *ecs.Service:
		n := *r
		n.Running, n.Pending, n.Events, n.Deployments = 0, 0, nil, slices.Clone(r.Deployments)
		for i := range n.Deployments {
			n.Deployments[i].Running, n.Deployments[i].Pending = 0, 0
		}
		record = n
	}
	text, err := json.Marshal(record)
	if err != nil {
		panic(fmt.Sprintf("sim: write out %T: %v", record, err))
	}
	return strings.ReplaceAll(string(text), "[]", "null")
}
