package docker

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// killTree kills a process and its descendants, provided that its cgroup is the container's: the id may be one of another machine.
func killTree(pid int, containerID string) {
	cgroup, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	if err != nil || !strings.Contains(string(cgroup), containerID) {
		return
	}
	children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	syscall.Kill(pid, syscall.SIGKILL)
	for _, text := range strings.Fields(string(children)) {
		if child, err := strconv.Atoi(text); err == nil {
			killTree(child, containerID)
		}
	}
}
