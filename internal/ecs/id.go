package ecs

import (
	"encoding/hex"
	"fmt"
)

// ID names a task, a container or a container instance: 128 bits, written as 32 hexadecimal digits as ECS does.
type ID [16]byte

// String gives the 32 lower-case hexadecimal digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// UUID gives the dashed form that ECS uses for container ids.
func (id ID) UUID() string {
	s := id.String()
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

// IsZero says whether the ID names nothing.
func (id ID) IsZero() bool { return id == ID{} }

// ParseID reads 32 hexadecimal digits.
func ParseID(s string) (ID, error) {
	var id ID
	if len(s) != 2*len(id) {
		return id, fmt.Errorf("id %q: want 32 hexadecimal digits", s)
	}
	if _, err := hex.Decode(id[:], []byte(s)); err != nil {
		return ID{}, fmt.Errorf("id %q: %w", s, err)
	}
	return id, nil
}
