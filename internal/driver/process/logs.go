package process

import (
	"context"
	"fmt"

	"ballast/internal/agent/keeper"
	"ballast/internal/driver"
	"ballast/internal/ecs"
	"ballast/internal/logfile"
)

// Logs reads the files that the keeper writes.
func (d *Driver) Logs(_ context.Context, task ecs.ID, container string, position int64, limit driver.LogLimit) ([]driver.LogLine, int64, error) {
	dir, name, err := d.logOf(task, container)
	if err != nil {
		return nil, 0, err
	}
	lines, next, err := logfile.Read(dir, name, position, limit.Lines, limit.Bytes)
	if err != nil {
		return nil, 0, logError(task, container, err)
	}
	out := make([]driver.LogLine, len(lines))
	for i, l := range lines {
		out[i] = driver.LogLine(l)
	}
	return out, next, nil
}

// FindLog searches the files that the keeper writes.
func (d *Driver) FindLog(_ context.Context, task ecs.ID, container string, at ecs.Time) (int64, error) {
	dir, name, err := d.logOf(task, container)
	if err != nil {
		return 0, err
	}
	position, err := logfile.Find(dir, name, at)
	if err != nil {
		return 0, logError(task, container, err)
	}
	return position, nil
}

// LastLog reads the end of the newest of those files.
func (d *Driver) LastLog(_ context.Context, task ecs.ID, container string) (ecs.Time, error) {
	dir, name, err := d.logOf(task, container)
	if err != nil {
		return 0, err
	}
	at, _, err := logfile.Last(dir, name)
	if err != nil {
		return 0, logError(task, container, err)
	}
	return at, nil
}

func (d *Driver) logOf(task ecs.ID, container string) (dir, name string, err error) {
	if err := keeper.CheckName(container); err != nil {
		return "", "", fmt.Errorf("read logs: %w", err)
	}
	dir, name = keeper.LogPath(d.cfg.KeeperDir, task, container)
	return dir, name, nil
}

func logError(task ecs.ID, container string, err error) error {
	return fmt.Errorf("logs of container %s of task %v: %w", container, task, err)
}
