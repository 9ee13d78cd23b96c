package keeper

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// TestRecordCutAnywhere: whatever length a kill leaves, the record says what its whole lines say.
func TestRecordCutAnywhere(t *testing.T) {
	key := driver.Key{Task: ecs.ID{1, 2, 3}, Container: "app", Attempt: 2}
	code := int32(7)
	c := newContainer(key, 9, filepath.Join(t.TempDir(), "c"))
	first := c.firstRecord()
	first.Start = &startRecord{Token: "ab", Boot: "boot", At: 5, Bindings: []ecs.Binding{{BindIP: "127.0.0.1", HostPort: 80}}}
	f, err := createRecord(c.path, first)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if err := appendRecord(c.path, record{PID: &pidRecord{PID: 4, Start: 6}}); err != nil {
		t.Fatal(err)
	}
	if err := appendRecord(c.path, record{Exit: &exitRecord{At: 8, Code: &code}}); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(c.path + recordEnding)
	if err != nil {
		t.Fatal(err)
	}
	for n := range len(b) + 1 {
		s, ok, err := parseRecords(b[:n])
		lines := strings.Count(string(b[:n]), "\n")
		if err != nil || ok != (lines > 0) || (s.start != nil) != (lines > 0) || (s.pid != nil) != (lines > 1) || (s.exit != nil) != (lines > 2) {
			t.Fatalf("%d bytes, %d lines: got %+v, %v, %v", n, lines, s, ok, err)
		}
	}
	s, _, _ := parseRecords(b)
	want := saved{key: key, seq: 9, start: first.Start, pid: &pidRecord{PID: 4, Start: 6}, exit: &exitRecord{At: 8, Code: &code}}
	if diff := cmp.Diff(want, s, cmp.AllowUnexported(saved{})); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
}

func TestLoadSaved(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(containersPath(dir), 0o700); err != nil {
		t.Fatal(err)
	}
	whole := newContainer(driver.Key{Task: ecs.ID{1}, Container: "whole"}, 1, containerPath(dir, driver.Key{Task: ecs.ID{1}, Container: "whole"}))
	first := whole.firstRecord()
	first.Start = &startRecord{Token: "ab"}
	f, err := createRecord(whole.path, first)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString(`{"pid":{"pi`)
	f.Close()
	for name, text := range map[string]string{"torn.rec": `{"key":{"ta`, "bad.rec": "nonsense\n", "lone.out": ""} {
		if err := os.WriteFile(filepath.Join(containersPath(dir), name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	all, errs := loadSaved(dir)
	if len(all) != 1 || all[0].key != whole.key || all[0].pid != nil {
		t.Errorf("got %+v, want the whole one, without pid", all)
	}
	if len(errs) != 1 || !strings.Contains(errs[0].Error(), "bad.rec") {
		t.Errorf("errors %v, want one about bad.rec", errs)
	}
	if err := appendRecord(whole.path, record{PID: &pidRecord{PID: 3}}); err != nil {
		t.Fatal(err)
	}
	if s, _, err := loadOne(whole.path); err != nil || s.pid == nil || s.pid.PID != 3 {
		t.Errorf("after the torn line was cut and another followed: %+v, %v", s, err)
	}
	if _, err := os.Stat(filepath.Join(containersPath(dir), "torn.rec")); !os.IsNotExist(err) {
		t.Errorf("the record of a start that came to nothing: %v, want it deleted", err)
	}
}

func TestNames(t *testing.T) {
	long := strings.Repeat("a", 255)
	for name, ok := range map[string]bool{"app": true, "a-b_C9": true, long: true, long + "a": false, "": false, "a.b": false, "..": false, "a/b": false, "ä": false} {
		if err := CheckName(name); (err == nil) != ok {
			t.Errorf("%q: %v, want it to be usable: %t", name, err, ok)
		}
	}
	one, two := shortName(long), shortName(long[:254]+"b")
	if one == two || len(one) > maxShort || shortName("app") != "app" {
		t.Errorf("short names %q and %q of long ones", one, two)
	}
}

// shortFile is a file on a disk that fills up after room bytes.
type shortFile struct {
	*os.File
	room int
}

func (f *shortFile) Write(b []byte) (int, error) {
	n := min(f.room, len(b))
	f.room -= n
	if n, err := f.File.Write(b[:n]); err != nil {
		return n, err
	}
	if n < len(b) {
		return n, syscall.ENOSPC
	}
	return n, nil
}

func TestAppendToFullDiskLeavesNoTornLine(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "record"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	f := &shortFile{file, 5}
	if err := appendTo(f, record{Seq: 1}); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("on a full disk: %v", err)
	}
	if info, err := file.Stat(); err != nil || info.Size() != 0 {
		t.Errorf("size %d after a line that did not fit, want 0 (%v)", info.Size(), err)
	}
}
