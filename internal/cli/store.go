package cli

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"os"
	"path/filepath"
	"strings"

	"ballast/internal/store"
	"ballast/internal/store/bolt"
	"ballast/internal/store/etcd"
)

// storeVerb holds what can be done to the state of servers that do not run.
type storeVerb struct {
	Copy storeCopyVerb `cmd:"" help:"Copy all state from one store into an empty one."`
}

// storeCopyVerb copies a store.
type storeCopyVerb struct {
	outputOptions `embed:""`

	From string `arg:"" help:"A file (state.db of a data directory) or the URL of an etcd cluster, as --store of \"ballast up\" takes it."`
	To   string `arg:"" help:"The same. It must have no records yet; a file is made."`
}

// Help is shown with the flags.
func (storeCopyVerb) Help() string {
	return `Examples:

    ballast store copy ~/.local/state/ballast/state.db etcd://10.0.0.1:2379,10.0.0.2:2379/ballast
    ballast store copy etcd://10.0.0.1:2379/ballast /var/lib/ballast/state.db

No server may use either store. When the copy is done both are read again and compared. A copy that fails removes what it has written.

With -o json: {"records"}.

Exit codes: 0 done, 1 failed, 2 usage, 130 interrupted.`
}

// Run copies, compares and says how much.
func (v *storeCopyVerb) Run(ctx context.Context, s *Streams) error {
	ctx, cancel := s.interruptible(ctx)
	defer cancel()
	from, err := openStore(ctx, v.From, true)
	if err != nil {
		return err
	}
	defer from.Close()
	if err := notEmpty(ctx, from); err != nil {
		return fmt.Errorf("copy %s: %w", v.From, err)
	}
	to, err := openStore(ctx, v.To, false)
	if err != nil {
		return err
	}
	defer to.Close()
	n, err := copyStore(ctx, from, to, func(n int) { s.say("%d records", n) })
	if err != nil {
		return fmt.Errorf("copy %s to %s: %w", v.From, v.To, err)
	}
	if v.json() {
		return writeJSON(s.Out, map[string]int{"records": n})
	}
	_, err = fmt.Fprintf(s.Out, "copied and compared %d records\n", n)
	return err
}

// openStore opens a store, and leads it, which fails where a server does. A file that is to be read must be there.
func openStore(ctx context.Context, at string, exists bool) (*ledStore, error) {
	if !strings.HasPrefix(at, etcd.Scheme) {
		if strings.Contains(at, "://") {
			return nil, usagef("%s: want a file, or %sHOST:PORT/PREFIX", at, etcd.Scheme)
		}
		if info, err := os.Stat(at); err == nil && info.IsDir() {
			return nil, usagef("%s is a folder; the state of a data directory is in %s", at, filepath.Join(at, "state.db"))
		} else if err != nil && exists {
			return nil, usageError{err.Error()}
		}
		s, err := bolt.Open(at)
		if err != nil {
			return nil, err
		}
		return lead(ctx, s)
	}
	if _, err := etcd.ParseAddress(at); err != nil {
		return nil, usageError{err.Error()}
	}
	leading, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s, err := etcd.Open(ctx, at, "ballast store copy", func(leader string) {
		cancel(fmt.Errorf("%s is in use by %s; stop that one first", at, leader))
	})
	if err != nil {
		return nil, err
	}
	led, err := lead(leading, s)
	if err != nil && ctx.Err() == nil && leading.Err() != nil {
		err = context.Cause(leading)
	}
	return led, err
}

// ledStore is a store that this process leads.
type ledStore struct {
	store.Store
	fence store.Fence
}

func lead(ctx context.Context, s store.Store) (*ledStore, error) {
	fence, err := s.Lead(ctx)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return &ledStore{s, fence}, nil
}

const (
	// copyUnits is how many full units are committed at once.
	copyUnits = 20
	// copySaysEvery is the number of records between two words about progress.
	copySaysEvery = 50_000
)

// errNotEmpty says that a target has records, errEmpty that there is nothing to copy: in an etcd cluster that is a slip in the prefix.
var (
	errNotEmpty = errors.New("the target has records already; copy into an empty one")
	errEmpty    = errors.New("it has no records; no server has used this file, or this prefix of the etcd cluster")
)

// notEmpty fails with errEmpty for a store without records.
func notEmpty(ctx context.Context, s *ledStore) error {
	some := errors.New("there are some")
	err := s.Load(ctx, func(string, []byte) error { return some })
	switch {
	case errors.Is(err, some):
		return nil
	case err == nil:
		return errEmpty
	}
	return err
}

// copyStore copies all records, compares and gives their number. After a failure the target is empty again, if it can be reached.
func copyStore(ctx context.Context, from, to *ledStore, progress func(n int)) (n int, err error) {
	err = to.Load(ctx, func(string, []byte) error { return errNotEmpty })
	if err != nil {
		return 0, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, clearStore(context.WithoutCancel(ctx), to))
		}
	}()
	c := copying{to: to}
	read := newDigest()
	err = from.Load(ctx, func(key string, value []byte) error {
		if read.add(key, value); read.records%copySaysEvery == 0 {
			progress(read.records)
		}
		return c.add(ctx, store.Record{Key: key, Value: value})
	})
	if err == nil {
		err = c.flush(ctx)
	}
	if err != nil {
		return 0, err
	}
	written := newDigest()
	if err := to.Load(ctx, func(key string, value []byte) error { written.add(key, value); return nil }); err != nil {
		return 0, fmt.Errorf("compare: %w", err)
	}
	if read.records != written.records || read.sum() != written.sum() {
		return 0, fmt.Errorf("%d records were read and %d are there now, or their contents differ", read.records, written.records)
	}
	return read.records, nil
}

// clearStore removes all records.
func clearStore(ctx context.Context, s *ledStore) error {
	var keys []string
	if err := s.Load(ctx, func(key string, _ []byte) error { keys = append(keys, key); return nil }); err != nil {
		return fmt.Errorf("the target keeps a part of the copy, remove it: %w", err)
	}
	c := copying{to: s}
	for _, key := range keys {
		if err := c.add(ctx, store.Record{Key: key}); err != nil {
			return fmt.Errorf("the target keeps a part of the copy, remove it: %w", err)
		}
	}
	return c.flush(ctx)
}

// copying gathers records into units, and units into commits.
type copying struct {
	to    *ledStore
	units []store.Unit
	unit  store.Unit
	bytes int // of unit
}

func (c *copying) add(ctx context.Context, r store.Record) error {
	size := len(r.Key) + len(r.Value)
	if len(c.unit) == store.MaxUnitRecords || c.bytes+size > store.MaxUnitBytes {
		c.units, c.unit, c.bytes = append(c.units, c.unit), nil, 0
	}
	c.unit, c.bytes = append(c.unit, r), c.bytes+size
	if len(c.units) < copyUnits {
		return nil
	}
	return c.commit(ctx)
}

func (c *copying) commit(ctx context.Context) error {
	err := c.to.Commit(ctx, c.to.fence, c.units)
	c.units = nil
	return err
}

func (c *copying) flush(ctx context.Context) error {
	if len(c.unit) > 0 {
		c.units, c.unit, c.bytes = append(c.units, c.unit), nil, 0
	}
	return c.commit(ctx)
}

// digest counts records and sums them up in their order, which is the same in every store.
type digest struct {
	records int
	hash    hash.Hash
}

func newDigest() *digest { return &digest{hash: sha256.New()} }

func (d *digest) add(key string, value []byte) {
	d.records++
	var lengths [16]byte
	binary.BigEndian.PutUint64(lengths[:], uint64(len(key)))
	binary.BigEndian.PutUint64(lengths[8:], uint64(len(value)))
	d.hash.Write(lengths[:])
	d.hash.Write([]byte(key))
	d.hash.Write(value)
}

func (d *digest) sum() string { return string(d.hash.Sum(nil)) }
