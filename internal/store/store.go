// Package store is the contract between control and its journal: an ordered map from keys to small values, changed by
// atomic units, written by one leader at a time. It knows nothing of what the records mean.
//
// Implementations: bolt (one file, the default), mem (tests, simulator, throw-away servers). Each passes the conformance
// suite in storetest. Start reading at Store.
package store

import (
	"context"
	"errors"
)

// Limits of a unit, chosen so that one unit always fits into one transaction of a stock etcd (128 operations, 1.5 MiB).
const (
	MaxUnitRecords = 100
	MaxUnitBytes   = 512 << 10
)

// A Record is one change: the value a key has from now on. A nil Value removes the key.
type Record struct {
	Key   string
	Value []byte
}

// A Unit is the smallest thing that is committed: all of its records or none. At most MaxUnitRecords records and
// MaxUnitBytes bytes of keys and values.
type Unit []Record

// A Fence proves leadership. It grows with every Lead; a commit that carries an older one than the store has seen is refused.
type Fence uint64

var (
	// ErrFenced says that another leader has taken over: nothing was committed, and never again will be under this fence.
	// The caller drops what it knows and, if it leads again, loads anew.
	ErrFenced = errors.New("store: another leader has taken over")

	// ErrUnknown says that the commit may or may not have happened. The caller must reload before it goes on.
	ErrUnknown = errors.New("store: outcome of the commit is unknown")

	// ErrTooLarge says that a unit exceeds MaxUnitRecords or MaxUnitBytes. It is a fault of the caller; a retry cannot help.
	ErrTooLarge = errors.New("store: unit too large")
)

// Store keeps records. All methods may be called from several goroutines; commits are taken one after the other.
type Store interface {
	// Lead makes the caller the leader and returns its fence, higher than any before it, and durable.
	Lead(ctx context.Context) (Fence, error)

	// Load calls visit for every record in ascending byte order of keys, as of one moment. Key and value are the callee's to
	// keep. An error from visit ends the load and is returned.
	Load(ctx context.Context, visit func(key string, value []byte) error) error

	// Commit makes units durable in order; when it returns nil all are, and when it returns any error but ErrUnknown, any
	// prefix of whole units may be: the same call may be repeated until it succeeds (values are absolute, so a repetition
	// changes nothing). Errors other than ErrFenced, ErrUnknown and ErrTooLarge are passing faults of the medium: a full disk,
	// a lost connection.
	Commit(ctx context.Context, fence Fence, units []Unit) error

	// Close releases the store. Commits after it fail.
	Close() error
}
