package bolt

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"ballast/internal/store"
)

// Some faults need a process of their own: the test binary, started again with the name of what to do in its environment.
const childEnv = "BALLAST_BOLT_CHILD"

// children are what a child process can do, in the folder given as its argument. An error is its exit code 1.
var children = map[string]func(folder string) error{
	"commit for ever": commitForEver,
	"size limit":      meetSizeLimit,
	"full disk":       meetFullDisk,
}

func TestMain(m *testing.M) {
	if name := os.Getenv(childEnv); name != "" {
		if err := children[name](os.Args[1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func child(t *testing.T, name, folder string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, folder)
	cmd.Env = append(os.Environ(), childEnv+"="+name)
	cmd.Stderr = &bytes.Buffer{}
	return cmd
}

// unitsPerCommit is the size of the group that one transaction of the killed child carries.
const unitsPerCommit = 3

// commitForEver commits numbered units from where the file ends and prints the number of the last unit of each commit that
// was acknowledged.
func commitForEver(folder string) error {
	s, err := Open(filepath.Join(folder, "ballast.db"))
	if err != nil {
		return err
	}
	ctx := context.Background()
	next := 0
	if err := s.Load(ctx, func(string, []byte) error { next++; return nil }); err != nil {
		return err
	}
	next /= 2
	fence, err := s.Lead(ctx)
	if err != nil {
		return err
	}
	for {
		if err := s.Commit(ctx, fence, numbered(next, next+unitsPerCommit)); err != nil {
			return err
		}
		next += unitsPerCommit
		fmt.Println(next - 1)
	}
}

// TestKill kills a committing process at random points: every acknowledged unit is there, and no torn one.
func TestKill(t *testing.T) {
	const rounds = 6
	folder := t.TempDir()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range rounds {
		cmd := child(t, "commit for ever", folder)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		acknowledged, err := killAfter(cmd, bufio.NewScanner(out), random)
		if err != nil {
			t.Fatalf("%v; the child says: %s", err, cmd.Stderr)
		}
		s := openTest(t, filepath.Join(folder, "ballast.db"))
		checkFile(t, s)
		checkUnits(t, s, acknowledged)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// killAfter reads some acknowledgements, kills the process a random moment later, and returns the last acknowledged number.
func killAfter(cmd *exec.Cmd, lines *bufio.Scanner, random *rand.Rand) (last int, err error) {
	defer cmd.Wait()
	defer cmd.Process.Kill()
	for range 1 + random.IntN(60) {
		if !lines.Scan() {
			return 0, errors.New("the child ended by itself")
		}
		last, err = strconv.Atoi(lines.Text())
		if err != nil {
			return 0, err
		}
	}
	for moment := time.Now().Add(time.Duration(random.IntN(1500)) * time.Microsecond); time.Now().Before(moment); {
		// Busy, because a sleep would always end at the same stage of a commit.
	}
	if err := cmd.Process.Kill(); err != nil {
		return 0, err
	}
	for lines.Scan() { // what was acknowledged before the kill and not read yet
		if last, err = strconv.Atoi(lines.Text()); err != nil {
			return 0, err
		}
	}
	return last, nil
}

// checkUnits wants units 0 to at least last, whole, without a gap, and at most one commit more than was acknowledged.
func checkUnits(t *testing.T, s *Store, last int) {
	t.Helper()
	var keys []string
	values := map[string]string{}
	if err := s.Load(context.Background(), func(key string, value []byte) error {
		keys = append(keys, key)
		values[key] = string(value)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(keys); i += 2 {
		left, right := fmt.Sprintf("%05d/left", i/2), fmt.Sprintf("%05d/right", i/2)
		if values[left] == "" || values[left] != values[right] || !strings.HasPrefix(values[left], fmt.Sprint(i/2, " of ")) {
			t.Fatalf("unit %d is torn: %q, %q", i/2, values[left], values[right])
		}
	}
	switch got := len(keys)/2 - 1; {
	case got < last:
		t.Errorf("unit %d was acknowledged, the last one in the file is %d", last, got)
	case got > last+unitsPerCommit:
		t.Errorf("unit %d is in the file, the last acknowledged one was %d", got, last)
	}
}

// TestSizeLimit runs against the limit of a process on the size of its files, which fails the same calls as a full disk does,
// needs no rights, and can be lifted again.
func TestSizeLimit(t *testing.T) {
	runChild(t, child(t, "size limit", t.TempDir()))
}

func runChild(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, cmd.Stderr)
	}
}

// meetWall commits units against a wall (a disk that is full or a limit) that gives way when lift is called. It checks that
// the commit fails passingly, each time it is repeated, that all records stay readable, that it succeeds after lift, and that
// the file is sound.
func meetWall(s *Store, fence store.Fence, before, units []store.Unit, cause error, lift func() error) error {
	ctx := context.Background()
	for range 3 {
		err := s.Commit(ctx, fence, units)
		switch {
		case err == nil:
			return errors.New("the commit succeeded before the wall was lifted")
		case errors.Is(err, store.ErrUnknown), errors.Is(err, store.ErrFenced), errors.Is(err, store.ErrTooLarge), errors.Is(err, store.ErrClosed):
			return fmt.Errorf("not a passing fault: %w", err)
		case !strings.Contains(err.Error(), cause.Error()):
			return fmt.Errorf("got %w, want the cause %w", err, cause)
		}
		if err := sameRecords(s, before); err != nil {
			return fmt.Errorf("after the failed commit: %w", err)
		}
	}
	if err := lift(); err != nil {
		return err
	}
	if err := s.Commit(ctx, fence, units); err != nil {
		return fmt.Errorf("after the wall was lifted: %w", err)
	}
	if err := sameRecords(s, append(before[:len(before):len(before)], units...)); err != nil {
		return fmt.Errorf("after the wall was lifted: %w", err)
	}
	return nil
}

func sameRecords(s *Store, units []store.Unit) error {
	want := map[string]string{}
	for _, u := range units {
		for _, r := range u {
			want[r.Key] = string(r.Value)
		}
	}
	err := s.Load(context.Background(), func(key string, value []byte) error {
		if v, ok := want[key]; !ok || v != string(value) {
			return fmt.Errorf("record %s has %d bytes, want %d", key, len(value), len(v))
		}
		delete(want, key)
		return nil
	})
	if err == nil && len(want) > 0 {
		err = fmt.Errorf("%d records are missing", len(want))
	}
	return err
}

// meetSizeLimit meets the limit twice: where pages are written into the file as it is (one write is cut short), and where the
// file must grow.
func meetSizeLimit(folder string) error {
	s, err := Open(filepath.Join(folder, "ballast.db"))
	if err != nil {
		return err
	}
	fence, err := s.Lead(context.Background())
	if err != nil {
		return err
	}
	before := numbered(0, 300)
	if err := s.Commit(context.Background(), fence, before); err != nil {
		return err
	}
	for _, c := range []struct {
		stage string
		limit func() (uint64, error)
		units []store.Unit
	}{
		{"write", func() (uint64, error) {
			tx, err := s.db.Begin(false)
			if err != nil {
				return 0, err
			}
			defer tx.Rollback()
			return uint64(tx.Size()) + 10*4096 + 1000, nil
		}, numbered(300, 900)},
		{"grow", func() (uint64, error) {
			info, err := os.Stat(s.path)
			return uint64(info.Size()), err
		}, large(growBytes + growBytes/2)},
	} {
		limit, err := c.limit()
		if err != nil {
			return err
		}
		lift, err := limitFileSize(limit)
		if err != nil {
			return err
		}
		if err := meetWall(s, fence, before, c.units, errFileTooLarge, lift); err != nil {
			return fmt.Errorf("%s: %w", c.stage, err)
		}
		before = append(before, c.units...)
	}
	if err := s.Close(); err != nil {
		return err
	}
	if s, err = Open(s.path); err != nil {
		return err
	}
	return sameRecords(s, before)
}

// large returns units of about size bytes together.
func large(size int) []store.Unit {
	var units []store.Unit
	for i := 0; i*store.MaxUnitBytes/2 < size; i++ {
		units = append(units, store.Unit{{Key: fmt.Sprintf("large/%03d", i), Value: bytes.Repeat([]byte{byte(i)}, store.MaxUnitBytes/2)}})
	}
	return units
}
