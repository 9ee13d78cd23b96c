// Package bolt is the store in one file, on bbolt: nothing to install, and every commit on the disk before it returns.
//
// A file belongs to one process at a time. All units of a commit go into one transaction, whose first act is to compare the
// fence. A commit that fails leaves the store readable and ready for the next one; settle.go says how it finds out what became
// of it. The package never interprets a record and never retries. Start reading at Open.
package bolt

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"

	"go.etcd.io/bbolt"

	"ballast/internal/store"
)

// The layout of the file: one bucket of records, one of facts about them.
var (
	recordsBucket = []byte("records")
	metaBucket    = []byte("meta")
	fenceKey      = []byte("fence")  // 8 bytes, big endian
	formatKey     = []byte("format") // the name of this layout
	format        = []byte("1")
)

// fillPercent is how full a page is left when it is split. Keys mostly ascend, which asks for full pages; but a task's record
// grows by up to a half while the task comes up, and a page without room for that is split once more: at 0.8 pages end up half
// empty, at 0.65 three quarters full (BenchmarkLife).
const fillPercent = 0.65

// Store implements store.Store. Make one with Open.
type Store struct {
	path string

	// write is held by the one call that writes, reopens or closes. mu guards db and closed, which change only under both
	// locks: a writer reads them under write alone, a reader holds mu as long as it reads. write is taken first.
	write  sync.Mutex
	mu     sync.RWMutex
	db     *bbolt.DB // nil while the file could not be opened again after a fault
	closed bool
}

var _ store.Store = (*Store)(nil)

// Open opens the file at path, and creates it if there is none; its folder must exist. The error is ErrInUse when another
// process has the file open.
func Open(path string) (*Store, error) {
	db, err := create(path)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	return &Store{path: path, db: db}, nil
}

// Lead implements store.Store.
func (s *Store) Lead(ctx context.Context) (store.Fence, error) {
	s.write.Lock()
	defer s.write.Unlock()
	var fence store.Fence
	failed, err := s.update(ctx, func(tx *bbolt.Tx) error {
		fence = readFence(tx) + 1
		return tx.Bucket(metaBucket).Put(fenceKey, binary.BigEndian.AppendUint64(nil, uint64(fence)))
	})
	if failed != 0 {
		// The fence in the file may be another process's, so even one that is there is not ours.
		err = s.settle(failed, noFence, err)
	}
	if err != nil {
		return 0, fmt.Errorf("lead by %s: %w", s.path, err)
	}
	return fence, nil
}

// Load implements store.Store. It reads one transaction; commits go on meanwhile, except one that must enlarge the mapping of
// the file, which waits for the load to end.
func (s *Store) Load(ctx context.Context, visit func(key string, value []byte) error) error {
	return s.view(ctx, func(tx *bbolt.Tx) error {
		c := tx.Bucket(recordsBucket).Cursor()
		for k, v := c.First(); k != nil; k, v = c.Next() {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := visit(string(k), append(make([]byte, 0, len(v)), v...)); err != nil {
				return err
			}
		}
		return nil
	})
}

// Commit implements store.Store. All units go into one transaction: after an error other than ErrUnknown none is durable.
func (s *Store) Commit(ctx context.Context, fence store.Fence, units []store.Unit) error {
	err := store.Check(units)
	switch {
	case err != nil:
	case len(units) == 0:
		err = s.view(ctx, func(tx *bbolt.Tx) error { return checkFence(tx, fence) })
	default:
		err = s.commit(ctx, fence, units)
	}
	if err != nil {
		return fmt.Errorf("commit %d units to %s under fence %d: %w", len(units), s.path, fence, err)
	}
	return nil
}

func (s *Store) commit(ctx context.Context, fence store.Fence, units []store.Unit) error {
	s.write.Lock()
	defer s.write.Unlock()
	failed, err := s.update(ctx, func(tx *bbolt.Tx) error {
		if err := checkFence(tx, fence); err != nil {
			return err
		}
		return apply(tx, units)
	})
	if failed != 0 {
		return s.settle(failed, fence, err)
	}
	return err
}

// Close implements store.Store.
func (s *Store) Close() error {
	s.write.Lock()
	defer s.write.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return s.release()
}

// checkFence compares fence with the newest one, inside the transaction that relies on it.
func checkFence(tx *bbolt.Tx, fence store.Fence) error {
	if fence == 0 || fence != readFence(tx) {
		return store.ErrFenced
	}
	return nil
}

func readFence(tx *bbolt.Tx) store.Fence {
	if v := tx.Bucket(metaBucket).Get(fenceKey); v != nil {
		return store.Fence(binary.BigEndian.Uint64(v))
	}
	return 0
}

func apply(tx *bbolt.Tx, units []store.Unit) error {
	b := tx.Bucket(recordsBucket)
	b.FillPercent = fillPercent
	for _, u := range units {
		for _, r := range u {
			var err error
			if r.Value == nil {
				err = b.Delete([]byte(r.Key))
			} else {
				err = b.Put([]byte(r.Key), r.Value)
			}
			if err != nil {
				return fmt.Errorf("record %q: %w", r.Key, err)
			}
		}
	}
	return nil
}
