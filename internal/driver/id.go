package driver

import (
	"crypto/sha256"
	"encoding/hex"
)

// runtimeIDs are at least so long where they tell containers apart: 64 hexadecimal digits of Docker, as opposed to the ids of
// processes, which come again.
const runtimeIDs = 64

// ContainerID gives what a container that has been started is known by to itself and in logs: the id at its runtime, else a number of
// the same form that is its own, whatever process it is and however often it is restarted in place. It is "" for one that has not been
// started. task is the id of its task.
func ContainerID(task, container, runtimeID string) string {
	if runtimeID == "" || len(runtimeID) >= runtimeIDs {
		return runtimeID
	}
	sum := sha256.Sum256([]byte(task + "/" + container))
	return hex.EncodeToString(sum[:])
}
