package keeper

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

const socketName = "keeper.sock"

func socketPath(dir string) string { return filepath.Join(dir, socketName) }
func lockPath(dir string) string   { return filepath.Join(dir, "keeper.lock") }
func talkPath(dir string) string   { return filepath.Join(dir, "keeper.log") }

func containersPath(dir string) string { return filepath.Join(dir, "containers") }

func containerPath(dir string, k driver.Key) string {
	return filepath.Join(containersPath(dir), k.Task.String(), k.Container, strconv.Itoa(k.Attempt))
}

// LogPath is the directory of a container's logs; all attempts share it.
func LogPath(dir string, task ecs.ID, container string) string {
	return filepath.Join(taskLogPath(dir, task), container)
}

func taskLogPath(dir string, task ecs.ID) string { return filepath.Join(dir, "logs", task.String()) }

// nameForm is the form of container names (API_ContainerDefinition, "name"); as file names they are harmless.
var nameForm = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,255}$`)

// CheckName says whether a container's name can be used, as a file name among others.
func CheckName(name string) error {
	if !nameForm.MatchString(name) {
		return fmt.Errorf("container name %q: want 1 to 255 letters, digits, hyphens and underscores", name)
	}
	return nil
}

// secureDir makes a directory that only its owner can enter.
func secureDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the keeper's directory: %w", err)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return fmt.Errorf("close the keeper's directory to others: %w", err)
	}
	return nil
}

// makeContainerDir makes a container's directory. The removal of a sibling may take an empty parent away in between.
func makeContainerDir(dir string) error {
	var err error
	for range 10 {
		if err = os.MkdirAll(dir, 0o700); !os.IsNotExist(err) {
			return err
		}
	}
	return err
}

// removeContainerDir deletes a container's directory and the parents that are empty then.
func removeContainerDir(dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	for range 2 {
		dir = filepath.Dir(dir)
		if os.Remove(dir) != nil {
			break
		}
	}
	return nil
}
