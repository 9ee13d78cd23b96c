package sim

import (
	"time"
)

// slack is by how much things may come late: commits take a while and are repeated, and a clock that has been set back stands
// still until time has caught up.
func (c *checker) slack() time.Duration {
	if c.w.clocksSet {
		return 10*time.Second + maxSetBack
	}
	return 10 * time.Second
}

// checkSilence sees that no task stays on a container instance whose agent has been silent for too long.
func (c *checker) checkSilence() {
	s := c.w.server
	for _, t := range c.live {
		heard := max(s.heard[t.Instance], s.started)
		if c.w.now.Sub(heard) > c.policy.InstanceLostAfter+c.slack() {
			c.w.fail("tasks of lost instances are replaced", "%s is still on %s, silent for %v", describe(t.Task), short(t.Instance),
				c.w.now.Sub(heard))
		}
	}
}

// checkRetention sees that stopped tasks are forgotten when they are too old, a sixtieth of the time late at most, or too many.
func (c *checker) checkRetention() {
	services, clusters := map[[2]any]int{}, map[string]int{}
	for id, t := range c.tasks {
		if !t.Stopped() {
			continue
		}
		clusters[t.Cluster]++
		if t.Service != "" {
			services[[2]any{t.Cluster, t.ServiceSeq}]++
		}
		if ended := c.born[id].ended; c.w.now.Sub(ended) > c.policy.StoppedKeptFor*61/60+c.slack() {
			c.w.fail(forgotten, "%s ended %v ago", describe(t), c.w.now.Sub(ended))
		}
	}
	for service, n := range services {
		if n > c.policy.StoppedKeptPerService {
			c.w.fail(forgotten, "service %v has %d", service, n)
		}
	}
	for cluster, n := range clusters {
		if n > c.policy.StoppedKeptPerCluster {
			c.w.fail(forgotten, "cluster %s has %d", cluster, n)
		}
	}
}

const forgotten = "stopped tasks are forgotten in time"
