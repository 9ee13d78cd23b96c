// Package cli is the command line: one file per verb, each with its options, which kong fills, and a Run that only works.
//
// Verbs are ordinary clients of the API, through the AWS SDK, and know nothing that another client could not know; only up
// also composes a server (package daemon). Results go to standard output, talk goes to standard error, and every verb gives
// JSON on request. The package never reads the state of a server but through its endpoint.
//
// Start reading at Main, then at ps.go for a small verb and up.go for the large one.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"ballast/internal/agent/keeper"
	"ballast/internal/sample"
	"ballast/internal/scheduler/policy"
)

// Exit codes, as every verb's help documents them.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2   // the command line or a file named by it makes no sense; nothing was done
	exitNoServer    = 3   // no Ballast answers at the endpoint
	exitNotSteady   = 4   // the time is up and a service is not steady
	exitInterrupted = 130 // by Ctrl-C or SIGTERM
)

// grammar is the whole command line.
type grammar struct {
	Help helpFlag `short:"h" help:"Show help, with examples."`

	Up       upVerb       `cmd:"" help:"Start a server with a container instance, and deploy what DIR holds."`
	Deploy   deployVerb   `cmd:"" help:"Deploy what DIR holds to a server, and follow the rollout."`
	Diff     diffVerb     `cmd:"" help:"Show what deploying DIR would change."`
	Rollback rollbackVerb `cmd:"" help:"Bring a service back to an earlier revision of its task definition."`
	Wait     waitVerb     `cmd:"" help:"Wait until services are steady, or tasks have stopped."`
	Ps       psVerb       `cmd:"" aliases:"tasks" help:"List tasks: status, health, where they listen, why they stopped."`
	Events   eventsVerb   `cmd:"" help:"Show what the scheduler did for a service, and why."`
	Why      whyVerb      `cmd:"" help:"Say why a service is not as it should be, what happens next, and what to do."`
	Logs     logsVerb     `cmd:"" help:"Show what containers wrote."`
	Exec     execVerb     `cmd:"" help:"Run a command, or a shell, in a container."`
	Stop     stopVerb     `cmd:"" help:"Stop tasks, or all tasks of services."`
	Simulate simulateVerb `cmd:"" help:"Play a deployment or an outage in virtual time, and see whether it goes as expected."`
	Version  versionVerb  `cmd:"" help:"Show the version."`

	Store storeVerb `cmd:"" help:"Move the state of servers: copy."`

	Sample sample.Command `cmd:"" help:"An application to run under Ballast, and to make misbehave."`
	Keeper keeperVerb     `cmd:"" hidden:"" help:"Be the parent of the processes of a container instance."`
	Pause  pauseVerb      `cmd:"" hidden:"" help:"Hold the namespaces that the containers of a task share."`
}

const description = `Ballast runs containers as Amazon ECS does, on machines of your own.

Begin with "ballast up examples/web". Whatever speaks ECS works with it: the AWS CLI, SDKs, Terraform, ecspresso.

Exit codes: 0 done; 1 failed; 2 the command line or a file makes no sense; 3 no Ballast answers; 4 not steady in time; 130 interrupted.`

// helpFlag prints the help of what was named before it and ends the parsing.
type helpFlag bool

var errHelp = errors.New("help was asked for")

// BeforeReset is called by kong when the flag is given, before it misses any argument.
func (helpFlag) BeforeReset(c *kong.Context) error {
	if err := c.PrintUsage(false); err != nil {
		return err
	}
	return errHelp
}

// parse reads a command line into a context that can be run.
func parse(args []string, s *Streams) (*kong.Context, error) {
	var g grammar
	k, err := kong.New(&g,
		kong.Name("ballast"), kong.Description(description), kong.NoDefaultHelp(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, FlagsLast: true, NoExpandSubcommands: true, WrapUpperBound: 100}),
		kong.Writers(s.Out, s.Err),
		kong.Vars{"data_dir": defaultDataDir(s.Getenv), "policies": strings.Join(policy.Names(), ", ")},
		kong.Exit(func(int) { panic("cli: kong may not end the process") }),
	)
	if err != nil {
		panic(fmt.Sprintf("cli: the grammar is wrong: %v", err))
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	return k.Parse(args)
}

// Main runs one command line, given without the name of the program, and gives the exit code.
func Main(args []string, s *Streams) int {
	if len(args) > 0 && args[0] == keeper.LimitVerb {
		return keeper.BecomeLimited(args[1:])
	}
	c, err := parse(familiar(args), s)
	if errors.Is(err, errHelp) {
		return exitDone
	}
	if err == nil {
		c.BindTo(context.Background(), (*context.Context)(nil))
		c.BindTo(s.Out, (*io.Writer)(nil))
		return finish(s, c.Run(s))
	}
	verb := "ballast"
	if pe := (*kong.ParseError)(nil); errors.As(err, &pe) && pe.Context != nil && pe.Context.Selected() != nil {
		verb = nameOf(pe.Context.Selected())
	}
	fmt.Fprintf(s.Err, "ballast: %v\nRun %q to learn more.\n", err, verb+" --help")
	return exitUsage
}

// familiar reads what people are used to from other programs: "--version" and "help VERB".
func familiar(args []string) []string {
	switch {
	case len(args) == 1 && args[0] == "--version":
		return []string{"version"}
	case len(args) > 0 && args[0] == "help":
		return append(slices.Clone(args[1:]), "--help")
	}
	return args
}

// nameOf gives a verb as it is typed, without its other names.
func nameOf(verb *kong.Node) string {
	if verb.Parent == nil {
		return verb.Name
	}
	return nameOf(verb.Parent) + " " + verb.Name
}
