package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"ballast/internal/driver"
	"ballast/internal/driver/docker"
)

// The drivers that Config.Driver names.
const (
	driverAuto    = "auto"
	driverProcess = "process"
	driverDocker  = "docker"
)

// engineAnswersWithin bounds the look for a Docker engine: one that runs on this machine answers in a few milliseconds.
const engineAnswersWithin = 300 * time.Millisecond

// openChosen opens the driver that the flags and the data directory name.
func (d *Daemon) openChosen(ctx context.Context) (driver.Driver, error) {
	file := d.dirs().driver()
	text, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	before := strings.TrimSpace(string(text))
	if _, err := os.Stat(d.dirs().keeper()); before == "" && err == nil {
		before = driverProcess // a data directory from before there was a choice
	}
	name, why, err := chooseDriver(d.cfg.Driver, before, func() bool {
		limited, cancel := context.WithTimeout(ctx, engineAnswersWithin)
		defer cancel()
		return docker.Answers(limited, "")
	})
	if err != nil {
		return nil, fmt.Errorf("%w; or name another folder with --data-dir", err)
	}
	d.why = why
	opened, err := d.openNamed(ctx, name)
	if err == nil && name != before {
		err = writeDurably(file, name+"\n")
	}
	return opened, err
}

// chooseDriver decides which driver runs containers, and says why where it was asked to choose. A data directory stays with the driver
// of its first containers: another one would neither find nor stop them. engineAnswers is asked only if that decides.
func chooseDriver(asked, before string, engineAnswers func() bool) (name, why string, err error) {
	switch {
	case before != "" && asked != driverAuto && asked != before:
		return "", "", fmt.Errorf("the containers of this data directory were made by the %s driver, which only --driver %s finds again", before, before)
	case asked != driverAuto:
		return asked, "", nil
	case before != "":
		return before, "this data directory began with it", nil
	case engineAnswers():
		return driverDocker, "a Docker engine answers", nil
	}
	return driverProcess, "no Docker engine answers at " + docker.DefaultHost(), nil
}

func (d *Daemon) openNamed(ctx context.Context, name string) (driver.Driver, error) {
	if name != driverDocker {
		if d.cfg.RegistryAuth != "" || d.cfg.Pull != "" && d.cfg.Pull != string(docker.PullDefault) {
			return nil, fmt.Errorf("the %s driver pulls no images: --pull and --registry-auth are for --driver docker", name)
		}
		return d.openProcess(ctx)
	}
	id, err := instanceID(d.dirs().id())
	if err != nil {
		return nil, err
	}
	return docker.Open(ctx, docker.Config{Instance: id, Exe: d.cfg.Exe, Pull: docker.PullBehavior(d.cfg.Pull), RegistryAuth: d.cfg.RegistryAuth})
}
