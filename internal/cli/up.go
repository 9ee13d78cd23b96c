package cli

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"ballast/internal/cli/project"
	"ballast/internal/daemon"
	"ballast/internal/httpd"
	"ballast/internal/scheduler/policy"
)

// upVerb starts a server with a container instance, or speaks to the one that runs, and deploys a folder.
type upVerb struct {
	outputOptions `embed:""`

	Dir string `arg:"" optional:"" help:"A folder with task-definition.json and service.json, as the AWS CLI takes them."`

	Listen       string        `default:"127.0.0.1:4510" placeholder:"HOST:PORT" help:"Where the API listens (${default})."`
	DataDir      string        `env:"BALLAST_DATA_DIR" default:"${data_dir}" placeholder:"DIR" help:"What outlives the process (${default})."`
	Store        string        `placeholder:"URL" help:"Keep the state in an etcd cluster that several servers share, as etcd://HOST:2379,HOST2:2379/PREFIX; one leads and serves, the others follow. By default it is a file in --data-dir."`
	Driver       string        `env:"BALLAST_DRIVER" default:"auto" enum:"auto,process,docker" placeholder:"auto|process|docker" help:"What runs containers (${default}: docker where an engine answers, else process; a data directory stays with its first one)."`
	Pull         string        `default:"default" enum:"default,always,once,prefer-cached" placeholder:"WHEN" help:"When the docker driver asks registries for images: default (for every task, and the image that is there will do if that fails), always (the task fails then), once, prefer-cached (where there is none)."`
	RegistryAuth string        `placeholder:"FILE" help:"Logins for registries, as the Docker CLI keeps them in config.json. Task definitions can name others (repositoryCredentials)."`
	Cluster      string        `default:"default" placeholder:"NAME" help:"The cluster of the container instance and of what is deployed (${default})."`
	Region       string        `default:"us-east-1" placeholder:"NAME" help:"The region that ARNs name (${default})."`
	Account      string        `default:"000000000000" placeholder:"NUMBER" help:"The account that ARNs name (${default})."`
	Policy       string        `default:"ecs" enum:"ecs,ecs-2026,ecs-2022,fast" placeholder:"NAME" help:"The numbers that ECS fixes: ecs (the default), ecs-2026, ecs-2022, or fast, with short ones for development."`
	Credentials  string        `placeholder:"FILE" help:"Whom to let in: lines of \"key secret admin|read\". Needed to listen beyond loopback."`
	Secrets      string        `placeholder:"DIR" help:"Where containers' secrets are: files parameters/NAME (Parameter Store), secrets/NAME (Secrets Manager), files/BUCKET/KEY.env (environment files in S3). Without it tasks that need any fail."`
	Host         []string      `placeholder:"NAME" help:"A name that clients may call the server by, besides localhost and its address."`
	LogLevel     slog.Level    `default:"warn" placeholder:"LEVEL" help:"What the server logs: debug, info, warn (the default) or error."`
	Keep         bool          `help:"Leave the tasks running when the server ends."`
	Timeout      time.Duration `default:"10m" help:"As client of a running server: how long to wait for the steady state."`
}

// Help is shown with the flags.
func (upVerb) Help() string {
	return `Examples:

    ballast up examples/web            start a server and a container instance, and deploy the folder
    ballast up                         just the server and the container instance
    ballast up examples/web            in another terminal: deploy what has changed since
    ballast up --policy fast .         do not wait 40 s for a task to count as healthy

If a Ballast answers at --listen already, this one is its client: it deploys what has changed, waits until that is steady and ends.

Ctrl-C stops the tasks in order and then the server; a second one leaves at once. The next "up" with the same --data-dir resumes all
services as they were.

The docker driver runs containers on the engine that DOCKER_HOST names, or the local one. An image is pulled for every task, and the
one that the engine has is used where that fails, unless --pull says otherwise; CPU shares and memory limits are the engine's to
enforce, those of a whole task where this program is root on the engine's machine; ports are bound at 127.0.0.1. In network mode awsvpc
each task has an address of its own on the engine's bridge. The image ballast/sample is never pulled: it is this program.

The process driver runs containers as processes of this machine, with your rights: commands come from entryPoint and command, images
are not pulled; memory limits hold, and CPU shares and the CPU limits of tasks where control groups may be made. Relative working
directories begin where "ballast up" was started. In a container's PATH this program is "ballast".

When all is steady, standard output gets the tasks; with -o json: {"endpoint", "tasks"}, tasks as "ballast ps" gives them.

Exit codes: 0 done, 1 failed, 2 usage, 4 not steady within --timeout (as client), 130 left at once.`
}

// Run becomes a server, or a client where there is one.
func (v *upVerb) Run(ctx context.Context, s *Streams) error {
	cfg, own, err := v.config(s)
	if err != nil {
		return err
	}
	var p *project.Project
	if v.Dir != "" {
		read, err := project.Read(v.Dir)
		if err != nil {
			return usageError{err.Error()}
		}
		p = &read
	}
	if about, err := probe(ctx, v.Listen); err != nil {
		return err
	} else if about != nil {
		return v.join(ctx, s, about, p)
	}
	if v.DataDir == "" {
		return usagef("there is no home directory to keep data in; name a folder with --data-dir or BALLAST_DATA_DIR")
	}
	signals, stop := s.Signals() // before anything that a signal should end in order
	defer stop()
	daemon.Tune()
	screen := &screen{out: s.Err, live: s.ErrLive, width: s.Width}
	slog.SetDefault(slog.New(slog.NewTextHandler(screen, &slog.HandlerOptions{Level: v.LogLevel})))
	cfg.Log = slog.Default()
	d, err := v.start(ctx, cfg, screen, signals)
	if errors.Is(err, daemon.ErrPortInUse) || errors.Is(err, daemon.ErrDataDirInUse) {
		// Two that were started at the same moment: the other one was faster.
		if about, probeErr := probe(ctx, v.Listen); probeErr == nil && about != nil {
			return v.join(ctx, s, about, p)
		}
	}
	if err != nil {
		return err
	}
	server := &server{upVerb: v, streams: s, screen: screen, daemon: d, own: own, signals: signals}
	return server.run(ctx, p)
}

// start starts a server. With a store that others share that may take as long as another one leads, and a signal ends it.
func (v *upVerb) start(ctx context.Context, cfg daemon.Config, screen *screen, signals <-chan os.Signal) (*daemon.Daemon, error) {
	if v.Store == "" {
		return daemon.Start(ctx, cfg)
	}
	cfg.Follows = func(leader string) {
		fmt.Fprintf(screen, "Follows %s; this server serves when that one ends. Ctrl-C ends this one.\n", leader)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	started, interrupted := make(chan struct{}), make(chan bool, 1)
	go func() {
		select {
		case <-signals:
			cancel()
			interrupted <- true
		case <-started:
			interrupted <- false
		}
	}()
	d, err := daemon.Start(ctx, cfg)
	close(started)
	switch {
	case !<-interrupted:
		return d, err
	case err == nil:
		err = d.Stop(true) // both happened at once
	case errors.Is(err, context.Canceled):
		err = nil
	}
	return nil, errors.Join(errInterrupted, err)
}

// ownKey is a credential that a server with credentials makes for itself, to deploy with. It is never written anywhere.
type ownKey struct{ key, secret string }

// config makes the daemon's configuration of the flags.
func (v *upVerb) config(s *Streams) (daemon.Config, *ownKey, error) {
	cfg := daemon.Config{Listen: v.Listen, Hosts: v.Host, DataDir: v.DataDir, Store: v.Store, Region: v.Region, Account: v.Account,
		Cluster: v.Cluster, Driver: v.Driver, Pull: v.Pull, Version: Version()}
	var own *ownKey
	var err error
	if v.Credentials != "" {
		if cfg.Credentials, own, err = readCredentials(v.Credentials); err != nil {
			return cfg, nil, usageError{err.Error()}
		}
	}
	if cfg.Policy, err = policy.Named(v.Policy); err != nil {
		return cfg, nil, usageError{err.Error()}
	}
	if cfg.DataDir, err = filepath.Abs(v.DataDir); err != nil {
		return cfg, nil, err
	}
	if v.RegistryAuth != "" {
		if cfg.RegistryAuth, err = filepath.Abs(v.RegistryAuth); err != nil {
			return cfg, nil, err
		}
	}
	if v.Secrets != "" {
		if cfg.Secrets, err = filepath.Abs(v.Secrets); err != nil {
			return cfg, nil, err
		}
	}
	if cfg.WorkDir, err = os.Getwd(); err != nil {
		return cfg, nil, err
	}
	if cfg.Exe, err = os.Executable(); err != nil {
		return cfg, nil, err
	}
	if err := cfg.Check(); err != nil {
		return cfg, nil, usageError{err.Error()}
	}
	return cfg, own, nil
}

// readCredentials reads a credentials file and adds a key for this process.
func readCredentials(file string) (*httpd.Credentials, *ownKey, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, fmt.Errorf("read the credentials: %w", err)
	}
	if _, err := httpd.ParseCredentials(bytes.NewReader(text)); err != nil {
		return nil, nil, fmt.Errorf("credentials %s: %w", file, err)
	}
	own := &ownKey{"ballast-up-" + random(4), random(16)}
	line := fmt.Sprintf("\n%s %s admin\n", own.key, own.secret)
	parsed, err := httpd.ParseCredentials(io.MultiReader(bytes.NewReader(text), bytes.NewReader([]byte(line))))
	return parsed, own, err
}

func random(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return hex.EncodeToString(b)
}

// defaultDataDir follows the XDG base directory specification; "" where there is no home directory.
func defaultDataDir(getenv func(string) string) string {
	if state := getenv("XDG_STATE_HOME"); filepath.IsAbs(state) {
		return filepath.Join(state, "ballast")
	}
	if home := getenv("HOME"); filepath.IsAbs(home) {
		return filepath.Join(home, ".local", "state", "ballast")
	}
	return ""
}

// join deploys to the server that answers already.
func (v *upVerb) join(ctx context.Context, s *Streams, about *daemon.About, p *project.Project) error {
	endpoint := "http://" + reachable(v.Listen)
	s.say("A Ballast answers at %s already (version %s, policy %s).", endpoint, about.Version, about.Policy)
	if p == nil {
		s.say("Name a folder to deploy to it, or give this one another --listen and --data-dir.")
		return nil
	}
	if v.Policy != about.Policy && v.Policy != policy.Default {
		s.say("--policy %s has no effect: the server's policy is %s.", v.Policy, about.Policy)
	}
	ctx, cancel := s.interruptible(ctx)
	defer cancel()
	numbers, err := policy.Named(about.Policy)
	if err != nil {
		return fmt.Errorf("the server is another version, %s, of Ballast than this, %s: %w", about.Version, Version(), err)
	}
	c, err := endpointOptions{EndpointURL: endpoint, Cluster: v.Cluster, Region: about.Region}.client(s.Getenv)
	if err != nil {
		return err
	}
	screen := &screen{out: s.Err, live: s.ErrLive, width: s.Width}
	d := &deployment{client: c, screen: screen, now: s.Now, policy: numbers, revisions: map[string]string{}}
	if err := d.apply(ctx, *p); err != nil {
		return err
	}
	if err := d.followWithin(ctx, v.Timeout); err != nil {
		return err
	}
	return v.results(ctx, s, d, endpoint)
}

// results gives the tasks of what has been deployed.
func (v *upVerb) results(ctx context.Context, s *Streams, d *deployment, endpoint string) error {
	tasks, err := d.tasks(ctx)
	if err != nil {
		return err
	}
	if v.json() {
		return writeJSON(s.Out, map[string]any{"endpoint": endpoint, "tasks": tasks})
	}
	if len(tasks) == 0 {
		return nil
	}
	return table(s.Out, s.OutColor, taskRows(tasks, s.Now(), false))
}

// reachable gives the address to dial for one to listen at.
func reachable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

// clientOf speaks to the server of this process.
func (v *upVerb) clientOf(s *Streams, endpoint string, own *ownKey) (*client, error) {
	options := endpointOptions{EndpointURL: endpoint, Cluster: v.Cluster, Region: v.Region}
	if own == nil {
		return options.client(s.Getenv)
	}
	return options.clientAs(credentials.NewStaticCredentialsProvider(own.key, own.secret, "")), nil
}
