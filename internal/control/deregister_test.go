package control

import (
	"errors"
	"strings"
	"testing"
	"time"

	"ballast/internal/ecs"
)

func (w *world) refusedAs(c Command, code ecs.Code, message string) {
	w.t.Helper()
	_, err := w.try(c)
	var refusal *ecs.Error
	if !errors.As(err, &refusal) || refusal.Code != code || refusal.Message != message {
		w.t.Errorf("%T: %v, want %s %q", c, err, code, message)
	}
}

func TestDeregisterContainerInstance(t *testing.T) {
	w := newWorld(t, "ecs")
	first := w.agent()
	w.serve("web", w.define("web"), 2)
	second := w.agent()
	old := first.session
	w.refusedAs(DeregisterContainerInstance{Cluster: "default", Instance: first.id}, ecs.InvalidParameterException, "Found running tasks on the instance.")
	w.refusedAs(DeregisterContainerInstance{Cluster: "default", Instance: ecs.ID{99}}, ecs.InvalidParameterException, "The referenced container instance was not found.")
	w.refusedAs(DeregisterContainerInstance{Cluster: "other", Instance: first.id}, ecs.ClusterNotFoundException, "Cluster not found.")

	gone := w.do(DeregisterContainerInstance{Cluster: "default", Instance: first.id, Force: true}).(*ecs.ContainerInstance)
	equal(t, "status", gone.Status, ecs.InstanceInactive)
	equal(t, "connected", gone.Connected, false)
	equal(t, "tasks on it", gone.Running+gone.Pending, 0)
	for _, stopped := range w.tasks(ecs.StatusStopped) {
		equal(t, "stop code", stopped.StopCode, ecs.UserInitiated)
		equal(t, "reason", stopped.StoppedReason, "Container instance deregistration forced by user")
	}
	equal(t, "started elsewhere", len(second.starts), 2)
	equal(t, "counted in the cluster", w.m.Root().Cluster("default").Instances, 1)
	if !strings.Contains(first.refused, "deregistered") {
		t.Errorf("the agent was told %q", first.refused)
	}
	w.refusedAs(DeregisterContainerInstance{Cluster: "default", Instance: first.id}, ecs.InvalidParameterException, "The referenced container instance was inactive.")

	first.session = old
	first.report(nil)
	w.run()
	equal(t, "status after another word in the session that is over", w.instance(first).Status, ecs.InstanceInactive)
	w.restart() // agents connect anew
	equal(t, "status once registered anew", w.instance(first).Status, ecs.InstanceActive)
	equal(t, "tasks left on it", len(first.tasks), 0)
	equal(t, "counted in the cluster", w.m.Root().Cluster("default").Instances, 2)
	equal(t, "running", len(w.running("web")), 2)
}

func TestLostInstanceCanBeDeregistered(t *testing.T) {
	w := newWorld(t, "ecs")
	a := w.agent()
	a.silent = true
	w.pass(2 * time.Minute)
	w.refusedAs(DeleteCluster{Name: "default"}, ecs.ClusterContainsContainerInstancesException,
		"The Cluster cannot be deleted while Container Instances are active or draining.")
	w.do(DeregisterContainerInstance{Cluster: "default", Instance: a.id})
	w.do(DeleteCluster{Name: "default"})
	w.restart()
	equal(t, "counted after a restart", w.m.Root().Cluster("default").Instances, 0)
}

func TestInactiveInstanceIsForgotten(t *testing.T) {
	for _, restart := range []bool{false, true} {
		w := newWorld(t, "ecs")
		a := w.agent()
		w.do(DeregisterContainerInstance{Cluster: "default", Instance: a.id})
		a.silent = true
		if restart {
			w.restart()
		}
		w.pass(59 * time.Minute)
		if w.instance(a) == nil {
			t.Fatal("forgotten within the hour")
		}
		w.pass(2 * time.Minute)
		if w.instance(a) != nil {
			t.Error("not forgotten after the hour")
		}
		for key := range w.records {
			if strings.Contains(key, "instance") {
				t.Errorf("record %s is left", key)
			}
		}
		a.silent = false
		a.connect()
		w.run()
		equal(t, "status once it has come back", w.instance(a).Status, ecs.InstanceActive)
	}
}
