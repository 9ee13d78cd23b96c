// Package sample is an application to run under Ballast: for examples, demonstrations and tests. It answers requests, and it
// can be told to misbehave in the ways that an orchestrator must cope with: start slowly, crash, exit, freeze, fail its health
// check, have more to do than it can, need others, leak memory, end slowly, ignore SIGTERM. Beside it is a checker for containers that have no curl.
//
// It never reads or writes a file, and calls nobody but the addresses that it is given to check or to need. It listens on loopback unless told
// otherwise, because whoever reaches it can make it crash.
//
// state.go decides what happens when; app.go answers requests; run.go has the sockets, signals and timers. Start reading at
// Web.
package sample

import "fmt"

// Command is the group of commands, to be mounted in a command line made with kong.
type Command struct {
	Web   Web   `cmd:"" help:"Answer HTTP requests, and misbehave when told to."`
	Check Check `cmd:"" help:"Exit 0 if a URL answers with status 2xx, else 1. For container health checks."`
}

// ExitError is the end of a command that has said all it had to say: the process should exit with this code, 1 to 255, and
// print nothing.
type ExitError int

func (e ExitError) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// ExitCode returns e as a number.
func (e ExitError) ExitCode() int { return int(e) }
