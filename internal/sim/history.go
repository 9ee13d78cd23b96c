package sim

import (
	"reflect"
	"time"

	"ballast/internal/ecs"
	"ballast/internal/lb/health"
	"ballast/internal/scheduler/policy"
)

// History is all that happens in a world from outside, as data: what it is made of, what users do and what breaks, and when. Only what is
// chance inside of that world comes from the seed: how long a message takes, what a container does between 1 s and 20 s.
type History struct {
	Seed   uint64
	Policy policy.Policy
	// Until is when faults stop and users rest, since the world's begin; the calm comes after it.
	Until time.Duration
	// Clusters is how many there are; ClusterName names them.
	Clusters int
	Hosts    []Host
	Disk     Disk
	// TargetGroups are those of a load balancer, without any of which there is none. News takes BalancerSlowest at most between it and
	// control.
	TargetGroups    []health.Group
	BalancerSlowest time.Duration
	// Retention and MaxRetained say how long agents keep what is left of stopped tasks, and of how many.
	Retention   time.Duration
	MaxRetained int
	// Deeds stand in the order of time; those of the same millisecond happen in this order.
	Deeds []Deed
	// Repairs are services that get a task definition that just runs when the faults have stopped.
	Repairs []Repair
	// Halt says whether everything is stopped at the end, and control started once more.
	Halt bool
	// Never are texts that no line of the trace may hold: for whoever looks for a history in which something happens.
	Never []string
}

// Host is a container instance with what lasts of it while the faults do.
type Host struct {
	Cluster     string
	CPU, Memory int
	Zone        string
	// Starts is how long after the begin its agent is started.
	Starts time.Duration
	// Skew is how far its clock is ahead.
	Skew time.Duration
	// DriverSlowest is how long a driver call takes on the way there at most, and its outcome on the way back.
	DriverSlowest time.Duration
	// EndsTwice is how likely its driver tells the end of a container twice.
	EndsTwice float64
	// Slowest is how long a message between its agent and control takes at most, Loss how likely one is lost and Double how likely
	// one comes twice, by up to Late later. With Reorder one may overtake another.
	Slowest      time.Duration
	Loss, Double float64
	Late         time.Duration
	Reorder      bool
}

// Disk is how likely a commit meets each kind of fault: it fails and any prefix of its units may be there; nobody says whether it happened;
// another leader was there in between.
type Disk struct{ Full, Unknown, Fenced float64 }

// Repair is a service that is given a good task definition.
type Repair struct{ Cluster, Service string }

// Deed is something that users do, or that breaks.
type Deed struct {
	At  time.Duration // since the world's begin, in whole milliseconds
	Act Act
}

// Act is one of the types that stand in acts.go and breaks.go, as a pointer. It says all: what it names that is not there, as in a history
// of which other deeds were left out, is passed over or refused by control as for any client.
type Act interface{ perform(p *player) }

// ClusterName names the clusters of a history, counted from 1.
func ClusterName(n int) string { return clusterNames[n-1] }

var clusterNames = [MaxClusters]string{"cluster-1", "cluster-2", "cluster-3", "cluster-4"}

// MaxClusters is how many clusters a history may have.
const MaxClusters = 4

// Settles is when users begin to act and things to break, since the world's begin: clusters are created and agents registered before.
const Settles = 2 * time.Second

// Usual is a host on which nothing is amiss.
func Usual(cluster string) Host {
	return Host{Cluster: cluster, CPU: 1024, Memory: 1024, Zone: "zone-1", DriverSlowest: 2 * time.Millisecond, Slowest: goodLink().slowest}
}

// DefinitionOf gives the task definition that an act registers, nil where it registers none.
func DefinitionOf(a Act) *ecs.TaskDefinition {
	switch a := a.(type) {
	case *Create:
		return &a.Definition
	case *Update:
		return a.Definition
	case *RunTasks:
		return &a.Definition
	}
	return nil
}

// HostOf gives the number of the host that an act is about, nil where it is about none; 0 stands for another than a host.
func HostOf(a Act) *int {
	switch a := a.(type) {
	case *Cut:
		return &a.Host
	case *Kill:
		return &a.Host
	case *FailDriver:
		return &a.Host
	case *Blind:
		return &a.Host
	case *Forget:
		return &a.Host
	case *StopAgent:
		return &a.Host
	case *Reboot:
		return &a.Host
	case *SetClock:
		return &a.Host
	case *CutTargets:
		return &a.Host
	}
	return nil
}

// copied gives an act that may be changed.
func copied(a Act) Act {
	c := reflect.New(reflect.TypeOf(a).Elem())
	c.Elem().Set(reflect.ValueOf(a).Elem())
	if u, is := c.Interface().(*Update); is && u.Definition != nil {
		d := *u.Definition
		u.Definition = &d
	}
	return c.Interface().(Act)
}
