package bolt

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

const (
	// lockTimeout is how long to wait for another process to let go of the file: long enough for one that is just ending,
	// short enough for someone who waits for an error message.
	lockTimeout = 300 * time.Millisecond

	// initialMapBytes is the address space taken at first. It costs no memory (only pages that are read do) and spares small
	// files every remapping, which must wait for loads to end.
	initialMapBytes = 64 << 20

	// growBytes is the step in which a larger file grows. Each step costs a sync of its own; the space is a hole until it is
	// written.
	growBytes = 16 << 20

	// warmBytes is the size from which on reading a file in one go, before bbolt reads it page by page in the order of its
	// tree, pays off.
	warmBytes = 4 << 20
)

// ErrInUse says that another process has the file open.
var ErrInUse = errors.New("is in use by another ballast (stop it, or choose another --data-dir)")

// create opens the file at path for use by a new Store, and makes the file and its buckets where they are missing.
func create(path string) (*bbolt.DB, error) {
	db, err := open(path, os.O_RDWR|os.O_CREATE)
	if err != nil {
		return nil, err
	}
	if err := prepare(db); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), db.Close())
	}
	return db, nil
}

// open opens the file at path with bbolt. The flag decides whether a missing file is created; a file that vanished from under
// a running store must not come back empty.
func open(path string, flag int) (db *bbolt.DB, err error) {
	defer func() {
		if p := recover(); p != nil { // so bbolt says that its tree is broken
			err = fmt.Errorf("%s is damaged: %v", path, p)
		}
	}()
	if err := examine(path); err != nil {
		return nil, err
	}
	db, err = bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout:         lockTimeout,
		FreelistType:    bbolt.FreelistMapType,
		NoFreelistSync:  true, // found again by reading the tree at opening; writing it would cost every commit
		NoStatistics:    true,
		InitialMmapSize: initialMapBytes,
		OpenFile: func(name string, _ int, mode os.FileMode) (*os.File, error) {
			return os.OpenFile(name, flag, mode)
		},
	})
	if err != nil {
		return nil, explain(path, err)
	}
	db.AllocSize = growBytes
	return db, nil
}

// explain adds the path to an error of bbolt, and what to do about it where that is known.
func explain(path string, err error) error {
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return fmt.Errorf("%s %w", path, ErrInUse)
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrVersionMismatch), errors.Is(err, berrors.ErrChecksum):
		return fmt.Errorf("%s is damaged or not a file of ballast: %w", path, err)
	default:
		return fmt.Errorf("open %s: %w", path, err)
	}
}

// examine refuses a file that is shorter than its meta page says (a copy cut short): reading what is missing would kill the
// process, since bbolt reads through a mapping. A large file it reads once in order, because bbolt is about to read all of it
// page by page, which on a cold disk takes many times as long.
func examine(path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) || err == nil && info.Size() == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	db, err := bbolt.Open(path, 0, &bbolt.Options{ReadOnly: true, Timeout: lockTimeout, NoStatistics: true})
	if err != nil {
		return explain(path, err)
	}
	defer db.Close()
	tx, err := db.Begin(false)
	if err != nil {
		return explain(path, err)
	}
	defer tx.Rollback()
	if info.Size() < tx.Size() {
		return fmt.Errorf("%s is cut short: %d of %d bytes; restore it, or remove it to start empty", path, info.Size(), tx.Size())
	}
	if tx.Size() < warmBytes {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(f, tx.Size()))
	return err
}

// prepare makes the buckets of a new file and refuses a file of another format.
func prepare(db *bbolt.DB) error {
	found, err := readFormat(db)
	if err != nil || bytes.Equal(found, format) {
		return err
	}
	if found != nil {
		return wrongFormat(found)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		if _, err := tx.CreateBucketIfNotExists(recordsBucket); err != nil {
			return err
		}
		meta, err := tx.CreateBucketIfNotExists(metaBucket)
		if err != nil {
			return err
		}
		return meta.Put(formatKey, format)
	})
	if err != nil {
		return fmt.Errorf("lay out the file: %w", err)
	}
	return syncFolder(filepath.Dir(db.Path()))
}

// readFormat returns the name of the file's layout, nil if it has none yet.
func readFormat(db *bbolt.DB) (found []byte, err error) {
	err = db.View(func(tx *bbolt.Tx) error {
		if meta := tx.Bucket(metaBucket); meta != nil {
			found = bytes.Clone(meta.Get(formatKey))
		}
		return nil
	})
	return found, err
}

func wrongFormat(found []byte) error {
	return fmt.Errorf("the file has format %q, this ballast knows format %q only", found, format)
}

// syncFolder makes the name of a new file durable, where the file system can do that.
func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOTSUP) {
		return fmt.Errorf("sync folder %s: %w", path, err)
	}
	return nil
}
