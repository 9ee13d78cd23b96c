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
)

// makeCgroup makes the control group (version 2, cgroups(7)) below which every container gets one of its own, and gives its
// directory, or "" where this process may not: then processes are found by their marker. It is probed by doing.
func makeCgroup(dir string) string {
	own := ownCgroup()
	if own == "" || unix.Faccessat(unix.AT_FDCWD, filepath.Join(own, "cgroup.procs"), unix.W_OK, unix.AT_EACCESS) != nil {
		return ""
	}
	sum := sha256.Sum256([]byte(dir))
	base := filepath.Join(own, "ballast-keeper-"+hex.EncodeToString(sum[:8]))
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

// ownCgroup gives the directory of this process's control group.
func ownCgroup() string {
	mine, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return ""
	}
	path, found := "", false
	for line := range bytes.Lines(mine) {
		if p, ok := strings.CutPrefix(strings.TrimSpace(string(line)), "0::"); ok {
			path, found = p, true
		}
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil || !found {
		return ""
	}
	for line := range bytes.Lines(mounts) {
		if f := strings.Fields(string(line)); len(f) > 2 && f[2] == "cgroup2" {
			return filepath.Join(f[1], path)
		}
	}
	return ""
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
