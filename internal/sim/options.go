package sim

import (
	"fmt"
	"time"

	"ballast/internal/ecs"
	"ballast/internal/lb/health"
	"ballast/internal/scheduler/policy"
)

// Options are what a history is drawn from. They are drawn from the seed themselves, so that seeds differ in what they leave
// out as much as in what they do (swarm testing, Groce et al., 2012): a history without partitions finds what one with them hides.
type Options struct {
	Seed uint64
	// Faulty is how long things break and users act; the calm comes after it.
	Faulty time.Duration
	// Clusters, Hosts, Zones and Services are how many there may be; the last is per cluster.
	Clusters, Hosts, Zones, Services int
	// HostCPU and HostMemory are what each host has.
	HostCPU, HostMemory int
	MaxDesired          int
	// Retention and MaxRetained say how long agents keep what is left of stopped tasks, and of how many.
	Retention   time.Duration
	MaxRetained int
	// DriverSlowest is how long a driver call takes on the way there at most, and its outcome on the way back.
	DriverSlowest time.Duration
	// Every is the mean time between two operations of users.
	Every  time.Duration
	Policy policy.Policy
	// Tags are those that services may have.
	Tags []ecs.Tag
	// Behaviours are the names of what containers may do, Faults of what may break.
	Behaviours, Faults []string
	// TargetGroups are those that services may have, Balanced how likely a new service has some. BalancerSlowest is how long news takes at
	// most between their load balancer and control.
	TargetGroups    []health.Group
	Balanced        float64
	BalancerSlowest time.Duration
	// FaultEvery is the mean time between two faults of a kind.
	FaultEvery time.Duration
	// Repair is how likely a service with a bad task definition gets a good one before the calm.
	Repair float64
	// Halt says whether everything is stopped at the end, and control started once more.
	Halt bool
	// Skew is how far the clocks of hosts are wrong at most.
	Skew time.Duration

	// Never are texts that no line of the trace may hold: for whoever looks for a history in which something happens.
	Never []string
}

// Draw gives the options of a seed. longest bounds Faulty.
func Draw(seed uint64, longest time.Duration) Options {
	s := newStream(seed, "options")
	o := Options{
		Seed:        seed,
		Faulty:      s.between(longest/4, longest),
		Clusters:    pick(s, 1, 1, 1, 2),
		Hosts:       1 + s.upTo(5),
		Zones:       1 + s.upTo(2),
		Services:    1 + s.upTo(3),
		HostCPU:     pick(s, 512, 1024, 4096),
		HostMemory:  pick(s, 512, 1024, 4096),
		MaxDesired:  pick(s, 1, 3, 6, 10),
		Every:       s.between(2*time.Second, 20*time.Second),
		FaultEvery:  s.between(5*time.Second, 60*time.Second),
		Repair:      pick(s, 0.5, 1),
		Retention:   pick(s, 20*time.Second, 3*time.Minute, time.Hour),
		MaxRetained: pick(s, 2, 20, 1000),

		DriverSlowest: pick(s, 2*time.Millisecond, 2*time.Millisecond, 300*time.Millisecond, 2*time.Second),
		Skew:          pick(s, 0, 0, 10*time.Millisecond, 3*time.Second),
	}
	o.Halt = s.chance(0.3)
	for _, tag := range serviceTags {
		if s.chance(0.25) {
			o.Tags = append(o.Tags, tag)
		}
	}
	o.Policy = drawPolicy(s)
	for i := range behaviours {
		if behaviours[i].always || s.chance(0.5) {
			o.Behaviours = append(o.Behaviours, behaviours[i].name)
		}
	}
	quiet := s.chance(0.1)
	for i := range faultKinds {
		if s.chance(0.5) && !quiet {
			o.Faults = append(o.Faults, faultKinds[i].name)
		}
	}
	o.drawBalancer(newStream(seed, "balancer options"))
	return o
}

// drawBalancer gives some histories a load balancer. Recovery is as short as slowestRecovery says, and draining short enough for a
// rollout of many tasks one by one.
func (o *Options) drawBalancer(s stream) {
	o.Balanced = pick(s, 0, 0.3, 0.8, 1)
	o.BalancerSlowest = pick(s, UsualNews, UsualNews, 300*time.Millisecond, 5*second)
	if o.Balanced == 0 {
		return
	}
	for n := range 1 + s.upTo(1) {
		g := health.DefaultGroup(fmt.Sprintf("arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/group-%d/%016x", n+1, n+1))
		g.Interval, g.Timeout = pick(s, 5*second, 5*second, 10*second), pick(s, 2*second, 4*second)
		g.Limits = health.Thresholds{Healthy: pick(s, 2, 3, 5), Unhealthy: pick(s, 2, 3, 5)}
		g.Delay = pick(s, 0, 5*second, 20*second, 60*second)
		o.TargetGroups = append(o.TargetGroups, g)
	}
}

// serviceTags are tags that change the policy of a service.
var serviceTags = []ecs.Tag{
	{Key: "ballast:healthy-after", Value: "0s"},
	{Key: "ballast:healthy-after", Value: "5s"},
	{Key: "ballast:loop-brake", Value: "backoff"},
	{Key: "ballast:loop-brake", Value: "park"},
	{Key: "ballast:loop-brake-base", Value: "5s"},
	{Key: "ballast:loop-brake-max", Value: "2m"},
	{Key: "ballast:loop-brake-after", Value: "3"},
	{Key: "ballast:throttle-base", Value: "5s"},
	{Key: "ballast:throttle-max", Value: "90s"},
	{Key: "ballast:debug-keep", Value: "1"},
	{Key: "ballast:stuck-after", Value: "20s"},
	{Key: "ballast:breaker-counts-exits", Value: "true"},
}

// drawPolicy takes a preset and makes it pace and forget sooner, so that a short history comes to both.
func drawPolicy(s stream) policy.Policy {
	p, err := policy.Named(pick(s, policy.Names()...))
	if err != nil {
		panic(err) // a name from the list
	}
	p.PacePerMinute = pick(s, 6, 20, 60)
	p.StoppedKeptFor = pick(s, time.Minute, 10*time.Minute, time.Hour)
	p.StoppedKeptPerService = pick(s, 5, 20, 5000)
	p.StoppedKeptPerCluster = pick(s, 10, 50, 100_000)
	return p
}

// history gives the history that options describe but for its deeds, which are drawn as it is played.
func (o Options) history() *History {
	h := &History{Seed: o.Seed, Policy: o.Policy, Until: Settles + o.Faulty, Clusters: o.Clusters, Retention: o.Retention,
		MaxRetained: o.MaxRetained, Halt: o.Halt, Never: o.Never, TargetGroups: o.TargetGroups,
		BalancerSlowest: o.BalancerSlowest}
	s := newStream(o.Seed, "hosts")
	for n := range max(o.Hosts, o.Clusters) { // each cluster has at least one
		host := Usual(ClusterName(1 + n%o.Clusters))
		host.CPU, host.Memory, host.Zone, host.DriverSlowest = o.HostCPU, o.HostMemory, fmt.Sprintf("zone-%d", 1+n%o.Zones), o.DriverSlowest
		host.Skew, host.Starts = s.between(-o.Skew, o.Skew), s.between(0, second)
		h.Hosts = append(h.Hosts, host)
	}
	o.faults(func(kind *faultKind, s stream) {
		if kind.lasts != nil {
			kind.lasts(h, s)
		}
	})
	return h
}
