package bolt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"

	"go.etcd.io/bbolt"

	"ballast/internal/store"
)

// What bbolt does when a commit fails, and what follows from it.
//
// A commit writes the changed pages to free places of the file and syncs, then writes one of the two meta pages, which
// makes them count, and syncs again. bbolt shows each meta page as the kernel's page cache has it.
//
//   - A fault before the meta page (a full disk almost always) changed nothing: bbolt keeps showing the old one, has rebuilt
//     its list of free pages, and can go on.
//   - When the write or the sync of the meta page fails, the new one may be in the page cache and still not on the disk.
//     After a failed sync Linux takes such a page for clean and never tries again. If bbolt went on, its next commit would
//     overwrite pages of the only state that is durable. It has also declared pages free that loads may be reading.
//   - When the file cannot be mapped any more (no memory), bbolt can neither read nor write until it is opened again.
//
// In the last two cases the file is closed and opened again, and the meta pages are written once more, as they are, and
// synced: what is visible after that is durable, and its transaction id tells whether the commit is part of it.

// noFence is no leader's: settling under it never finds a commit done.
const noFence store.Fence = 0

// update runs change in a transaction and commits it. If the commit fails, failed is the id of the transaction, and the
// caller must settle it; it is 0 when change was refused or nothing begun. s.write is held.
func (s *Store) update(ctx context.Context, change func(*bbolt.Tx) error) (failed int, err error) {
	if err := s.ready(); err != nil {
		return 0, err
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	tx, err := s.db.Begin(true)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback() // no effect after Commit
	if err := change(tx); err != nil {
		return 0, err
	}
	id := tx.ID()
	if err := tx.Commit(); err != nil {
		return id, err
	}
	return 0, nil
}

// view runs look in a reading transaction.
func (s *Store) view(ctx context.Context, look func(*bbolt.Tx) error) error {
	s.mu.RLock()
	if s.db == nil {
		s.mu.RUnlock()
		s.write.Lock()
		err := s.ready()
		s.write.Unlock()
		if err != nil {
			return err
		}
		s.mu.RLock()
	}
	defer s.mu.RUnlock()
	switch {
	case s.closed:
		return store.ErrClosed
	case s.db == nil:
		return errFault
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.db.View(look)
}

// errFault is for a reader that was overtaken by a second fault.
var errFault = errors.New("the file could not be opened again after a fault")

// ready opens the file again if a fault left it closed. s.write is held.
func (s *Store) ready() error {
	if s.closed {
		return store.ErrClosed
	}
	if s.db != nil {
		return nil
	}
	return s.reopen()
}

// settle makes the state of the file certain after the commit of transaction id failed with cause, and says how that commit
// ended: nil if it is durable after all, cause if it never happened, ErrUnknown if that cannot be told. s.write is held.
func (s *Store) settle(id int, fence store.Fence, cause error) error {
	if newest, _, err := s.newest(); err == nil && newest < id {
		return cause
	}
	if err := s.reopen(); err != nil {
		return fmt.Errorf("%w: %w; then %w", store.ErrUnknown, cause, err)
	}
	newest, leader, err := s.newest()
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w; then %w", store.ErrUnknown, cause, err)
	case newest < id:
		return cause
	case leader == fence:
		return nil
	case fence == noFence:
		return cause
	default: // another process had the file while it was closed
		return fmt.Errorf("%w: %w; then another leader took over", store.ErrUnknown, cause)
	}
}

// newest returns the id and the fence of the newest transaction that can be read.
func (s *Store) newest() (id int, leader store.Fence, err error) {
	err = s.db.View(func(tx *bbolt.Tx) error {
		id, leader = tx.ID(), readFence(tx)
		return nil
	})
	return id, leader, err
}

// reopen closes the file, opens it again and makes what it shows durable. If that fails the file stays closed until the next
// call tries again. s.write is held; loads under way are waited for.
func (s *Store) reopen() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.release(); err != nil {
		return fmt.Errorf("close %s: %w", s.path, err)
	}
	db, err := open(s.path, os.O_RDWR)
	if err != nil {
		return err
	}
	found, err := readFormat(db)
	if err == nil && !bytes.Equal(found, format) {
		err = wrongFormat(found)
	}
	if err == nil {
		err = rewriteMeta(s.path, db.Info().PageSize)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("open %s again: %w", s.path, err), db.Close())
	}
	s.db = db
	return nil
}

// release closes the file. s.write and s.mu are held.
func (s *Store) release() error {
	if s.db == nil {
		return nil
	}
	db := s.db
	s.db = nil
	return db.Close()
}

// rewriteMeta writes both meta pages as they are and syncs them, so that what the page cache holds is on the disk. Nobody else
// writes them: the caller has the file open, and with it the lock.
func rewriteMeta(path string, pageSize int) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	pages := make([]byte, 2*pageSize)
	if _, err := f.ReadAt(pages, 0); err != nil {
		return err
	}
	if _, err := f.WriteAt(pages, 0); err != nil {
		return err
	}
	return f.Sync()
}
