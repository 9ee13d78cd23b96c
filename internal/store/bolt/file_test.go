package bolt

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"
)

func TestOpenInUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ballast.db")
	s := openTest(t, path)
	began := time.Now()
	_, err := Open(path)
	if !errors.Is(err, ErrInUse) {
		t.Fatalf("got %v, want %v", err, ErrInUse)
	}
	if want := "store: " + path + " is in use by another ballast (stop it, or choose another --data-dir)"; err.Error() != want {
		t.Errorf("message\n got %s\nwant %s", err, want)
	}
	if d := time.Since(began); d > 5*time.Second {
		t.Errorf("the refusal took %v", d)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	openTest(t, path)
}

func TestOpenRefusesBadFiles(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(t *testing.T, path string)
		want  string
	}{
		{"another program's file", func(t *testing.T, path string) {
			writeFile(t, path, []byte(strings.Repeat("not a database\n", 10_000)))
		}, "is damaged or not a file of ballast"},
		{"a file cut short", func(t *testing.T, path string) {
			if err := os.Truncate(path, 8*4096); err != nil {
				t.Fatal(err)
			}
		}, "is cut short"},
		{"a tree out of order", func(t *testing.T, path string) {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			writeFile(t, path, bytes.ReplaceAll(b, []byte("00050/left"), []byte("99999/left")))
		}, "is damaged"},
		{"a later format", func(t *testing.T, path string) {
			db, err := bbolt.Open(path, 0o600, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if err := db.Update(func(tx *bbolt.Tx) error { return tx.Bucket(metaBucket).Put(formatKey, []byte("2")) }); err != nil {
				t.Fatal(err)
			}
		}, `the file has format "2", this ballast knows format "1" only`},
		{"a folder that is missing", func(t *testing.T, path string) {
			if err := os.RemoveAll(filepath.Dir(path)); err != nil {
				t.Fatal(err)
			}
		}, "no such file or directory"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "ballast.db")
			s := openTest(t, path)
			commit(t, s, lead(t, s), numbered(0, 100))
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			c.spoil(t, path)
			_, err := Open(path)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
				t.Fatalf("got %v, want an error about %s that says: %s", err, path, c.want)
			}
		})
	}
}

// TestOpenWarmsLargeFiles opens a file beyond the size from which it is read in one go.
func TestOpenWarmsLargeFiles(t *testing.T) {
	s := openTest(t, filepath.Join(t.TempDir(), "ballast.db"))
	units := numbered(0, 2*warmBytes/(2*300))
	commit(t, s, lead(t, s), units)
	s = restart(t, s)
	wantRecords(t, s, units)
}

func TestFileIsPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ballast.db")
	openTest(t, path)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v: task definitions hold secrets", info.Mode())
	}
}

func writeFile(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}
