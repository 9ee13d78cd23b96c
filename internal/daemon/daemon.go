// Package daemon composes a server and a container instance of the pieces that other packages are: from a Config it makes the
// roles (store, control, api, driver, agent), starts them in order and stops them in reverse.
//
// It decides nothing about services or tasks, prints nothing and handles no signal. Start reading at Start, then at roles.go
// for the order of starting and stopping and compose.go for what each role is made of.
package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"

	"ballast/internal/agent"
	"ballast/internal/arn"
	"ballast/internal/control"
	"ballast/internal/driver"
	"ballast/internal/driver/docker"
	"ballast/internal/ecs"
	"ballast/internal/httpd"
	"ballast/internal/scheduler/policy"
	"ballast/internal/store"
	"ballast/internal/store/etcd"
)

// Config says what to run. Fields without a remark are needed.
type Config struct {
	// Listen is the address of the endpoint, as "127.0.0.1:4510"; port 0 takes a free one.
	Listen string
	// Hosts are names that clients may call the server by, besides loopback ones and that of Listen.
	Hosts []string
	// Credentials are whom to let in; nil lets in everyone, on loopback only.
	Credentials *httpd.Credentials
	// DataDir holds everything that outlives the process; it is made where it is missing.
	DataDir string
	// Store is the URL of an etcd cluster that keeps the state of several servers, of which one leads and serves; "" means a
	// file in DataDir. See etcd.ParseAddress.
	Store string
	// Follows, if not nil, is told of the server that leads while this one waits for its turn.
	Follows func(leader string)
	Region  string
	Account string
	// Cluster is what the container instance is registered in. It and "default" exist from the start.
	Cluster string
	Policy  policy.Policy
	// Driver is "auto", "process" or "docker".
	Driver string
	// Pull says when the docker driver asks registries for images, "" for its default; see docker.PullBehavior. RegistryAuth is a file with
	// logins for them, "" for none. Absolute.
	Pull, RegistryAuth string
	// Secrets is the folder in which containers' secrets and environment files are looked up, "" for none. Absolute.
	Secrets string
	// Exe is this program: the keeper is run from it, and containers find it as "ballast".
	Exe string
	// WorkDir is where containers run that name no absolute working directory. Absolute.
	WorkDir string
	Version string
	Log     *slog.Logger

	// openDriver replaces the driver in tests; nil means the one that Driver names.
	openDriver func(ctx context.Context) (driver.Driver, error)
}

// Daemon is a running server with its container instance.
type Daemon struct {
	cfg   Config
	roles *roles

	lock     store.Store // of the data directory
	store    store.Store
	control  *control.Control
	listener net.Listener
	driver   driver.Driver
	why      string // this driver, where it was to be chosen
	endpoint *endpoint
	logs     lateLogs
	agent    *agent.Agent
	instance ecs.ID
	leave    bool // leave the keeper's containers alone when stopping
}

// ErrPortInUse says that something else listens at Config.Listen.
var ErrPortInUse = errors.New("the address is in use")

// ErrDataDirInUse says that another process has Config.DataDir.
var ErrDataDirInUse = errors.New("the data directory is in use")

// Check says what is wrong with a Config, as far as that can be told without starting anything.
func (c Config) Check() error {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return fmt.Errorf(`listen address %q: want HOST:PORT, as "127.0.0.1:4510"`, c.Listen)
	}
	if !loopback(host) && c.Credentials == nil {
		return fmt.Errorf("to listen at %s, where others can reach it, needs --credentials FILE (lines of: key secret admin|read), because "+
			"whoever may call the API may run commands here; or listen on loopback, as 127.0.0.1:4510", c.Listen)
	}
	if c.Driver != driverAuto && c.Driver != driverProcess && c.Driver != driverDocker {
		return fmt.Errorf("driver %q is unknown; known are auto, process and docker", c.Driver)
	}
	if c.Secrets != "" {
		if info, err := os.Stat(c.Secrets); err != nil || !info.IsDir() {
			return fmt.Errorf("secrets %s: want a folder, with parameters/NAME, secrets/NAME and files/BUCKET/KEY.env in it", c.Secrets)
		}
	}
	if c.RegistryAuth != "" {
		if err := docker.CheckAuth(c.RegistryAuth); err != nil {
			return err
		}
	}
	if c.Store != "" {
		if _, err := etcd.ParseAddress(c.Store); err != nil {
			return err
		}
	}
	if !arn.ValidName(c.Cluster) {
		return fmt.Errorf("cluster name %q: want 1 to 255 letters, digits, hyphens and underscores", c.Cluster)
	}
	if !arn.ValidAccount(c.Account) {
		return fmt.Errorf("account %q: want 12 digits", c.Account)
	}
	if !validRegion(c.Region) {
		return fmt.Errorf(`region %q: want small letters, digits and hyphens, as "us-east-1"`, c.Region)
	}
	return nil
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// maxRegion bounds the name of a region; AWS's longest has 14 characters.
const maxRegion = 32

func validRegion(s string) bool {
	for _, c := range s {
		if c != '-' && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return s != "" && len(s) <= maxRegion
}

// Start starts all roles. When one fails, those before it are stopped again and the error names it.
func Start(ctx context.Context, cfg Config) (*Daemon, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	d := &Daemon{cfg: cfg}
	d.roles = newRoles(d.compose())
	if err := d.roles.start(ctx); err != nil {
		return nil, err
	}
	return d, nil
}

// Failed delivers the error of a role that ended by itself, which names it. The daemon is of no more use then, and should be
// stopped.
func (d *Daemon) Failed() <-chan error { return d.roles.failed }

// Stop stops all roles in the reverse order of their start. leave says that the tasks are to run on without the server;
// otherwise the keeper ends too, unless something still runs under it.
func (d *Daemon) Stop(leave bool) error {
	d.leave = leave
	return d.roles.stop()
}

// Endpoint is the URL of the API.
func (d *Daemon) Endpoint() string {
	host, port, err := net.SplitHostPort(d.listener.Addr().String())
	if err != nil {
		return "http://" + d.listener.Addr().String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// DriverName is the driver that runs containers here.
func (d *Daemon) DriverName() string { return d.driver.Name() }

// DriverWhy says why this driver runs containers, "" where Config.Driver names it.
func (d *Daemon) DriverWhy() string { return d.why }

// DriverHost is the address of the engine that runs containers here, "" for a driver without one.
func (d *Daemon) DriverHost() string {
	if engine, ok := d.driver.(interface{ Host() string }); ok {
		return engine.Host()
	}
	return ""
}

// DriverLimits says which limits of containers the driver enforces, "" for one that has nothing to say about it.
func (d *Daemon) DriverLimits() string {
	if limited, ok := d.driver.(interface{ Limits() string }); ok {
		return limited.Limits()
	}
	return ""
}

// dirs are the files and folders of a data directory. Those of a container instance are per cluster, because an instance
// belongs to one cluster for good.
type dirs struct{ root, cluster string }

func (d dirs) store() string    { return filepath.Join(d.root, "state.db") }
func (d dirs) serving() string  { return filepath.Join(d.root, "server.json") }
func (d dirs) bin() string      { return filepath.Join(d.root, "bin") }
func (d dirs) instance() string { return filepath.Join(d.root, "instances", d.cluster) }
func (d dirs) id() string       { return filepath.Join(d.instance(), "id") }
func (d dirs) driver() string   { return filepath.Join(d.instance(), "driver") }
func (d dirs) metadata() string { return filepath.Join(d.instance(), "metadata.json") }
func (d dirs) keeper() string   { return filepath.Join(d.instance(), "keeper") }

// secure makes a directory that only its owner can enter.
func secure(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return os.Chmod(dir, 0o700)
}

func (d *Daemon) dirs() dirs { return dirs{d.cfg.DataDir, d.cfg.Cluster} }
