package docker

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// The labels by which containers are found again.
const (
	labelInstance  = "ballast.instance"
	labelTask      = "ballast.task"
	labelContainer = "ballast.container"
	labelAttempt   = "ballast.attempt"
	labelPorts     = "ballast.ports"   // the mapped container ports in the order of the definition, as "80/tcp 8000-8010/udp"
	labelAddress   = "ballast.address" // the address of the task in network mode awsvpc
	labelShares    = "ballast.shares"  // there when the task has a pause container or volumes of its own
	labelLimits    = "ballast.limits"  // of the task, there where it has a control group: CPU units, MiB, share
	labelPause     = "ballast.pause"   // there on pause containers, which have no container's name
)

// ours are the labels that no definition can set.
var ours = []string{labelInstance, labelTask, labelContainer, labelAttempt, labelPorts, labelAddress, labelShares, labelLimits, labelPause}

// keyOf reads the key of a container from its labels.
func keyOf(labels map[string]string) (driver.Key, bool) {
	task, err := ecs.ParseID(labels[labelTask])
	attempt, attemptErr := strconv.Atoi(labels[labelAttempt])
	name, named := labels[labelContainer]
	return driver.Key{Task: task, Container: name, Attempt: attempt}, err == nil && attemptErr == nil && named
}

// baseName is the name of a container until it is over: that of the agent of ECS (Docker name "ecs-<family>-<revision>-
// <container>-<20 hex>"), but always the same for the same container, so that an engine refuses to create it twice.
func baseName(instance ecs.ID, key driver.Key, labels map[string]string) string {
	return nameOf(labels, key.Container, fmt.Appendf(nil, "%v %v %d", instance, key, key.Attempt))
}

// pauseName is the name of the pause container of a task.
func pauseName(instance, task ecs.ID, labels map[string]string) string {
	return nameOf(labels, "internalecspause", fmt.Appendf(nil, "%v %v %s", instance, task, pauseContainer))
}

// volumeName is the name of a volume that is made for a task.
func volumeName(instance, task ecs.ID, labels map[string]string, volume string) string {
	return nameOf(labels, volume, fmt.Appendf(nil, "%v %v volume %s", instance, task, volume))
}

// nameOf is the name of a thing of a task, with the digest of what tells it from all others.
func nameOf(labels map[string]string, thing string, identity []byte) string {
	sum := sha256.Sum256(identity)
	return fmt.Sprintf("ecs-%s-%s-%s-%s", labels["com.amazonaws.ecs.task-definition-family"],
		labels["com.amazonaws.ecs.task-definition-version"], thing, hex.EncodeToString(sum[:10]))
}

// The phases of a container that an engine does not know of are the end of its name, the one thing that can be changed of a
// container that does not run: "<base>.<phase>".
const (
	// ended: stopped before it was started; followed by "." and the time in milliseconds.
	ended = "ended"
	// removed: no longer there for the driver's caller, kept for its logs.
	removed = "removed"
	// unlogged: still there, without logs.
	unlogged = "unlogged"
)

// phaseName is a phase, "" for a container whose state is what its engine says.
type phaseName struct {
	name string
	at   ecs.Time // of ended
}

// phaseOf reads the phase from a container's name. Neither family nor container name have a full stop in them.
func phaseOf(name string) phaseName {
	_, rest, _ := strings.Cut(name, ".")
	phase, at, _ := strings.Cut(rest, ".")
	ms, err := strconv.ParseInt(at, 10, 64)
	switch {
	case phase == ended && err == nil:
		return phaseName{name: ended, at: ecs.Time(ms)}
	case phase == removed || phase == unlogged:
		return phaseName{name: phase}
	}
	return phaseName{}
}

// ownName is the name of a container among those that a list has: the others, "/other/alias", are those by which linked containers
// know it. One that is being deleted has none.
func ownName(names []string) string {
	for _, n := range names {
		if strings.LastIndex(n, "/") == 0 {
			return n
		}
	}
	return ""
}

// of is the name of a container in this phase; name is what it is called now.
func (p phaseName) of(name string) string {
	base, _, _ := strings.Cut(strings.TrimPrefix(name, "/"), ".")
	if p.name == ended {
		return fmt.Sprintf("%s.%s.%d", base, ended, p.at)
	}
	return base + "." + p.name
}
