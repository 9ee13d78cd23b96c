package harness

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Marker is the variable that every process of a container carries: "<task>/<container>/<attempt>:<token>".
const Marker = "BALLAST_CONTAINER"

// Alive says whether a process lives; a zombie does not.
func Alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, found := bytes.Cut(stat, []byte(") ")) // no program here has this in its name
	return found && len(rest) > 0 && rest[0] != 'Z' && rest[0] != 'X'
}

// Processes gives the living processes of this server's containers: those whose environment has the marker and a PATH that begins
// in the data directory.
func (s *Server) Processes() []Process {
	var all []Process
	for _, pid := range pids() {
		marker, path := "", ""
		for _, v := range words(pid, "environ") {
			if value, found := strings.CutPrefix(v, Marker+"="); found {
				marker = value
			} else if value, found := strings.CutPrefix(v, "PATH="); found {
				path = value
			}
		}
		parts := strings.Split(marker, "/")
		if len(parts) == 3 && strings.HasPrefix(path, s.DataDir+"/") && Alive(pid) {
			all = append(all, Process{PID: pid, Task: parts[0], Container: parts[1], Args: words(pid, "cmdline")})
		}
	}
	return all
}

// Keeper is the process id of the keeper, 0 when there is none.
func (s *Server) Keeper() int {
	for _, pid := range pids() {
		args := words(pid, "cmdline")
		if len(args) == 4 && args[1] == "keeper" && args[2] == "--dir" && strings.HasPrefix(args[3], s.DataDir+"/") && Alive(pid) {
			return pid
		}
	}
	return 0
}

// KillKeeper ends the keeper as no program can help, and returns when it is gone; found is false if there was none.
func (s *Server) KillKeeper() (found bool) {
	s.t.Helper()
	pid := s.Keeper()
	if pid == 0 {
		return false
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		s.t.Fatal(err)
	}
	Until(s.t, "the keeper is gone", func() error {
		if Alive(pid) {
			return fmt.Errorf("process %d lives", pid)
		}
		return nil
	})
	return true
}

// endOthers kills the keeper and the containers' processes, and gives how many there were.
func (s *Server) endOthers() int {
	all := s.Processes()
	if pid := s.Keeper(); pid != 0 {
		all = append(all, Process{PID: pid})
	}
	for _, p := range all {
		syscall.Kill(p.PID, syscall.SIGKILL)
	}
	return len(all)
}

func pids() []int {
	entries, _ := filepath.Glob("/proc/[1-9]*")
	all := make([]int, 0, len(entries))
	for _, e := range entries {
		if pid, err := strconv.Atoi(filepath.Base(e)); err == nil {
			all = append(all, pid)
		}
	}
	return all
}

// words reads a list of strings out of /proc; it is empty for a process that is gone, or another user's.
func words(pid int, name string) []string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
	if err != nil || len(text) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00")
}
