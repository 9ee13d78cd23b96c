package explain

import (
	"fmt"
	"strconv"
	"strings"

	"ballast/internal/scheduler"
	"ballast/internal/scheduler/placement"
)

// unplaced tells of tasks that no container instance can take, and what each of the closest ones lacks.
func (b *builder) unplaced(e scheduler.Explanation) Finding {
	f := Finding{Kind: Unplaced, Weight: Broken, Deployment: e.Deployment.String(), Count: e.Tasks,
		Text: waiting(e.Tasks) + " for room on a container instance.",
		Then: "it is tried again, sooner if room comes free", At: moment(b.View.RetryAt)}
	var room *Room
	for i := range b.Rooms {
		if b.Rooms[i].Deployment == e.Deployment {
			room = &b.Rooms[i]
		}
	}
	if room == nil {
		return f
	}
	if room.Instances == 0 {
		f.Text = fmt.Sprintf("%s: cluster %s has no container instance.", waiting(e.Tasks), b.report.Cluster)
		f.Then, f.At = verb(e.Tasks, "it is", "they are")+" placed when one registers", moment(0)
		f.Try = []string{"ballast up --cluster " + b.report.Cluster + "   # registers one"}
		return f
	}
	f.Text = fmt.Sprintf("%s for room: each needs %s.", waiting(e.Tasks), demand(&room.Demand))
	fits := false
	for i := range room.Closest {
		s := &room.Closest[i]
		fits = fits || s.Fits()
		f.Details = append(f.Details, "Container instance "+short(s.Instance)+" "+lacking(s, &room.Demand)+".")
		f.Instances = append(f.Instances, Lack{Instance: s.Instance.String(), Disconnected: s.Disconnected, Draining: s.Closed, CPU: s.CPU,
			Memory: s.Memory, ShortCPU: s.ShortCPU, ShortMemory: s.ShortMemory, Ports: append(append([]uint16(nil), s.Ports...), s.PortsUDP...)})
	}
	if others := room.Instances - len(room.Closest); others > 0 {
		f.Details = append(f.Details, fmt.Sprintf("The other %s lack%s more.", count(others, "container instance"), verb(others, "s", "")))
	}
	if !fits {
		f.Try = advisePlacement(room)
	}
	return f
}

// demand says what a task needs, ports by number included.
func demand(d *placement.Demand) string {
	var needs []string
	if d.CPU > 0 {
		needs = append(needs, fmt.Sprintf("%d CPU units", d.CPU))
	}
	if d.Memory > 0 {
		needs = append(needs, fmt.Sprintf("%d MiB of memory", d.Memory))
	}
	if ports := append(numbers(d.Ports, ""), numbers(d.PortsUDP, "/udp")...); len(ports) > 0 {
		needs = append(needs, verb(len(ports), "host port ", "host ports ")+list(ports))
	}
	if len(needs) == 0 {
		return "nothing but a container instance"
	}
	return list(needs)
}

func numbers(ports []uint16, suffix string) []string {
	var words []string
	for _, p := range ports {
		words = append(words, strconv.Itoa(int(p))+suffix)
	}
	return words
}

// lacking says what a container instance lacks.
func lacking(s *placement.Shortfall, d *placement.Demand) string {
	switch {
	case s.Disconnected:
		return "takes no tasks: its agent is not connected"
	case s.Closed:
		return "takes no tasks: it is not ACTIVE"
	case s.Fits():
		return "has room by now"
	}
	var lacks []string
	if s.ShortCPU > 0 {
		lacks = append(lacks, fmt.Sprintf("%d of %d CPU units free", max(0, s.CPU), d.CPU))
	}
	if s.ShortMemory > 0 {
		lacks = append(lacks, fmt.Sprintf("%d of %d MiB free", max(0, s.Memory), d.Memory))
	}
	text := ""
	if len(lacks) > 0 {
		text = "has " + list(lacks)
	}
	if ports := append(numbers(s.Ports, ""), numbers(s.PortsUDP, "/udp")...); len(ports) > 0 {
		text = strings.TrimPrefix(text+" and ", " and ") + "has " + verb(len(ports), "port ", "ports ") + list(ports) + " taken"
	}
	if text == "" {
		text = strings.TrimSuffix(s.Reason, ".") // something that placement filters by and that has no figures
	}
	return text
}

// advisePlacement says what would make room, by what the closest container instance lacks.
func advisePlacement(room *Room) []string {
	closest := &room.Closest[0]
	var tips []string
	switch {
	case closest.Disconnected:
		return []string{"Start the agent of container instance " + short(closest.Instance) + " again."}
	case closest.Closed:
		return []string{"Add a container instance, or make this one ACTIVE again."}
	}
	if closest.ShortCPU > 0 || closest.ShortMemory > 0 {
		tips = append(tips, "Lower cpu or memory in the task definition, stop other tasks, or add a container instance.")
	}
	if len(closest.Ports)+len(closest.PortsUDP) > 0 {
		tips = append(tips, "Map host port 0 to have one chosen, add a container instance, or leave room in minimumHealthyPercent to stop an old"+
			" task first.")
	}
	return tips
}
