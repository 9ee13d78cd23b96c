package bolt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"ballast/internal/store"
)

// The write that bbolt is about to make, and its way to the real file.
type write struct {
	b     []byte
	meta  bool // of one of the two meta pages
	write func(b []byte) (int, error)
}

// TestFailedCommit lets the file's writes fail at every stage of a commit and looks at the store as it is then, after another
// commit, and after a restart. A sync that fails after the write of the meta page leaves what "meta page written" leaves.
func TestFailedCommit(t *testing.T) {
	for _, c := range []struct {
		name string
		fail func(w write) (int, error)
		want error // of the commit
	}{
		{"data not written", func(w write) (int, error) { return 0, syscall.ENOSPC }, syscall.ENOSPC},
		{"data half written", func(w write) (int, error) {
			n, _ := w.write(w.b[:len(w.b)/2])
			return n, syscall.ENOSPC
		}, syscall.ENOSPC},
		{"meta page not written", func(w write) (int, error) {
			if w.meta {
				return 0, syscall.EIO
			}
			return w.write(w.b)
		}, syscall.EIO},
		{"meta page torn", func(w write) (int, error) {
			if w.meta {
				n, _ := w.write(w.b[:60])
				return n, syscall.EIO
			}
			return w.write(w.b)
		}, syscall.EIO},
		{"meta page written", func(w write) (int, error) {
			n, err := w.write(w.b)
			if w.meta {
				err = syscall.EIO
			}
			return n, err
		}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := openTest(t, filepath.Join(t.TempDir(), "ballast.db"))
			fence := lead(t, s)
			before, after := numbered(0, 40), numbered(20, 90)
			commit(t, s, fence, before)

			for range 3 { // a full disk stays full for a while
				intercept(s, c.fail)
				if err := s.Commit(context.Background(), fence, after); !errors.Is(err, c.want) || errors.Is(err, store.ErrUnknown) {
					t.Fatalf("commit: got %v, want %v", err, c.want)
				}
				if c.want != nil {
					wantRecords(t, s, before)
				} else {
					wantRecords(t, s, before, after)
				}
			}
			intercept(s, nil)
			checkFile(t, s)
			commit(t, s, fence, after)
			wantRecords(t, s, before, after)
			s = restart(t, s)
			checkFile(t, s)
			wantRecords(t, s, before, after)
			commit(t, s, fence, numbered(0, 3))
		})
	}
}

// TestFailedLead: a Lead whose outcome is in doubt never succeeds, and the next one does.
func TestFailedLead(t *testing.T) {
	s := openTest(t, filepath.Join(t.TempDir(), "ballast.db"))
	first := lead(t, s)
	intercept(s, func(w write) (int, error) {
		n, err := w.write(w.b)
		if w.meta {
			err = syscall.EIO
		}
		return n, err
	})
	if f, err := s.Lead(context.Background()); !errors.Is(err, syscall.EIO) {
		t.Fatalf("got fence %d, error %v", f, err)
	}
	second := lead(t, s)
	if second <= first {
		t.Fatalf("fence %d after %d", second, first)
	}
	commit(t, s, second, numbered(0, 1))
}

// TestUnknownOutcome takes the file away while the outcome of a commit is in doubt.
func TestUnknownOutcome(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ballast.db")
	s := openTest(t, path)
	fence := lead(t, s)
	intercept(s, func(w write) (int, error) {
		n, err := w.write(w.b)
		if w.meta {
			err = errors.Join(syscall.EIO, os.Rename(path, path+".away"))
		}
		return n, err
	})
	if err := s.Commit(context.Background(), fence, numbered(0, 5)); !errors.Is(err, store.ErrUnknown) || !errors.Is(err, syscall.EIO) {
		t.Fatalf("commit: got %v, want %v with its cause", err, store.ErrUnknown)
	}

	// As long as it cannot be made certain, nothing is read or written; no empty file takes the lost one's place.
	if err := s.Load(context.Background(), func(string, []byte) error { return nil }); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("load without the file: %v", err)
	}
	if err := s.Commit(context.Background(), fence, numbered(5, 6)); !errors.Is(err, os.ErrNotExist) || errors.Is(err, store.ErrUnknown) {
		t.Errorf("commit without the file: %v", err)
	}

	// Nor does anybody else's file.
	foreign, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := foreign.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(context.Background(), fence, numbered(5, 6)); err == nil || !strings.Contains(err.Error(), "format") {
		t.Errorf("commit to another program's file: %v", err)
	}
	if err := os.Rename(path+".away", path); err != nil {
		t.Fatal(err)
	}
	wantRecords(t, s, numbered(0, 5))
	commit(t, s, fence, numbered(5, 6))
	wantRecords(t, s, numbered(0, 5), numbered(5, 6))
}

// TestUnknownWhenAnotherLed lets another process lead while the file is closed between a failed commit and the look at it.
func TestUnknownWhenAnotherLed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ballast.db")
	s := openTest(t, path)
	fence := lead(t, s)
	cause := errors.New("cause")
	s.write.Lock()
	defer s.write.Unlock()
	if err := s.db.Close(); err != nil {
		t.Fatal(err)
	}
	other := openTest(t, path)
	lead(t, other)
	commit(t, other, fence+1, numbered(0, 1))
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.settle(1, fence, cause); !errors.Is(err, store.ErrUnknown) || !errors.Is(err, cause) {
		t.Fatalf("got %v, want %v with its cause", err, store.ErrUnknown)
	}
}

// TestLoadAcrossFailedCommit: a load that began before a commit in doubt ends with what it began with.
func TestLoadAcrossFailedCommit(t *testing.T) {
	s := openTest(t, filepath.Join(t.TempDir(), "ballast.db"))
	fence := lead(t, s)
	before := numbered(0, 200)
	commit(t, s, fence, before)
	intercept(s, func(w write) (int, error) {
		n, err := w.write(w.b)
		if w.meta {
			err = syscall.EIO
		}
		return n, err
	})
	done := make(chan error)
	began := false
	got := map[string]string{}
	err := s.Load(context.Background(), func(key string, value []byte) error {
		if !began {
			began = true
			go func() { done <- s.Commit(context.Background(), fence, numbered(100, 300)) }()
		}
		got[key] = string(value)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Errorf("commit: %v", err)
	}
	if len(got) != 2*len(before) {
		t.Errorf("the load saw %d records, want %d", len(got), 2*len(before))
	}
	wantRecords(t, s, before, numbered(100, 300))
}

// intercept hands every write of the open file to fail, as long as bbolt has it open; nil ends that.
func intercept(s *Store, fail func(w write) (int, error)) {
	hook := reflect.ValueOf(s.db).Elem().FieldByName("ops").FieldByName("writeAt")
	file := reflect.ValueOf(s.db).Elem().FieldByName("file")
	f := *(**os.File)(unsafe.Pointer(file.UnsafeAddr()))
	writeAt := f.WriteAt
	if fail != nil {
		writeAt = func(b []byte, off int64) (int, error) {
			meta := off < int64(2*s.db.Info().PageSize)
			return fail(write{b, meta, func(b []byte) (int, error) { return f.WriteAt(b, off) }})
		}
	}
	*(*func([]byte, int64) (int, error))(unsafe.Pointer(hook.UnsafeAddr())) = writeAt
}

func openTest(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func restart(t testing.TB, s *Store) *Store {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return openTest(t, s.path)
}

func lead(t testing.TB, s *Store) store.Fence {
	t.Helper()
	f, err := s.Lead(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func commit(t testing.TB, s *Store, fence store.Fence, units []store.Unit) {
	t.Helper()
	if err := s.Commit(context.Background(), fence, units); err != nil {
		t.Fatal(err)
	}
}

// numbered returns units from up to, but not including, to. Each has two records that belong together.
func numbered(from, to int) []store.Unit {
	var units []store.Unit
	for i := from; i < to; i++ {
		value := []byte(strings.Repeat(fmt.Sprint(i, " of ", from, "-", to, " "), 20))
		units = append(units, store.Unit{{Key: fmt.Sprintf("%05d/left", i), Value: value}, {Key: fmt.Sprintf("%05d/right", i), Value: value}})
	}
	return units
}

// wantRecords wants exactly the records that commits of parts, one after the other, leave.
func wantRecords(t testing.TB, s *Store, parts ...[]store.Unit) {
	t.Helper()
	want := map[string]string{}
	for _, units := range parts {
		for _, u := range units {
			for _, r := range u {
				want[r.Key] = string(r.Value)
			}
		}
	}
	got := map[string]string{}
	err := s.Load(context.Background(), func(key string, value []byte) error {
		got[key] = string(value)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("records (-want +got):\n%s", diff)
	}
}

// checkFile lets bbolt check its pages and its list of free ones.
func checkFile(t testing.TB, s *Store) {
	t.Helper()
	err := s.db.View(func(tx *bbolt.Tx) error {
		for err := range tx.Check() {
			t.Errorf("the file is damaged: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
