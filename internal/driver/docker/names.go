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

// keyOf reads the key of a container from its labels and, where it has been restarted in place, its name.
func keyOf(labels map[string]string, name string) (driver.Key, bool) {
	task, err := ecs.ParseID(labels[labelTask])
	attempt, attemptErr := strconv.Atoi(labels[labelAttempt])
	container, named := labels[labelContainer]
	if again := phaseOf(name).attempt; again > 0 {
		attempt = again
	}
	return driver.Key{Task: task, Container: container, Attempt: attempt}, err == nil && attemptErr == nil && named
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
// container that does not run: "<base>.<phase>". A container that has been restarted in place, or is to be, has in between which
// attempt it is and when the one before it started, in nanoseconds: "<base>.again.<attempt>.<start>.<phase>".
const (
	again = "again"
	// ended: stopped before it was started; followed by "." and the time in milliseconds.
	ended = "ended"
	// removed: no longer there for the driver's caller, kept for its logs.
	removed = "removed"
	// unlogged: still there, without logs.
	unlogged = "unlogged"
)

// phaseName is a phase, "" for a container whose state is what its engine says.
type phaseName struct {
	name    string
	at      ecs.Time // of ended
	attempt int      // 0 where it has not been restarted
	before  int64    // when the attempt before started
}

// phaseOf reads the phase from a container's name. Neither family nor container name have a full stop in them.
func phaseOf(name string) (p phaseName) {
	parts := strings.Split(name, ".")[1:]
	if len(parts) >= 3 && parts[0] == again {
		attempt, err := strconv.Atoi(parts[1])
		before, beforeErr := strconv.ParseInt(parts[2], 10, 64)
		if err == nil && beforeErr == nil {
			p.attempt, p.before = attempt, before
		}
		parts = parts[3:]
	}
	switch {
	case len(parts) == 2 && parts[0] == ended:
		if ms, err := strconv.ParseInt(parts[1], 10, 64); err == nil {
			p.name, p.at = ended, ecs.Time(ms)
		}
	case len(parts) == 1 && (parts[0] == removed || parts[0] == unlogged):
		p.name = parts[0]
	}
	return p
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

// of is the name of a container in this phase; name is what it is called now. It stays the attempt that it is, unless the phase is
// that of a later one.
func (p phaseName) of(name string) string {
	base, _, _ := strings.Cut(strings.TrimPrefix(name, "/"), ".")
	if p.attempt == 0 {
		now := phaseOf(name)
		p.attempt, p.before = now.attempt, now.before
	}
	if p.attempt > 0 {
		base += fmt.Sprintf(".%s.%d.%d", again, p.attempt, p.before)
	}
	switch p.name {
	case "":
		return base
	case ended:
		return fmt.Sprintf("%s.%s.%d", base, ended, p.at)
	}
	return base + "." + p.name
}
