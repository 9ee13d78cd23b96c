package ecs

// LogDriverAWSLogs is the log driver whose options name a log group and the beginning of a stream.
const LogDriverAWSLogs = "awslogs"

// Group is the log group that the container's lines are shown in, "" for that of its cluster. It may be called on nil.
func (l *Logging) Group() string {
	if l == nil || l.Driver != LogDriverAWSLogs {
		return ""
	}
	return l.Option("awslogs-group")
}

// StreamPrefix begins the name of the stream in Group, "" where the stream is named by the container's runtime id (developer guide,
// awslogs-stream-prefix).
func (l *Logging) StreamPrefix() string { return l.Option("awslogs-stream-prefix") }
