package ecs

import "time"

// Time is a moment in milliseconds since the Unix epoch, the precision of the ECS API; 0 means "not yet". The core counts
// in it because it is a plain value: comparable, eight bytes, with no clock or zone attached.
type Time int64

// TimeOf converts from the standard library, rounding down to the millisecond.
func TimeOf(t time.Time) Time { return Time(t.UnixMilli()) }

// Std converts to the standard library, in UTC.
func (t Time) Std() time.Time { return time.UnixMilli(int64(t)).UTC() }

// Add gives the moment d later.
func (t Time) Add(d time.Duration) Time { return t + Time(d.Milliseconds()) }

// Sub gives the time that passed since u.
func (t Time) Sub(u Time) time.Duration { return time.Duration(t-u) * time.Millisecond }
