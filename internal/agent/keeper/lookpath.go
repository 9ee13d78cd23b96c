package keeper

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// errNotFound says that a command is in none of the directories searched.
var errNotFound = errors.New("executable file not found in $PATH")

// LookPath finds an executable as execvp(3) does, with the PATH and the working directory given instead of this program's.
func LookPath(name, dir, path string) (string, error) {
	if strings.Contains(name, "/") {
		full := name
		if !filepath.IsAbs(full) {
			full = filepath.Join(dir, full)
		}
		if err := executable(full); err != nil {
			return "", fmt.Errorf("exec: %q: %w", name, err)
		}
		return full, nil
	}
	denied := false
	for _, p := range filepath.SplitList(path) {
		if !filepath.IsAbs(p) {
			p = filepath.Join(dir, p)
		}
		full := filepath.Join(p, name)
		err := executable(full)
		if err == nil {
			return full, nil
		}
		denied = denied || errors.Is(err, fs.ErrPermission)
	}
	if denied {
		return "", fmt.Errorf("exec: %q: %w", name, fs.ErrPermission)
	}
	return "", fmt.Errorf("exec: %q: %w", name, errNotFound)
}

// executable says why a file cannot be run: it is not there, is a directory, or nobody may run it.
func executable(path string) error {
	info, err := os.Stat(path)
	var p *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errors.New("no such file or directory")
	case errors.As(err, &p):
		return p.Err
	case err != nil:
		return err
	case info.IsDir():
		return errors.New("is a directory")
	case info.Mode().Perm()&0o111 == 0:
		return fs.ErrPermission
	}
	return nil
}
