package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"ballast/internal/arn"
	"ballast/internal/control"
	"ballast/internal/driver"
	"ballast/internal/driver/process"
	"ballast/internal/httpd"
	"ballast/internal/store/bolt"
	"ballast/internal/store/etcd"
)

// compose lists the roles in the order of starting. The API answers before the driver and the agent are up: they take the
// longest, and nobody has to wait for them to ask.
func (d *Daemon) compose() []role {
	return []role{
		{name: "data directory", start: d.startDirs},
		{name: "store", start: d.startStore, stop: d.stopStore},
		{name: "control", start: d.startControl, run: func(ctx context.Context) error { return d.control.Run(ctx) }},
		{name: "clusters", start: d.startClusters},
		{name: "api", start: d.startAPI, run: d.runAPI, stop: d.stopAPI},
		{name: "driver", start: d.startDriver, stop: d.stopDriver},
		{name: "metadata endpoint", start: d.startEndpoint, stop: d.stopEndpoint},
		{name: "agent", start: d.startAgent, run: d.runAgent},
		{name: "metadata", run: d.runMetadata},
		{name: "container instance", start: d.awaitInstance},
	}
}

// serving is what the data directory says about the process that has it, for the error that another one gets.
type serving struct {
	PID      int    `json:"pid"`
	Endpoint string `json:"endpoint"`
}

func readServing(file string) (s serving, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal(text, &s)
}

// startDirs makes the directories.
func (d *Daemon) startDirs(context.Context) error {
	at := d.dirs()
	for _, dir := range []string{at.root, at.bin(), at.instance(), filepath.Dir(at.instance())} {
		if err := secure(dir); err != nil {
			return err
		}
	}
	if os.Geteuid() != 0 {
		return nil
	}
	// Containers of root's may run as other users, and these find this program too; the rest stays closed.
	return errors.Join(os.Chmod(at.root, 0o711), os.Chmod(at.bin(), 0o711))
}

// startStore opens the store. The file is opened even where another store is used, because it locks the data directory.
func (d *Daemon) startStore(ctx context.Context) error {
	at := d.dirs()
	file, err := bolt.Open(at.store())
	if err != nil {
		return storeError(at, err)
	}
	d.lock, d.store = file, file
	if d.cfg.Store == "" {
		return nil
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	shared, err := etcd.Open(ctx, d.cfg.Store, fmt.Sprintf("%s, process %d, API at %s", host, os.Getpid(), d.cfg.Listen), d.cfg.Follows)
	if err != nil {
		return errors.Join(err, file.Close())
	}
	d.store = shared
	return nil
}

func (d *Daemon) stopStore(context.Context) error {
	err := d.store.Close()
	if d.store != d.lock {
		err = errors.Join(err, d.lock.Close())
	}
	return err
}

// storeError says more than the store knows of a data directory in use.
func storeError(d dirs, err error) error {
	if !errors.Is(err, bolt.ErrInUse) {
		return err
	}
	who := "another process"
	if s, err := readServing(d.serving()); err == nil {
		who = fmt.Sprintf("ballast process %d, which answers at %s", s.PID, s.Endpoint)
	}
	return fmt.Errorf("%w: %s belongs to %s; stop that one, or give this one another --data-dir", ErrDataDirInUse, d.root, who)
}

func (d *Daemon) startControl(ctx context.Context) (err error) {
	d.control, err = control.Open(ctx, control.Config{Policy: d.cfg.Policy}, d.store, time.Now)
	return err
}

// startClusters sees to it that the clusters exist that everyone expects to.
func (d *Daemon) startClusters(ctx context.Context) error {
	for _, name := range []string{arn.DefaultCluster, d.cfg.Cluster} {
		if _, err := d.control.Submit(ctx, control.CreateCluster{Name: name}); err != nil {
			return fmt.Errorf("create cluster %s: %w", name, err)
		}
	}
	return nil
}

func (d *Daemon) startAPI(ctx context.Context) error {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", d.cfg.Listen)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%w: %s is taken by a program that is not a Ballast; stop it, or give another --listen", ErrPortInUse, d.cfg.Listen)
	}
	if err != nil {
		return err
	}
	d.listener = l
	at := d.dirs()
	text, err := json.Marshal(serving{os.Getpid(), d.Endpoint()})
	if err == nil {
		err = os.WriteFile(at.serving(), append(text, '\n'), 0o600)
	}
	if err != nil {
		l.Close()
		return err
	}
	return nil
}

func (d *Daemon) runAPI(ctx context.Context) error {
	return httpd.Serve(ctx, d.listener, d.handler(), d.cfg.Log)
}

func (d *Daemon) stopAPI(context.Context) error {
	d.listener.Close() // Serve has, if it ran
	return os.Remove(d.dirs().serving())
}

// startDriver opens the driver. Containers find this program as "ballast", whatever its file is called, in a folder of their
// PATH.
func (d *Daemon) startDriver(ctx context.Context) (err error) {
	if err := link(d.cfg.Exe, filepath.Join(d.dirs().bin(), "ballast")); err != nil {
		return err
	}
	open := d.cfg.openDriver
	if open == nil {
		open = d.openChosen
	}
	d.driver, err = open(ctx)
	return err
}

// openProcess opens the process driver, which needs neither root nor another program.
func (d *Daemon) openProcess(ctx context.Context) (driver.Driver, error) {
	at := d.dirs()
	return process.Open(ctx, process.Config{KeeperDir: at.keeper(), Exe: d.cfg.Exe, Dir: d.cfg.WorkDir,
		Path: at.bin() + string(filepath.ListSeparator) + process.DefaultPath})
}

// link makes name lead to target, whatever it was before.
func link(target, name string) error {
	if old, err := os.Readlink(name); err == nil && old == target {
		return nil
	}
	fresh := name + ".new"
	os.Remove(fresh)
	if err := os.Symlink(target, fresh); err != nil {
		return err
	}
	return os.Rename(fresh, name)
}

// keeperStopFor bounds the end of a keeper that has nothing left to do.
const keeperStopFor = 2 * time.Second

// stopDriver lets go of the driver. A keeper without containers is told to end; one with some stays their parent.
func (d *Daemon) stopDriver(ctx context.Context) error {
	closer, ok := d.driver.(interface{ Close() error })
	if !ok {
		return nil
	}
	keeper, ok := d.driver.(interface{ Shutdown(context.Context) error })
	if !ok {
		return closer.Close()
	}
	ctx, cancel := context.WithTimeout(ctx, keeperStopFor)
	defer cancel()
	if !d.leave && keeper.Shutdown(ctx) == nil {
		return nil
	}
	return closer.Close()
}
