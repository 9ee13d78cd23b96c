// Package mem is the store that keeps its records in memory: for tests, the simulator and servers that may forget. It is
// deterministic, and it can be told to fail as a real medium does: before a commit, in the midst of one, or without saying
// whether the commit happened.
//
// It never touches a disk, a clock or a goroutine. Start reading at Store.
package mem

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"sync"

	"github.com/tidwall/btree"

	"ballast/internal/store"
)

// All, as the number of units given to FailNext, lets every unit of the commit take effect.
const All = math.MaxInt

// Store implements store.Store in memory. Make one with New.
type Store struct {
	medium *medium

	mu     sync.RWMutex // read-locked by every call until it returns, so that Close can wait; taken before medium.mu
	closed bool
}

// medium is what outlives a Store, as a disk outlives a process.
type medium struct {
	mu      sync.Mutex
	records btree.Map[string, []byte]
	fence   store.Fence
	faults  []fault
}

// fault is what becomes of one commit: its first applied units take effect, then it returns err.
type fault struct {
	err     error
	applied int
}

var _ store.Store = (*Store)(nil)

// New returns an empty store.
func New() *Store {
	return &Store{medium: &medium{}}
}

// Reopen closes s and returns a store on the same records, fence and awaited faults: what a process finds after a restart.
func (s *Store) Reopen() *Store {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return &Store{medium: s.medium}
}

// Join returns a second store on the same records, as another process on the same medium has it. Leading through one deposes
// the leader of the other.
func (s *Store) Join() *Store {
	return &Store{medium: s.medium}
}

// FailNext makes one commit fail: its first applied units take effect (all, if it has fewer), then it returns an error that
// wraps err. Calls queue up: the first is for the next commit, the second for the one after it. A commit refused for its
// fence or its form, and one without units, uses up no fault.
//
// FailNext(err, 0) is a disk found full, FailNext(err, n) one that filled on the way, FailNext(store.ErrUnknown, 0 or All) a
// connection lost before the answer came. It panics if err is one that promises that nothing was committed and applied is
// not 0, because no correct store does that.
func (s *Store) FailNext(err error, applied int) {
	if err == nil || applied < 0 || applied > 0 && refusal(err) {
		panic(fmt.Sprintf("mem: no store fails with %v after %d units", err, applied))
	}
	s.medium.mu.Lock()
	defer s.medium.mu.Unlock()
	s.medium.faults = append(s.medium.faults, fault{err, applied})
}

// Lead implements store.Store.
func (s *Store) Lead(ctx context.Context) (store.Fence, error) {
	if err := s.enter(ctx); err != nil {
		return 0, err
	}
	defer s.mu.RUnlock()
	m := s.medium
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fence++
	return m.fence, nil
}

// Load implements store.Store. It visits a copy-on-write image, so a slow visit holds up no commit.
func (s *Store) Load(ctx context.Context, visit func(key string, value []byte) error) error {
	err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer s.mu.RUnlock()
	s.medium.mu.Lock()
	image := s.medium.records.Copy()
	s.medium.mu.Unlock()

	image.Scan(func(key string, value []byte) bool {
		if err = ctx.Err(); err == nil {
			err = visit(key, append(make([]byte, 0, len(value)), value...))
		}
		return err == nil
	})
	return err
}

// Commit implements store.Store.
func (s *Store) Commit(ctx context.Context, fence store.Fence, units []store.Unit) error {
	if err := store.Check(units); err != nil {
		return err
	}
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.mu.RUnlock()
	m := s.medium
	m.mu.Lock()
	defer m.mu.Unlock()
	if fence != m.fence || fence == 0 {
		return fmt.Errorf("commit %d units under fence %d: %w", len(units), fence, store.ErrFenced)
	}
	if len(units) == 0 {
		return nil
	}
	if len(m.faults) == 0 {
		m.apply(units)
		return nil
	}
	f := m.faults[0]
	m.faults = m.faults[1:]
	m.apply(units[:min(f.applied, len(units))])
	return fmt.Errorf("commit %d units: %w", len(units), f.err)
}

// Close implements store.Store. The records live on for Reopen and for stores made by Join.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

// enter read-locks s.mu, unless the store is closed or the context over.
func (s *Store) enter(ctx context.Context) error {
	s.mu.RLock()
	err := ctx.Err()
	if s.closed {
		err = store.ErrClosed
	}
	if err != nil {
		s.mu.RUnlock()
	}
	return err
}

func (m *medium) apply(units []store.Unit) {
	for _, u := range units {
		for _, r := range u {
			if r.Value == nil {
				m.records.Delete(r.Key)
			} else {
				m.records.Set(r.Key, bytes.Clone(r.Value))
			}
		}
	}
}

// refusal tells whether err promises that nothing was committed.
func refusal(err error) bool {
	for _, r := range []error{store.ErrFenced, store.ErrTooLarge, store.ErrKey, store.ErrClosed} {
		if errors.Is(err, r) {
			return true
		}
	}
	return false
}
