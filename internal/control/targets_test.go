package control

import (
	"testing"
	"time"

	"ballast/internal/ecs"
	"ballast/internal/lb/health"
)

const targetGroup = "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/web/0123456789abcdef"

var (
	passes = health.Result{Outcome: health.Passed}
	fails  = health.Result{Outcome: health.Mismatched, Code: 503}
)

// balanced creates a service with a load balancer.
func (w *world) balanced(d *ecs.TaskDefinition, desired int, change ...func(*ecs.Service)) {
	w.t.Helper()
	s := ecs.Service{Cluster: "default", Name: "web", Definition: d, Family: d.Family, Revision: d.Revision, Desired: desired,
		MinimumHealthyPercent: 100, MaximumPercent: 200,
		LoadBalancers: []ecs.LoadBalancer{{TargetGroup: targetGroup, Container: "web", Port: 80}}}
	for _, c := range change {
		c(&s)
	}
	w.do(CreateService{Service: s})
}

// target reports what health checks have come to, one after the other.
func (w *world) target(id ecs.ID, t health.Target, results ...health.Result) health.Target {
	w.t.Helper()
	for _, r := range results {
		t = t.Probed(r, health.Thresholds{Healthy: 2, Unhealthy: 2})
	}
	w.do(ReportTargets{Targets: []TargetReport{{Cluster: "default", Task: id, Group: targetGroup, Health: t}}})
	return t
}

// TestTargetsDecide has a service with a load balancer wait for the health of its targets, however long that takes.
func TestTargetsDecide(t *testing.T) {
	w := newWorld(t, "ecs")
	w.agent()
	w.balanced(w.define("web"), 2)
	w.pass(10 * time.Minute)
	equal(t, "rollout while nothing is known", w.service("web").Deployments[0].Rollout, ecs.RolloutInProgress)
	for _, task := range w.tasks(ecs.StatusRunning) {
		w.target(task.ID, health.Target{})
	}
	w.pass(10 * time.Minute)
	equal(t, "rollout while targets are initial", w.service("web").Deployments[0].Rollout, ecs.RolloutInProgress)
	for _, task := range w.tasks(ecs.StatusRunning) {
		w.target(task.ID, health.Target{}, passes)
	}
	equal(t, "rollout after that", w.service("web").Deployments[0].Rollout, ecs.RolloutCompleted)
	equal(t, "said of targets", w.said("web", "registered 1 targets in (target-group "+targetGroup+")"), 2)
}

// TestBothChecksAreAwaited has a task be healthy when its containers and its target are, whichever comes first.
func TestBothChecksAreAwaited(t *testing.T) {
	for _, targetFirst := range []bool{true, false} {
		w := newWorld(t, "ecs")
		a := w.agent()
		w.balanced(w.define("web", checked), 1)
		id := w.tasks(ecs.StatusRunning)[0].ID
		if targetFirst {
			w.target(id, health.Target{}, passes)
		} else {
			a.find(id, ecs.HealthHealthy)
		}
		equal(t, "rollout after one of them", w.service("web").Deployments[0].Rollout, ecs.RolloutInProgress)
		w.target(id, health.Target{}, passes)
		a.find(id, ecs.HealthHealthy)
		equal(t, "rollout after both", w.service("web").Deployments[0].Rollout, ecs.RolloutCompleted)
	}
}

// TestUnhealthyTargetIsReplacedAndDrained has a task whose target fails be stopped once its replacement is healthy, and its containers
// run on until it is drained.
func TestUnhealthyTargetIsReplacedAndDrained(t *testing.T) {
	w := newWorld(t, "ecs")
	a := w.agent()
	w.balanced(w.define("web"), 1)
	first := w.tasks(ecs.StatusRunning)[0].ID
	bad := w.target(first, w.target(first, health.Target{}, passes), fails, fails)
	both := w.tasks(ecs.StatusRunning)
	equal(t, "tasks while the replacement is not healthy", len(both), 2)
	for _, task := range both {
		if task.ID != first {
			w.target(task.ID, health.Target{}, passes)
		}
	}
	gone := w.m.Root().Task("default", first)
	equal(t, "the first", []string{gone.LastStatus.String(), gone.StopCode.String(), gone.StoppedReason},
		[]string{"DEACTIVATING", "ServiceSchedulerInitiated", "Task failed ELB health checks in (target-group " + targetGroup + ")"})
	equal(t, "events", w.messages("web")[:3], []string{
		"(service web) has begun draining connections on 1 tasks.",
		"(service web) has stopped 1 running tasks: (task T).",
		"(service web) (task T) (port 80) is unhealthy in (target-group " + targetGroup +
			") due to (reason Health checks failed with these codes: [503]).",
	})
	equal(t, "failed tasks", w.service("web").Deployments[0].FailedTasks, 0) // the deployment was complete

	bad = w.target(first, bad.Deregister())
	w.pass(time.Minute)
	equal(t, "its containers while it is drained", a.tasks[first].Status, ecs.StatusRunning)
	equal(t, "said of targets", w.said("web", "deregistered 1 targets in (target-group "+targetGroup+")"), 1)
	w.target(first, bad.Drained())
	equal(t, "the first after that", w.m.Root().Task("default", first).LastStatus, ecs.StatusStopped)
	equal(t, "said of targets", w.said("web", "deregistered 1 targets"), 1)
}

// TestUnhealthyTargetInTheGracePeriod has a failing target be left alone for the grace period of its service.
func TestUnhealthyTargetInTheGracePeriod(t *testing.T) {
	w := newWorld(t, "ecs")
	w.agent()
	w.balanced(w.define("web"), 1, func(s *ecs.Service) { s.GracePeriod = 60 })
	w.target(w.tasks(ecs.StatusRunning)[0].ID, health.Target{}, fails, fails)
	w.pass(60*time.Second - time.Millisecond)
	equal(t, "tasks in it", len(w.tasks(ecs.StatusRunning)), 1)
	w.pass(time.Millisecond)
	equal(t, "tasks after it", len(w.tasks(ecs.StatusRunning)), 2)
}

// TestOnlyTheSchedulerDrains has tasks that users stop, that crash, or that were no target yet end at once.
func TestOnlyTheSchedulerDrains(t *testing.T) {
	for name, end := range map[string]func(w *world, a *pretender, id ecs.ID){
		"a user": func(w *world, _ *pretender, id ecs.ID) { w.do(StopTask{Cluster: "default", Task: id}) },
		"a crash": func(w *world, a *pretender, id ecs.ID) {
			a.crash(id)
			w.run()
		},
		"scaling before it is registered": func(w *world, _ *pretender, _ ecs.ID) {
			w.do(UpdateService{Cluster: "default", Name: "web", Desired: new(0)})
		},
	} {
		w := newWorld(t, "ecs")
		a := w.agent()
		w.balanced(w.define("web"), 1)
		id := w.tasks(ecs.StatusRunning)[0].ID
		if name != "scaling before it is registered" {
			w.target(id, health.Target{}, passes)
		}
		end(w, a, id)
		equal(t, name, w.m.Root().Task("default", id).LastStatus, ecs.StatusStopped)
		equal(t, name+": said", w.said("web", "has begun draining"), 0)
	}
}

// TestDrainingOutlastsControl has a task that is drained stay so when control starts anew, until its load balancer says that it is done;
// and nothing is replaced because nobody has said yet how targets are.
func TestDrainingOutlastsControl(t *testing.T) {
	w := newWorld(t, "ecs")
	a := w.agent()
	w.balanced(w.define("web"), 2)
	var good health.Target
	for _, task := range w.tasks(ecs.StatusRunning) {
		good = w.target(task.ID, health.Target{}, passes)
	}
	w.do(UpdateService{Cluster: "default", Name: "web", Desired: new(1)})
	victim := w.tasks(ecs.StatusStopped)[0].ID
	w.restart()
	w.pass(health.DefaultDelay)
	equal(t, "status", w.m.Root().Task("default", victim).LastStatus, ecs.StatusDeactivating)
	equal(t, "its containers", a.tasks[victim].Status, ecs.StatusRunning)
	equal(t, "tasks that should run", len(w.tasks(ecs.StatusRunning)), 1)
	w.target(victim, good.Deregister())
	w.target(victim, good.Deregister().Drained())
	equal(t, "status after that", w.m.Root().Task("default", victim).LastStatus, ecs.StatusStopped)
}

// TestDrainedInOneGroup has control, which has been started anew, hear of a task that one of its target groups has drained and another has
// not: both are in the same news, in either order.
func TestDrainedInOneGroup(t *testing.T) {
	other := targetGroup + "0"
	for name, groups := range map[string][2]string{"drained first": {targetGroup, other}, "drained last": {other, targetGroup}} {
		w := newWorld(t, "ecs")
		w.agent()
		w.balanced(w.define("web"), 1, func(s *ecs.Service) {
			s.LoadBalancers = append(s.LoadBalancers, ecs.LoadBalancer{TargetGroup: other, Container: "web", Port: 80})
		})
		id := w.tasks(ecs.StatusRunning)[0].ID
		states := map[string]health.Target{}
		report := func() {
			w.do(ReportTargets{Targets: []TargetReport{{Cluster: "default", Task: id, Group: groups[0], Health: states[groups[0]]},
				{Cluster: "default", Task: id, Group: groups[1], Health: states[groups[1]]}}})
		}
		report() // both are initial
		w.do(UpdateService{Cluster: "default", Name: "web", Desired: new(0)})
		w.restart()
		states[other] = health.Target{}.Deregister()
		states[targetGroup] = states[other].Drained()
		report()
		equal(t, name, w.m.Root().Task("default", id).LastStatus, ecs.StatusDeactivating)
		states[other] = states[targetGroup]
		report()
		equal(t, name+", then drained in both", w.m.Root().Task("default", id).LastStatus, ecs.StatusStopped)
	}
}

// TestDrainingEnds has a task that nobody drains to the end stop all the same: its load balancer is gone.
func TestDrainingEnds(t *testing.T) {
	group := health.DefaultGroup(targetGroup)
	group.Delay = 30 * time.Second
	tests := []struct {
		name   string
		before func(w *world, id ecs.ID, good health.Target) // after the task has been told to stop
		want   time.Duration
	}{
		{"it has not heard of it", func(*world, ecs.ID, health.Target) {}, 30*time.Second + drainSlack},
		{"it drained for a while", func(w *world, id ecs.ID, good health.Target) {
			w.pass(20 * time.Second)
			w.target(id, good.Deregister())
			w.pass(10 * time.Second)
			w.target(id, good.Deregister()) // which says nothing new
		}, 50*time.Second + drainSlack},
		{"another delay", func(w *world, id ecs.ID, good health.Target) {
			group := group
			group.Delay = 10 * time.Minute
			w.do(ReportTargets{Targets: []TargetReport{{Cluster: "default", Task: id, Group: targetGroup, Health: good, Settings: &group}}})
		}, 10*time.Minute + drainSlack},
		{"control starts anew, and hears nothing", func(w *world, _ ecs.ID, _ health.Target) {
			w.pass(20 * time.Second)
			w.restart()
		}, 20*time.Second + health.DefaultDelay + drainSlack},
		{"control starts anew, and hears of it once", func(w *world, id ecs.ID, good health.Target) {
			w.restart()
			w.do(ReportTargets{Targets: []TargetReport{{Cluster: "default", Task: id, Group: targetGroup, Health: good.Deregister(), Settings: &group}}})
		}, 30*time.Second + drainSlack},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, "ecs")
			w.agent()
			w.balanced(w.define("web"), 1)
			id := w.tasks(ecs.StatusRunning)[0].ID
			good := health.Target{}.Probed(passes, health.DefaultThresholds)
			w.do(ReportTargets{Targets: []TargetReport{{Cluster: "default", Task: id, Group: targetGroup, Health: good, Settings: &group}}})
			told := w.now
			w.do(DeleteService{Cluster: "default", Name: "web", Force: true})
			test.before(w, id, good)
			w.pass(told.Add(test.want - time.Millisecond).Sub(w.now))
			equal(t, "status just before", w.m.Root().Task("default", id).LastStatus, ecs.StatusDeactivating)
			w.pass(time.Millisecond)
			equal(t, "status then", w.m.Root().Task("default", id).LastStatus, ecs.StatusStopped)
			equal(t, "service", w.service("web").Status, ecs.ServiceInactive)
		})
	}
}

// TestGroupsOfOthers passes over what is said of a target group that is none of the task's service.
func TestGroupsOfOthers(t *testing.T) {
	w := newWorld(t, "ecs")
	w.agent()
	w.balanced(w.define("web"), 1)
	w.do(CreateService{Service: ecs.Service{Cluster: "default", Name: "other", Definition: w.define("other"), Family: "other", Revision: 1, Desired: 1,
		MinimumHealthyPercent: 100, MaximumPercent: 200}})
	for _, task := range w.tasks(ecs.StatusRunning) {
		w.do(ReportTargets{Targets: []TargetReport{{Cluster: "default", Task: task.ID, Group: targetGroup + "0", Health: health.Target{}}}})
		if task.Service == "other" {
			w.target(task.ID, health.Target{}, fails, fails)
		}
		if s := w.m.services.Named("default", task.Service); s.Attached(task.ID) || len(s.Targets(task.ID)) > 0 {
			t.Errorf("a task of %s is a target of a group that is none of its service's", task.Service)
		}
	}
	equal(t, "said", w.said("web", "registered 1 targets")+w.said("other", "registered 1 targets"), 0)
	w.pass(time.Minute)
	equal(t, "tasks", len(w.tasks(ecs.StatusRunning)), 2)
}

// TestHaltDrainsNothing has Ctrl-C end what is being drained, too.
func TestHaltDrainsNothing(t *testing.T) {
	w := newWorld(t, "ecs")
	w.agent()
	w.balanced(w.define("web"), 1)
	id := w.tasks(ecs.StatusRunning)[0].ID
	w.target(id, health.Target{}, passes)
	w.do(UpdateService{Cluster: "default", Name: "web", Desired: new(0)})
	equal(t, "before", w.m.Root().Task("default", id).LastStatus, ecs.StatusDeactivating)
	w.do(Halt{})
	equal(t, "after", w.m.Root().Task("default", id).LastStatus, ecs.StatusStopped)
}

// TestTargetsThatAreNone passes over what is said of tasks that are none, and forgets what is known of those that are forgotten.
func TestTargetsThatAreNone(t *testing.T) {
	w := newWorld(t, "ecs")
	w.agent()
	w.balanced(w.define("web"), 1)
	id := w.tasks(ecs.StatusRunning)[0].ID
	w.target(ecs.ID{9}, health.Target{}, passes)
	w.target(id, health.Target{}, passes)
	s := w.m.services.Named("default", "web")
	if !s.Attached(id) {
		t.Fatal("the task is no target")
	}
	w.do(StopTask{Cluster: "default", Task: id})
	w.pass(w.policy.StoppedKeptFor + time.Minute)
	if w.m.Root().Task("default", id) != nil || s.Attached(id) {
		t.Error("a target is known of a task that is forgotten")
	}
}
