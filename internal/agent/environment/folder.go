package environment

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// Bounds of files.
const (
	maxSecret = 64 << 10  // API_CreateSecret, SecretString; parameters are smaller
	maxFile   = 256 << 10 // more than the kernel takes of an environment is of no use
)

// Folder looks things up. The zero value has no folder and refuses whatever asks for one. Folders are safe for concurrent use: each
// look-up reads the files as they are then, so that a changed secret counts for the next container.
type Folder struct {
	// Dir is the folder, "" for none. It need not exist before something is looked up.
	Dir string
	// Region is what errors name where an ARN does not.
	Region string
}

// Variables gives the environment of a container with its environment files and secrets. What cannot be had is a *driver.Error named
// ResourceInitializationError, or another error where it may pass.
func (f Folder) Variables(spec *driver.Spec) ([]ecs.Variable, error) {
	if len(spec.EnvironmentFiles) == 0 && len(spec.Secrets) == 0 {
		return spec.Environment, nil
	}
	files := make([][]ecs.Variable, 0, len(spec.EnvironmentFiles))
	for _, ref := range spec.EnvironmentFiles {
		variables, err := f.file(ref)
		if err != nil {
			return nil, failed("unable to download env files: environment file "+shortened(ref), err)
		}
		files = append(files, variables)
	}
	secrets := make([]ecs.Variable, 0, len(spec.Secrets))
	for _, s := range spec.Secrets {
		value, err := f.secret(s.ValueFrom)
		if err != nil {
			return nil, failed("unable to pull secrets or registry auth", err)
		}
		secrets = append(secrets, ecs.Variable{Name: s.Name, Value: value})
	}
	return merged(spec.Environment, files, secrets), nil
}

// Login gives the login that a secret holds: {"username": ..., "password": ...} (developer guide, Using non-AWS container images).
// Errors are those of Variables.
func (f Folder) Login(ref string) (*driver.Login, error) {
	r, err := parseLogin(ref)
	if err != nil {
		return nil, failed("unable to pull secrets or registry auth", final{err})
	}
	text, err := f.value(r)
	if err != nil {
		return nil, failed("unable to pull secrets or registry auth", err)
	}
	var login struct{ Username, Password string }
	if json.Unmarshal([]byte(text), &login) != nil || login.Username == "" || login.Password == "" {
		// What is wrong with it could repeat a part of it.
		err := fmt.Errorf("the secret %s is not {\"username\": ..., \"password\": ...}", r.name)
		return nil, failed("unable to pull secrets or registry auth", final{err})
	}
	return &driver.Login{Username: login.Username, Password: login.Password}, nil
}

// final marks an error that another attempt would give again.
type final struct{ error }

// failed names an error as ECS does, provided that it is final.
func failed(what string, err error) error {
	if f := (final{}); errors.As(err, &f) {
		return &driver.Error{Name: driver.ResourceInitializationError, Text: what + ": " + f.Error()}
	}
	return fmt.Errorf("%s: %w", what, err)
}

// secret gives the value that a valueFrom names.
func (f Folder) secret(valueFrom string) (string, error) {
	r, err := parseSecret(valueFrom)
	if err != nil {
		return "", final{err}
	}
	value, err := f.value(r)
	if err != nil {
		return "", err
	}
	if r.key != "" {
		if value, err = member(value, r.key); err != nil {
			return "", final{fmt.Errorf("%s: %w", f.fetching(r), err)}
		}
	}
	if strings.IndexByte(value, 0) >= 0 {
		return "", final{fmt.Errorf("%s: the value holds a NUL byte, which no variable can", f.fetching(r))}
	}
	return value, nil
}

// value reads what a reference names as a whole.
func (f Folder) value(r reference) (string, error) {
	if f.Dir == "" {
		return "", final{fmt.Errorf("%s: this container instance has no secrets; start it with --secrets DIR", f.fetching(r))}
	}
	paths := r.paths()
	for _, path := range paths {
		text, err := f.read(path, maxSecret)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", wrapped(f.fetching(r), err)
		}
		return text, nil
	}
	if r.kind == parameter {
		return "", final{fmt.Errorf("%s: invalid parameters: /%s (the folder of --secrets has no %s)", f.fetching(r), r.name, paths[0])}
	}
	return "", final{fmt.Errorf("%s: ResourceNotFoundException: Secrets Manager can't find the specified secret. (the folder of --secrets has no %s)",
		f.fetching(r), strings.Join(paths, " and no "))}
}

// fetching begins an error as the agent of ECS does (amazon-ecs-agent, taskresource/ssmsecret and asmsecret).
func (f Folder) fetching(r reference) string {
	region := r.region
	if region == "" {
		region = f.Region
	}
	if r.kind == parameter {
		return "fetching secret data from SSM Parameter Store in " + region
	}
	return "fetching secret data from AWS Secrets Manager in region " + region + ": secret " + r.name
}

// wrapped says what was being done and leaves an error as final as it is.
func wrapped(what string, err error) error {
	if f := (final{}); errors.As(err, &f) {
		return final{fmt.Errorf("%s: %w", what, f.error)}
	}
	return fmt.Errorf("%s: %w", what, err)
}

// member gives one value of a JSON object: of a string what it says, of everything else its JSON. Errors repeat nothing of it.
func member(object, key string) (string, error) {
	var members map[string]json.RawMessage
	if json.Unmarshal([]byte(object), &members) != nil {
		return "", fmt.Errorf("the secret is no JSON object, so it has no key %q", shortened(key))
	}
	raw, found := members[key]
	if !found {
		return "", fmt.Errorf("retrieved secret from Secrets Manager did not contain json key %s", shortened(key))
	}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		text = string(raw)
	}
	return text, nil
}

// file reads an environment file.
func (f Folder) file(ref string) ([]ecs.Variable, error) {
	if f.Dir == "" {
		return nil, final{errors.New("this container instance has no environment files; start it with --secrets DIR")}
	}
	path, err := filePath(ref)
	if err != nil {
		return nil, final{err}
	}
	text, err := f.read(path, maxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, final{fmt.Errorf("NoSuchKey: The specified key does not exist. (the folder of --secrets has no %s)", path)}
	}
	if err == nil && strings.IndexByte(text, 0) >= 0 {
		err = final{errors.New("the file holds a NUL byte, which no variable can")}
	}
	return parseFile(text), err
}

// read gives a regular file below the folder. One line break at its end is not part of what it says: editors put it there.
// An error is fs.ErrNotExist, final, or may pass.
func (f Folder) read(path string, most int64) (string, error) {
	root, err := os.OpenRoot(f.Dir)
	if err != nil {
		return "", lasting(err)
	}
	defer root.Close()
	file, err := root.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // does not wait for the writer of a pipe
	if err != nil {
		return "", lasting(err)
	}
	defer file.Close()
	info, err := file.Stat()
	switch {
	case err != nil:
		return "", err
	case !info.Mode().IsRegular():
		return "", final{fmt.Errorf("%s is not a regular file", path)}
	}
	text, err := io.ReadAll(io.LimitReader(file, most+1))
	switch {
	case err != nil:
		return "", err
	case int64(len(text)) > most:
		return "", final{fmt.Errorf("%s has more than %d bytes", path, most)}
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r"), nil
}

// passing are errors of opening a file that say nothing about the file.
var passing = []error{syscall.EMFILE, syscall.ENFILE, syscall.EINTR, syscall.EAGAIN, syscall.EIO, syscall.ENOMEM, syscall.ESTALE}

// lasting marks the errors that stay until someone changes the folder.
func lasting(err error) error {
	for _, p := range passing {
		if errors.Is(err, p) {
			return err
		}
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return fs.ErrNotExist
	}
	return final{err}
}
