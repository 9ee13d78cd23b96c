package ecs

import "time"

// Bounds of a task's protection from scale-in (API_UpdateTaskProtection, expiresInMinutes).
const (
	DefaultProtection = 120 * time.Minute
	MinProtection     = time.Minute
	MaxProtection     = 2880 * time.Minute
)

// ProtectionFor gives how long a task is to be protected, 0 for not at all. minutes is nil where the request leaves it out; without
// protection it is not looked at.
func ProtectionFor(enabled bool, minutes *int64) (time.Duration, error) {
	switch {
	case !enabled:
		return 0, nil
	case minutes == nil:
		return DefaultProtection, nil
	case *minutes < int64(MinProtection/time.Minute) || *minutes > int64(MaxProtection/time.Minute):
		return 0, Errorf(InvalidParameterException, "expiresInMinutes must be between %d and %d.", MinProtection/time.Minute, MaxProtection/time.Minute)
	}
	return time.Duration(*minutes) * time.Minute, nil
}
