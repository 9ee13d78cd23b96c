package harness

// Process is a living process of a container.
type Process struct {
	PID int
	// Task is the id of its task, Container the name of its container.
	Task, Container string
	// Args are its command line.
	Args []string
}
