package scheduler

import "ballast/internal/ecs"

// tokenUnits is one token: a pace of n a minute then refills exactly n units a millisecond, so that no rounding is left.
const tokenUnits = 60_000

// Pace is a token bucket of integers, from which replacements of short runs take a token each; it is refilled with perMinute tokens a
// minute (policy.PacePerMinute; 0 or less for never) up to burst, the desired count of the service, of which one is had at least. The zero
// value is a full one. The level is kept as what is missing from full, so that a larger burst, after a scale-out, counts at once.
type Pace struct {
	missing int64    // units, at the time at
	at      ecs.Time // when missing was last worked out
}

// Tokens gives the whole tokens in the bucket at now.
func (p Pace) Tokens(now ecs.Time, perMinute, burst int) int {
	return int(p.level(now, perMinute, burst) / tokenUnits)
}

// When gives the first moment at or after now with n whole tokens in the bucket; 0 where that never comes, because nothing is
// refilled or the bucket is too small.
func (p Pace) When(n int, now ecs.Time, perMinute, burst int) ecs.Time {
	lacking := int64(n)*tokenUnits - p.level(now, perMinute, burst)
	if lacking <= 0 {
		return now
	}
	if perMinute <= 0 || int64(n)*tokenUnits > full(burst) {
		return 0
	}
	rate := int64(perMinute)
	return now + ecs.Time((lacking+rate-1)/rate)
}

// Take gives the bucket with n tokens fewer at now. It never holds less than none.
func (p Pace) Take(n int, now ecs.Time, perMinute, burst int) Pace {
	level := max(0, p.level(now, perMinute, burst)-int64(n)*tokenUnits)
	return Pace{missing: full(burst) - level, at: now}
}

// level gives the units in the bucket at now, from 0 to the burst.
func (p Pace) level(now ecs.Time, perMinute, burst int) int64 {
	missing := min(p.missing, full(burst)) - int64(max(0, now-p.at))*int64(perMinute)
	return full(burst) - max(0, missing)
}

// full is the size of the bucket in units: a service may replace its every task once before it is paced.
func full(burst int) int64 { return int64(max(1, burst)) * tokenUnits }
