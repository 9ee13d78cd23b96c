// Package store is the contract between control and its journal: an ordered map from keys to small values, changed by
// atomic units, written by one leader at a time. It knows nothing of what the records mean.
//
// Implementations: bolt (one file, the default), etcd (a cluster, for several servers), mem (tests, simulator, throw-away
// servers). Each passes the conformance suite in storetest. Start reading at Store.
package store

import (
	"context"
	"errors"
	"fmt"
)

// Limits of a unit, chosen so that one unit always fits into one transaction of a stock etcd (128 operations, 1.5 MiB).
const (
	MaxUnitRecords = 100
	MaxUnitBytes   = 512 << 10

	// MaxKeyBytes bounds one key: an account or cluster name, a kind and an id are far shorter.
	MaxKeyBytes = 1 << 10
)

// A Record is one change: the value a key has from now on. A nil Value removes the key (whether it existed or not); an empty
// one that is not nil is a value like any other. A Key has 1 to MaxKeyBytes bytes.
type Record struct {
	Key   string
	Value []byte
}

// A Unit is the smallest thing that is committed: all of its records or none. At most MaxUnitRecords records and
// MaxUnitBytes bytes of keys and values. Records count in order: of two with one key the later wins.
type Unit []Record

// A Fence proves leadership. It starts at 1 and grows with every Lead; a commit succeeds only under the newest one.
type Fence uint64

var (
	// ErrFenced says that another leader has taken over, or that the fence never came from Lead: nothing was committed, and
	// never again will be under this fence. The caller drops what it knows and, if it leads again, loads anew.
	ErrFenced = errors.New("store: another leader has taken over")

	// ErrUnknown says that the commit may or may not have happened. The caller must reload before it goes on.
	ErrUnknown = errors.New("store: outcome of the commit is unknown")

	// ErrTooLarge says that a unit exceeds MaxUnitRecords or MaxUnitBytes. Nothing was committed. It is a fault of the caller;
	// a retry cannot help.
	ErrTooLarge = errors.New("store: unit too large")

	// ErrKey says that a key is empty or longer than MaxKeyBytes. Nothing was committed. It is a fault of the caller; a retry
	// cannot help.
	ErrKey = errors.New("store: key empty or too long")

	// ErrClosed says that Close was called.
	ErrClosed = errors.New("store: closed")
)

// Store keeps records. All methods may be called from several goroutines; commits are taken one after the other.
type Store interface {
	// Lead makes the caller the leader and returns its fence, higher than any before it, and durable. A Lead that fails may
	// still have deposed the leader before it.
	Lead(ctx context.Context) (Fence, error)

	// Load calls visit for every record in ascending byte order of keys, as of one moment. Key and value are the callee's to
	// keep. An error from visit ends the load and is returned. visit must not call the store.
	Load(ctx context.Context, visit func(key string, value []byte) error) error

	// Commit makes units durable in order; when it returns nil all are. The units stay the caller's, who may change them once
	// Commit has returned. Without units it writes nothing and tells whether fence still leads.
	//
	// A context that is over before the commit began ends it with the context's error and nothing committed; later it has no
	// effect. Every error but ErrFenced, ErrUnknown, ErrTooLarge, ErrKey and ErrClosed is a passing fault of the medium (a full
	// disk, a lost connection) after which any prefix of whole units may be durable: the same call may be repeated until it
	// succeeds (values are absolute, so a repetition changes nothing).
	Commit(ctx context.Context, fence Fence, units []Unit) error

	// Close waits for calls under way and releases the store. Calls after it fail with ErrClosed, except Close itself.
	Close() error
}

// A Lapser is a Store whose leader can be deposed while it writes nothing, and which then finds that out by itself. A Store that is
// none deposes its leader only by a Lead of the same process.
type Lapser interface {
	// Lapsed gives a channel that is closed when the last Lead of this store is known, or must be feared, to lead no longer. What was
	// read under it may be old from then on. It is nil before the first Lead.
	Lapsed() <-chan struct{}
}

// Check tells whether every unit keeps the limits; if not, the error is ErrTooLarge or ErrKey and names the unit. Every
// implementation calls it before it commits anything.
func Check(units []Unit) error {
	for i, u := range units {
		if len(u) > MaxUnitRecords {
			return fmt.Errorf("%w: unit %d of %d has %d records, the most is %d", ErrTooLarge, i+1, len(units), len(u), MaxUnitRecords)
		}
		size := 0
		for _, r := range u {
			if len(r.Key) == 0 || len(r.Key) > MaxKeyBytes {
				return fmt.Errorf("%w: a key of unit %d of %d has %d bytes, the most is %d", ErrKey, i+1, len(units), len(r.Key), MaxKeyBytes)
			}
			size += len(r.Key) + len(r.Value)
		}
		if size > MaxUnitBytes {
			return fmt.Errorf("%w: unit %d of %d has %d bytes, the most is %d", ErrTooLarge, i+1, len(units), size, MaxUnitBytes)
		}
	}
	return nil
}
