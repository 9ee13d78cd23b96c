package sim

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"time"
)

// stream is chance for one concern. It is derived from the seed and the name of the concern, so that a draw more in one place
// shifts nothing in another: a replay with a fault taken out is still the same history elsewhere.
type stream struct{ *rand.Rand }

func newStream(seed uint64, name string) stream {
	key := sha256.Sum256(append(binary.BigEndian.AppendUint64(nil, seed), name...))
	return stream{rand.New(rand.NewChaCha8(key))}
}

// chance says yes with probability p.
func (s stream) chance(p float64) bool { return s.Float64() < p }

// between draws a duration of whole milliseconds, both ends included.
func (s stream) between(from, to time.Duration) time.Duration {
	return from + time.Duration(s.Int64N(int64((to-from)/time.Millisecond)+1))*time.Millisecond
}

// upTo draws from 0 to n, both included.
func (s stream) upTo(n int) int { return s.IntN(n + 1) }

// about draws a waiting time with the given mean, as between events that do not depend on each other.
func (s stream) about(mean time.Duration) time.Duration {
	return time.Duration(s.ExpFloat64()*float64(mean)).Truncate(time.Millisecond) + time.Millisecond
}

func pick[T any](s stream, of ...T) T { return of[s.IntN(len(of))] }
