package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ballast/internal/store"
	"ballast/internal/store/bolt"
	"ballast/internal/store/mem"
)

// filled makes a store file with some records, more than one unit holds.
func filled(t *testing.T, path string) (records int) {
	t.Helper()
	s, err := bolt.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	fence, err := s.Lead(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 * copyUnits {
		var u store.Unit
		for j := range store.MaxUnitRecords - 1 {
			u = append(u, store.Record{Key: fmt.Sprintf("c/%04d/%04d", i, j), Value: fmt.Append(nil, i, j)[:1+j%3]})
		}
		if err := s.Commit(context.Background(), fence, []store.Unit{u}); err != nil {
			t.Fatal(err)
		}
		records += len(u)
	}
	return records
}

func TestStoreCopy(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from.db"), filepath.Join(dir, "to.db")
	n := filled(t, from)
	run := func(args ...string) (int, string, string) {
		s, out, talk, _ := terminalless(nil)
		code := Main(append([]string{"store", "copy"}, args...), s)
		return code, out.String(), talk.String()
	}
	if code, out, talk := run(from, to); code != exitDone || !strings.Contains(out, fmt.Sprint(n)) {
		t.Fatalf("copy: code %d, %q, %q", code, out, talk)
	}
	before, after := dump(t, from), dump(t, to)
	if before != after || strings.Count(after, "\n") != n {
		t.Errorf("the copy differs")
	}
	if code, _, talk := run(from, to); code != exitFailed || !strings.Contains(talk, "records already") {
		t.Errorf("copy into a store with records: code %d, %q", code, talk)
	}
	if dump(t, to) != after {
		t.Error("a refused copy changed its target")
	}
	for _, args := range [][]string{{filepath.Join(dir, "none.db"), to}, {dir, to}, {"etcd://nowhere", to}, {"https://a:1/b", to}} {
		if code, _, talk := run(args...); code != exitUsage {
			t.Errorf("%v: code %d, %q", args, code, talk)
		}
	}
	empty, fresh := filepath.Join(dir, "empty.db"), filepath.Join(dir, "fresh.db")
	s, err := bolt.Open(empty)
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	if code, _, talk := run(empty, fresh); code != exitFailed || !strings.Contains(talk, "it has no records") {
		t.Errorf("copy of nothing: code %d, %q", code, talk)
	}
	if _, err := os.Stat(fresh); err == nil {
		t.Error("a copy of nothing was made")
	}
	if _, err := os.Stat(filepath.Join(dir, "none.db")); err == nil {
		t.Error("a source was made")
	}
}

func dump(t *testing.T, path string) string {
	t.Helper()
	s, err := bolt.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var b strings.Builder
	err = s.Load(context.Background(), func(key string, value []byte) error {
		_, err := fmt.Fprintf(&b, "%s %x\n", key, value)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// A copy that fails half-way leaves its target empty, so that no server starts from a part.
func TestStoreCopyFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "from.db")
	filled(t, path)
	from, err := openStore(context.Background(), path, true)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	target := mem.New()
	to, err := lead(context.Background(), target)
	if err != nil {
		t.Fatal(err)
	}
	full := errors.New("disk full")
	target.FailNext(full, 5)
	if _, err := copyStore(context.Background(), from, to, func(int) {}); !errors.Is(err, full) {
		t.Errorf("copy: %v, want %v", err, full)
	}
	err = target.Load(context.Background(), func(key string, _ []byte) error { return fmt.Errorf("%s is left", key) })
	if err != nil {
		t.Error(err)
	}
}
