package keeper

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"ballast/internal/cgroup"
)

// makeCgroups makes the control group (version 2, cgroups(7)) below which every container gets one of its own, and gives its
// directory, or "" where this process may not: then processes are found by their marker. controls are what else there is to bound
// them with. All is probed by doing.
func makeCgroups(dir string) (unified string, c controls) {
	sum := sha256.Sum256([]byte(dir))
	name := "ballast-keeper-" + hex.EncodeToString(sum[:8])
	own, top := cgroup.Own("")
	// Where this process's own group may not hand on its controllers, because it holds processes, root can have one beside it.
	for _, parent := range slices.Compact([]string{own, top}) {
		base := makeUnified(parent, name)
		if base == "" {
			continue
		}
		if memory, cpu := delegate(parent, base); unified == "" || memory {
			if unified != "" {
				leaveCgroup(unified)
			}
			unified, c.memory2, c.cpu2 = base, memory, cpu
		} else {
			leaveCgroup(base)
		}
		if c.memory2 {
			break
		}
	}
	if !c.memory2 {
		c.memory1 = makeVersion1("memory", name, cgroup.Memory(1, 1024, 0))
	}
	if !c.cpu2 {
		c.cpu1 = makeVersion1("cpu", name, cgroup.Share(1, 1024))
	}
	c.quota = c.cpu2 && hasQuota(unified, "cpu.max") || c.cpu1 != "" && hasQuota(c.cpu1, "cpu.cfs_quota_us")
	return unified, c
}

// delegate hands the controllers of a group on to the groups of containers below a base, and says which arrived.
func delegate(parent, base string) (memory, cpu bool) {
	for _, dir := range []string{parent, base} {
		for _, controller := range []string{"memory", "cpu"} {
			_ = cgroup.Set(dir, cgroup.Delegate(controller)) // a group with processes refuses; what counts is what arrives
		}
	}
	b, _ := os.ReadFile(filepath.Join(base, "cgroup.subtree_control"))
	arrived := strings.Fields(string(b))
	return slices.Contains(arrived, "memory"), slices.Contains(arrived, "cpu")
}

// hasQuota says whether processor time can be bounded, which a kernel may be built without.
func hasQuota(base, file string) bool {
	_, err := os.Stat(filepath.Join(base, file))
	return err == nil
}

// makeVersion1 makes the group of a hierarchy of version 1 below which containers get theirs, "" where it cannot be bounded.
func makeVersion1(controller, name string, probe []cgroup.Setting) string {
	own, _ := cgroup.Own(controller)
	if own == "" {
		return ""
	}
	base := filepath.Join(own, name)
	if err := os.Mkdir(base, 0o755); err != nil && !os.IsExist(err) {
		return ""
	}
	below := filepath.Join(base, "probe")
	if err := os.Mkdir(below, 0o755); err != nil && !os.IsExist(err) {
		return ""
	}
	defer os.Remove(below)
	if cgroup.Set(below, probe) != nil {
		return ""
	}
	return base
}

// makeUnified makes a group of version 2 that can be killed as a whole.
func makeUnified(parent, name string) string {
	if parent == "" || unix.Faccessat(unix.AT_FDCWD, filepath.Join(parent, "cgroup.procs"), unix.W_OK, unix.AT_EACCESS) != nil {
		return ""
	}
	base := filepath.Join(parent, name)
	if err := os.Mkdir(base, 0o755); err != nil && !os.IsExist(err) {
		return ""
	}
	probe := filepath.Join(base, "probe")
	if err := os.Mkdir(probe, 0o755); err != nil && !os.IsExist(err) {
		return ""
	}
	defer os.Remove(probe)
	if os.WriteFile(filepath.Join(probe, "cgroup.kill"), []byte("1"), 0) != nil { // since Linux 5.14
		return ""
	}
	return base
}

// enterCgroup makes a container's control group and lets its process begin in it. The file is to be closed after the fork.
func enterCgroup(dir string, attr *syscall.SysProcAttr) (*os.File, error) {
	if dir == "" {
		return nil, nil
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	return joinCgroup(dir, attr)
}

// joinCgroup lets a process begin in a control group that is there. The file is to be closed after the fork; nil without a group.
func joinCgroup(dir string, attr *syscall.SysProcAttr) (*os.File, error) {
	if dir == "" {
		return nil, nil
	}
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	attr.UseCgroupFD, attr.CgroupFD = true, fd
	return os.NewFile(uintptr(fd), dir), nil
}

// killCgroup ends every process of a group; empty says whether nothing of it is left.
func killCgroup(dir string) (empty bool) {
	events, err := os.ReadFile(filepath.Join(dir, "cgroup.events"))
	if errors.Is(err, os.ErrNotExist) {
		return true
	}
	if err == nil && bytes.Contains(events, []byte("populated 0")) {
		return true
	}
	os.WriteFile(filepath.Join(dir, "cgroup.kill"), []byte("1"), 0)
	return false
}

// leaveCgroup deletes a container's group and the groups that it made below.
func leaveCgroup(dir string) {
	if dir == "" || unix.Rmdir(dir) == nil {
		return
	}
	var below []string
	filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			below = append(below, path)
		}
		return nil
	})
	for _, path := range slices.Backward(below) { // parents come before their children
		unix.Rmdir(path)
	}
}
