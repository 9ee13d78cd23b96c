package metadata

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// Secret makes the ids by which containers are known. It stays the same for the life of a container instance, because containers keep
// their ids.
type Secret []byte

// SecretSize is how long a Secret is in bytes.
const SecretSize = 32

// nameSize is how much of the hash of a container's name is in an id: enough for the few containers of one task.
const nameSize = 8

// macSize is how much of the code is, in bytes: 128 bits cannot be guessed.
const macSize = 16

// ID is that of a container, whichever of its attempts: the task's id, a hash of the container's name, and a code of both that only
// the holder of the secret can make.
func (s Secret) ID(key driver.Key) string {
	name := nameHash(key.Container)
	return key.Task.String() + "-" + name + s.code(key.Task, name)
}

// open gives the task of an id and the hash of its container's name; ok is false for an id that the secret has not made.
func (s Secret) open(id string) (task ecs.ID, name string, ok bool) {
	text, rest, _ := strings.Cut(id, "-")
	task, err := ecs.ParseID(text)
	if err != nil || len(rest) != 2*(nameSize+macSize) {
		return ecs.ID{}, "", false
	}
	name = rest[:2*nameSize]
	return task, name, hmac.Equal([]byte(s.code(task, name)), []byte(rest[2*nameSize:]))
}

func (s Secret) code(task ecs.ID, name string) string {
	mac := hmac.New(sha256.New, s)
	mac.Write(task[:])
	mac.Write([]byte(name))
	return hex.EncodeToString(mac.Sum(nil)[:macSize])
}

func nameHash(container string) string {
	sum := sha256.Sum256([]byte(container))
	return hex.EncodeToString(sum[:nameSize])
}
