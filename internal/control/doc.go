// Package control is the only writer of cluster state. Commands and what agents report go in; units for the journal, answers
// and messages to agents come out, none of them before it is durable.
//
// Machine (machine.go) decides, as a plain value without clock, chance, goroutines or I/O: it keeps five books (catalog,
// instances, tasks, services, sessions) and asks the scheduler what happens to every service that a step has touched. Control
// (run.go) acts: it owns the machine's goroutine, commits its batches and lets out what waits for them. Readers use Root, the
// last committed state, and never meet the writer. The package never runs a container and knows no AWS type. Start reading at
// Machine.Step, then decide.go.
package control
