package driver

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Op is a kind of call to a driver.
type Op uint8

// The calls that a machine may ask for.
const (
	OpNone Op = iota
	OpList
	OpPull
	OpCreate
	OpStart
	OpStop
	OpRemove
	OpRemoveLogs
	OpExec
)

var opNames = [...]string{"none", "list", "pull", "create", "start", "stop", "remove", "remove-logs", "exec"}

// String gives the name of the call in lower case.
func (o Op) String() string { return opNames[o] }

// Call is a call to a driver as a value, for those who decide on calls without making them and for drivers that are models.
type Call struct {
	// ID names the call; its Result carries the same one.
	ID uint64
	Op Op
	// Key is the container meant. Pull names the container that needs the image, RemoveLogs only the task, List nothing.
	Key Key
	// Spec is set for Create.
	Spec *Spec
	// Image is set for Pull.
	Image string
	// Credentials, of Pull, names the secret that Login is looked up from before the call is made; "" for none.
	Credentials string
	Login       *Login
	// Command is set for Exec.
	Command []string
	// Timeout is, for Stop, the time between SIGTERM and SIGKILL, and for Exec, how long the command may take.
	Timeout time.Duration
	// Limit is how long the call may take as a whole; what takes longer is given up with TimedOut.
	Limit time.Duration
}

// String names the operation and what it is about.
func (c Call) String() string {
	switch c.Op {
	case OpList:
		return c.Op.String()
	case OpRemoveLogs:
		return c.Op.String() + " " + c.Key.Task.String()
	}
	return c.Op.String() + " " + c.Key.String()
}

// Result is the outcome of a Call.
type Result struct {
	ID  uint64
	Err error
	// TimedOut says that the call was given up after its Limit; Err is set too.
	TimedOut bool

	Pulled  bool          // of Pull
	Started Started       // of Start
	Exit    Exit          // of Stop
	List    []Observation // of List
	Code    int           // of Exec
	Output  string        // of Exec
}

// Do makes the call and waits for its outcome, at most for its Limit (0 = no limit).
func (c Call) Do(ctx context.Context, d Driver) Result {
	if c.Limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.Limit)
		defer cancel()
	}
	result := c.do(ctx, d)
	result.ID = c.ID
	result.TimedOut = result.Err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded)
	return result
}

func (c Call) do(ctx context.Context, d Driver) (r Result) {
	switch c.Op {
	case OpList:
		r.List, r.Err = d.List(ctx)
	case OpPull:
		r.Pulled, r.Err = d.Pull(ctx, c.Image, c.Login)
	case OpCreate:
		r.Err = d.Create(ctx, c.Key, *c.Spec)
	case OpStart:
		r.Started, r.Err = d.Start(ctx, c.Key)
	case OpStop:
		r.Exit, r.Err = d.Stop(ctx, c.Key, c.Timeout)
	case OpRemove:
		r.Err = d.Remove(ctx, c.Key)
	case OpRemoveLogs:
		r.Err = d.RemoveLogs(ctx, c.Key.Task)
	case OpExec:
		r.Code, r.Output, r.Err = d.Exec(ctx, c.Key, c.Command, c.Timeout)
	default:
		r.Err = fmt.Errorf("driver call %d: no operation %d", c.ID, c.Op)
	}
	return r
}
