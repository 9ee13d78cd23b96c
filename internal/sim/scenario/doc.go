// Package scenario plays a deployment or an outage as a file tells it: plain ECS JSON in YAML, what the application does, what
// happens from outside and when, and what is expected of it.
//
// It reads the file (read.go, fields.go, document.go), plays it through the machines of control and agents under virtual time
// (play.go on sim.Stage, application.go, outside.go, traffic.go), records what is seen (record.go), and holds that against the
// expectations (expect.go, measure.go). The same file, seed and policy give the same Result, to the byte.
//
// It runs nothing real, prints nothing and draws nothing (package picture does), and knows no way around the API: what a
// scenario asks of ECS goes through the operations of the API as any client's request. Start reading at Read, then Play.
package scenario
