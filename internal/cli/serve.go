package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"ballast/internal/cli/project"
	"ballast/internal/daemon"
	"ballast/internal/scheduler/policy"
)

// server is "ballast up" while its server runs.
type server struct {
	*upVerb
	streams *Streams
	screen  *screen
	daemon  *daemon.Daemon
	own     *ownKey
	signals <-chan os.Signal
}

func (u *server) say(format string, args ...any) { fmt.Fprintf(u.screen, format+"\n", args...) }

// run deploys p, if it is not nil, and serves until a signal comes or a role of the daemon fails.
func (u *server) run(ctx context.Context, p *project.Project) error {
	u.banner()
	deploying, cancel := context.WithCancel(ctx)
	defer cancel()
	deployed := make(chan error, 1)
	go func() { deployed <- u.deploy(deploying, p) }()
	over := false
	finish := func() {
		if cancel(); !over {
			<-deployed
		}
		u.screen.show(nil)
	}
	for {
		select {
		case <-u.signals:
			finish()
			return u.leave(ctx)
		case err := <-u.daemon.Failed():
			finish()
			return errors.Join(err, u.daemon.Stop(true))
		case err := <-deployed:
			if over = true; err != nil {
				return errors.Join(err, u.leave(ctx))
			}
			settleDown()
		}
	}
}

// banner says what has been started.
func (u *server) banner() {
	u.say("Ballast %s at %s (cluster %s, region %s, account %s, policy %s)", Version(), u.daemon.Endpoint(), u.Cluster, u.Region,
		u.Account, u.Policy)
	u.say("driver %s%s: %s", u.daemon.DriverName(), chosen(u.daemon.DriverWhy()), meaning(u.daemon.DriverName(), u.daemon.DriverHost(),
		u.daemon.DriverLimits(), u.RegistryAuth))
	u.say("data in %s", u.DataDir)
	if u.Store != "" {
		u.say("leads, with its state in %s", u.Store)
	}
}

// meaning says what to expect of a driver, and what not.
func meaning(driver, host, limits, logins string) string {
	if driver == "docker" {
		with := "without credentials"
		if logins != "" {
			with = "with the logins in " + logins
		}
		return fmt.Sprintf("containers run on the engine at %s, which enforces CPU shares and memory limits; %s; ports are bound at 127.0.0.1, "+
			"and registries are asked %s", host, limits, with)
	}
	return "containers are processes of this machine, with your rights; images are not pulled; " + limits
}

func chosen(why string) string {
	if why != "" {
		return " (chosen by --driver auto: " + why + ")"
	}
	return ""
}

// deploy deploys p, if there is one, and says how to go on.
func (u *server) deploy(ctx context.Context, p *project.Project) error {
	if p != nil {
		err := u.bringUp(ctx, *p)
		var failed rolloutError
		switch {
		case errors.As(err, &failed) && failed.steady:
			u.say("%s", failed.text)
		case err != nil:
			return err
		}
	}
	u.say("\n%s", u.howTo())
	return nil
}

func (u *server) bringUp(ctx context.Context, p project.Project) error {
	c, err := u.clientOf(u.streams, u.daemon.Endpoint(), u.own)
	if err != nil {
		return err
	}
	numbers, err := policy.Named(u.Policy)
	if err != nil {
		return err
	}
	d := &deployment{client: c, screen: u.screen, now: u.streams.Now, policy: numbers, revisions: map[string]string{}}
	if err := d.apply(ctx, p); err != nil {
		return err
	}
	if err := d.follow(ctx); err != nil {
		return err
	}
	return u.results(ctx, u.streams, d, u.daemon.Endpoint())
}

// howTo says how to speak to the server. The flag works with every AWS CLI, the variable AWS_ENDPOINT_URL only with newer ones.
func (u *server) howTo() string {
	key, secret := dummyKey, dummyKey
	if u.own != nil {
		key, secret = "KEY", "SECRET" // of the file
	}
	return fmt.Sprintf(`Point the AWS CLI at it:

    export AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY=%s AWS_DEFAULT_REGION=%s
    aws --endpoint-url %s ecs list-services --cluster %s

"ballast ps", "ballast logs" and "ballast events" show what runs. Ctrl-C %s.`,
		key, secret, u.Region, u.daemon.Endpoint(), u.Cluster, u.ctrlC())
}

func (u *server) ctrlC() string {
	if u.Keep {
		return "ends the server and leaves the tasks running"
	}
	return "stops the tasks and the server"
}

// sameInterrupt is the time in which a second signal is the first one over again: what starts programs (make, timeout, npm)
// passes Ctrl-C on to those that the terminal has told already.
const sameInterrupt = 300 * time.Millisecond

// leave ends the server: with its tasks, or without them where they are to be kept or the user does not want to wait.
func (u *server) leave(ctx context.Context) error {
	n := len(u.daemon.Running())
	if u.Keep {
		err := u.daemon.Stop(true)
		u.say(`%d tasks run on; the next "ballast up" finds them again`, n)
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if n > 0 {
		u.say("Stopping %d tasks; Ctrl-C again leaves at once.", n)
	}
	began := time.Now()
	halted := make(chan error, 1)
	go func() { halted <- u.daemon.Halt(ctx) }()
	for {
		select {
		case err := <-halted:
			err = errors.Join(err, u.daemon.Stop(false))
			if err == nil && n > 0 {
				u.say("Stopped %d tasks in %s.", n, time.Since(began).Round(10*time.Millisecond))
			}
			return err
		case <-u.signals:
			if time.Since(began) >= sameInterrupt {
				u.say(`Left at once; what still runs is found again by the next "ballast up".`)
				return errInterrupted
			}
		}
	}
}
