package keeper

import (
	"crypto/sha256"
	"encoding/hex"
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

// containerPath is the beginning of the paths of a container's files. Few files and no directories of its own: making them is a
// good part of the price of a start.
func containerPath(dir string, k driver.Key) string {
	return filepath.Join(containersPath(dir), k.Task.String()+"."+shortName(k.Container)+"."+strconv.Itoa(k.Attempt))
}

// LogPath is the directory and the name of a container's log (package logfile); all attempts share it.
func LogPath(dir string, task ecs.ID, container string) (logDir, name string) {
	return taskLogPath(dir, task), shortName(container)
}

func taskLogPath(dir string, task ecs.ID) string { return filepath.Join(dir, "logs", task.String()) }

// maxShort keeps file names below the usual limit of 255 bytes with all that is added to them.
const maxShort = 128

// shortName is a container's name as part of file names; long ones end in a hash. No name contains a dot.
func shortName(container string) string {
	if len(container) <= maxShort {
		return container
	}
	sum := sha256.Sum256([]byte(container))
	return container[:maxShort-33] + "." + hex.EncodeToString(sum[:16])
}

// nameForm is the form of container names (API_ContainerDefinition, "name"); in file names they are harmless.
var nameForm = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,255}$`)

// CheckName says whether a container's name can be used, in file names too.
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
