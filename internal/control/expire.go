package control

import (
	"slices"

	"ballast/internal/control/tasks"
)

// markStale has the stopped tasks of a cluster looked at in this step.
func (m *Machine) markStale(cluster string) {
	if !slices.Contains(m.stale, cluster) {
		m.stale = append(m.stale, cluster)
	}
}

// removeLater has deleted task definitions that seem unused looked at in the next step.
func (m *Machine) removeLater() {
	if m.catalog.Unused() {
		m.timers.set(m.now, timer{kind: removalDue})
	}
}

// forgetCluster drops a cluster that has been INACTIVE for as long as stopped tasks are kept, or has itself called again then.
func (m *Machine) forgetCluster(name string) {
	if at := m.catalog.ForgetCluster(m.now, name, m.cfg.Policy.StoppedKeptFor); at != 0 {
		m.timers.set(at, timer{kind: clusterDue, cluster: name})
	}
}

// forgottenTogether: a stopped task is kept longer by this part of its time if nothing else happens, so that those that stopped together or
// soon after each other go in one commit.
const forgottenTogether = 60

// expire forgets stopped tasks that are too old or too many, and has itself called again when the next ones are.
func (m *Machine) expire() {
	kept := tasks.Kept{For: m.cfg.Policy.StoppedKeptFor, PerService: m.cfg.Policy.StoppedKeptPerService,
		PerCluster: m.cfg.Policy.StoppedKeptPerCluster}
	for _, cluster := range m.stale {
		if m.tasks.Expire(m.now, cluster, kept) {
			m.timers.set(m.now, timer{kind: expiryDue, cluster: cluster})
			continue
		}
		if at := m.tasks.ExpiresAt(cluster, kept); at != 0 {
			m.timers.set(at.Add(kept.For/forgottenTogether), timer{kind: expiryDue, cluster: cluster})
		}
	}
	m.stale = m.stale[:0]
}
