package bolt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// fullDiskBytes is the size of the disk to be filled, padBytes what is in its way and can be removed.
const (
	fullDiskBytes = 1 << 20
	padBytes      = 700 << 10
)

// TestFullDisk fills a small disk of the child's own, in a mount namespace, which needs no rights where the system lets
// anybody make one. TestSizeLimit covers the same ground everywhere.
func TestFullDisk(t *testing.T) {
	cmd := child(t, "full disk", t.TempDir())
	id := func(id int) []syscall.SysProcIDMap {
		return []syscall.SysProcIDMap{{ContainerID: 0, HostID: id, Size: 1}}
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: id(os.Getuid()),
		GidMappings: id(os.Getgid()),
	}
	err := cmd.Start()
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) || errors.Is(err, syscall.ENOSPC) {
		t.Skipf("this system lets nobody make a mount namespace: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		if cmd.ProcessState.ExitCode() == 1 && fmt.Sprint(cmd.Stderr) == errNoMount.Error()+"\n" {
			t.Skip(errNoMount)
		}
		t.Fatalf("%v: %s", err, cmd.Stderr)
	}
}

var errNoMount = errors.New("this system lets nobody mount a disk in a namespace")

// meetFullDisk fills the disk under a store, then makes room.
func meetFullDisk(folder string) error {
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, fmt.Sprintf("size=%d", fullDiskBytes)); err != nil {
		return errNoMount
	}
	pad := filepath.Join(folder, "pad")
	if err := os.WriteFile(pad, make([]byte, padBytes), 0o600); err != nil {
		return err
	}
	s, err := Open(filepath.Join(folder, "ballast.db"))
	if err != nil {
		return err
	}
	fence, err := s.Lead(context.Background())
	if err != nil {
		return err
	}
	before := numbered(0, 100)
	if err := s.Commit(context.Background(), fence, before); err != nil {
		return err
	}
	units := numbered(100, 600)
	if err := meetWall(s, fence, before, units, syscall.ENOSPC, func() error { return os.Remove(pad) }); err != nil {
		return err
	}
	if err := s.Close(); err != nil {
		return err
	}
	if s, err = Open(s.path); err != nil {
		return err
	}
	return sameRecords(s, append(before, units...))
}
