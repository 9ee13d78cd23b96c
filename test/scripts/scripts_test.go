// Package scripts plays black-box scripts, the .txtar files beside it, against the real program: testscript runs it as the
// command "ballast", in processes of its own.
//
// A script finds the flags of its own server in the environment: $LISTEN is a free address, and BALLAST_ENDPOINT and
// BALLAST_DATA_DIR are set to match; $OTHER_PORT is another free port. "until REGEXP COMMAND" repeats a command until its standard output matches.
package scripts

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"ballast/internal/agent/keeper"
	"ballast/internal/cli"
	"ballast/internal/driver"
)

// within bounds every wait of a script.
const within = 2 * time.Minute

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"ballast": func() { os.Exit(cli.Main(os.Args[1:], cli.Process())) },
	})
}

func TestScripts(t *testing.T) {
	examples, err := filepath.Abs("../../examples")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 ".",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			listen, err := freeAddress()
			if err != nil {
				return err
			}
			other, err := freeAddress()
			env.Setenv("LISTEN", listen)
			env.Setenv("OTHER_PORT", other[strings.LastIndexByte(other, ':')+1:])
			env.Setenv("EXAMPLES", examples)
			env.Setenv("HOME", filepath.Join(env.WorkDir, "home"))
			env.Setenv("BALLAST_ENDPOINT", "http://"+listen)
			env.Setenv("BALLAST_DRIVER", "process") // also where a Docker engine answers
			env.Setenv("BALLAST_DATA_DIR", filepath.Join(env.WorkDir, "data"))
			env.Defer(func() { sweep(t, filepath.Join(env.WorkDir, "data", "instances", "default", "keeper")) })
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"until": until},
	})
}

// nextPort is where the search for a free port goes on. It begins below the ports that systems give to those who ask for any,
// among them the containers of other scripts, and apart from where another run of these tests began.
var nextPort atomic.Int32

func init() { nextPort.Store(int32(20_000 + os.Getpid()%500*20)) }

// freeAddress gives an address at which nobody listens and that no other script of this run is given.
func freeAddress() (string, error) {
	for {
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(int(nextPort.Add(1))))
		l, err := net.Listen("tcp", address)
		if errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		if err != nil {
			return "", err
		}
		return address, l.Close()
	}
}

// sweep ends what a script that failed has left running under a keeper. One that did not has left none.
func sweep(t *testing.T, dir string) {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	c, err := keeper.Dial(ctx, dir, nil)
	if err != nil {
		return // there is no keeper
	}
	defer c.Close()
	left, err := c.List(ctx)
	for _, o := range left {
		if o.State == driver.Running {
			_, stopErr := c.Stop(ctx, o.Key, time.Second)
			err = errors.Join(err, stopErr)
		}
	}
	if err = errors.Join(err, c.Shutdown(ctx)); err != nil && !errors.Is(err, keeper.ErrGone) {
		t.Errorf("end what is left under %s: %v", dir, err)
	}
}

// until repeats a command until it succeeds and its standard output matches.
func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until REGEXP COMMAND [ARGUMENT...]")
	}
	want, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		err := ts.Exec(args[1], args[2:]...)
		if err == nil && want.MatchString(ts.ReadFile("stdout")) {
			return
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			ts.Fatalf("within %s the output of %v did not match %q; last (%v):\n%s%s", within, args[1:], args[0], err, ts.ReadFile("stdout"),
				ts.ReadFile("stderr"))
		}
	}
}
