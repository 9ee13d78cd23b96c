package environment

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

const hidden = "hunter2" // in every file of the folder

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func folder(t *testing.T) Folder {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "secrets")
	for name, text := range map[string]string{
		"parameters/app/db":      hidden + "-db\n",
		"parameters/two-lines":   hidden + "\n\n",
		"parameters/nul":         hidden + "\x00",
		"parameters/large":       hidden + strings.Repeat("x", maxSecret),
		"secrets/user":           `{"name":"` + hidden + `","port":5432,"deep":{"a":1}}`,
		"secrets/exact-AbCdEf":   hidden + "-exact",
		"secrets/exact":          hidden + "-bare",
		"secrets/plain":          hidden,
		"secrets/registry":       `{"username":"me","password":"` + hidden + `"}`,
		"secrets/half-login":     `{"username":"` + hidden + `"}`,
		"files/bucket/a.env":     "A=" + hidden + "-a\nB=file\n",
		"files/bucket/dir/b.env": "A=second\nC=3\n",
		"files/bucket/nul.env":   "A=" + hidden + "\x00",
		"../outside":             hidden + "-outside",
	} {
		write(t, filepath.Join(dir, name), text)
	}
	for name, target := range map[string]string{"parameters/link-out": "../../outside", "parameters/link-in": "app/db", "parameters/out": "../.."} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "parameters/pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	return Folder{Dir: dir, Region: "eu-west-1"}
}

const asm = "arn:aws:secretsmanager:us-east-2:000000000000:secret:"

func TestSecretValues(t *testing.T) {
	f := folder(t)
	for valueFrom, want := range map[string]string{
		"/app/db":            hidden + "-db",
		"app/db":             hidden + "-db",
		"link-in":            hidden + "-db",
		"two-lines":          hidden + "\n",
		asm + "exact-AbCdEf": hidden + "-exact",
		asm + "exact-XyZXyZ": hidden + "-bare",
		asm + "user:name::":  hidden,
		asm + "user:port":    "5432",
		asm + "user:deep":    `{"a":1}`,
		"arn:aws:ssm:us-east-2:000000000000:parameter/app/db": hidden + "-db",
	} {
		got, err := f.Variables(&driver.Spec{Secrets: []ecs.Secret{{Name: "S", ValueFrom: valueFrom}}})
		if err != nil || len(got) != 1 || got[0] != (ecs.Variable{Name: "S", Value: want}) {
			t.Errorf("%s: %v, %v; want %q", valueFrom, got, err, want)
		}
	}
}

// The texts are those of the agent of ECS, behind what Fargate puts before them, and of AWS's services; none repeats a value.
func TestRefusals(t *testing.T) {
	f := folder(t)
	for _, c := range []struct {
		spec driver.Spec
		want string
	}{
		{of("/none"), "unable to pull secrets or registry auth: fetching secret data from SSM Parameter Store in eu-west-1: invalid parameters: /none (the folder of --secrets has no parameters/none)"},
		{of("arn:aws:ssm:us-east-2:000000000000:parameter/app"), "parameters/app is not a regular file"},
		{of("/app/db/below"), "invalid parameters: /app/db/below"},
		{of("/link-out"), "path escapes"},
		{of("/out/outside"), "path escapes"},
		{of("/pipe"), "not a regular file"},
		{of("/large"), "more than 65536 bytes"},
		{of("/nul"), "NUL byte"},
		{of("/../outside"), "is no name of a parameter"},
		{of(asm + "none-AbCdEf"), "unable to pull secrets or registry auth: fetching secret data from AWS Secrets Manager in region us-east-2: secret none-AbCdEf: ResourceNotFoundException: Secrets Manager can't find the specified secret. (the folder of --secrets has no secrets/none-AbCdEf and no secrets/none)"},
		{of(asm + "user:other"), "did not contain json key other"},
		{of(asm + "plain:name"), "no JSON object"},
		{of(asm + "user::AWSPREVIOUS:"), `asks for version stage "AWSPREVIOUS"`},
		{driver.Spec{EnvironmentFiles: []string{"arn:aws:s3:::bucket/none.env"}}, "unable to download env files: environment file arn:aws:s3:::bucket/none.env: NoSuchKey"},
		{driver.Spec{EnvironmentFiles: []string{"arn:aws:s3:::bucket/nul.env"}}, "NUL byte"},
	} {
		refused(t, f, c.spec, c.want)
	}
	refused(t, Folder{Region: "eu-west-1"}, of("/app/db"), "start it with --secrets DIR")
	refused(t, Folder{}, driver.Spec{EnvironmentFiles: []string{"arn:aws:s3:::bucket/a.env"}}, "start it with --secrets DIR")
	refused(t, Folder{Dir: filepath.Join(t.TempDir(), "none")}, of("/app/db"), "invalid parameters")
}

func of(valueFrom string) driver.Spec {
	return driver.Spec{Secrets: []ecs.Secret{{Name: "S", ValueFrom: valueFrom}}}
}

func refused(t *testing.T, f Folder, spec driver.Spec, want string) {
	t.Helper()
	got, err := f.Variables(&spec)
	var named *driver.Error
	if !errors.As(err, &named) || named.Name != driver.ResourceInitializationError || !strings.Contains(named.Text, want) || got != nil {
		t.Errorf("%+v: %v, %v; want a ResourceInitializationError with %q", spec, got, err, want)
	}
	if err != nil && strings.Contains(err.Error(), hidden) {
		t.Errorf("%+v: the error says what is hidden: %v", spec, err)
	}
}

func TestEnvironmentFiles(t *testing.T) {
	spec := driver.Spec{Environment: []ecs.Variable{{Name: "B", Value: "defined"}}, Secrets: []ecs.Secret{{Name: "S", ValueFrom: "/app/db"}},
		EnvironmentFiles: []string{"arn:aws:s3:::bucket/a.env", "arn:aws:s3:::bucket/dir/b.env"}}
	got, err := folder(t).Variables(&spec)
	want := []ecs.Variable{{Name: "B", Value: "defined"}, {Name: "A", Value: hidden + "-a"}, {Name: "C", Value: "3"}, {Name: "S", Value: hidden + "-db"}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("error %v (-want +got):\n%s", err, diff)
	}
}

func TestLogin(t *testing.T) {
	f := folder(t)
	got, err := f.Login(asm + "registry-AbCdEf")
	if err != nil || *got != (driver.Login{Username: "me", Password: hidden}) {
		t.Errorf("%#v, %v", got, err)
	}
	if text := fmt.Sprintf("%v %+v", got, *got); strings.Contains(text, hidden) {
		t.Errorf("a login prints itself: %s", text)
	}
	for _, ref := range []string{"half-login", "plain", "none", "../outside", asm + "registry:password"} {
		_, err := f.Login(ref)
		var named *driver.Error
		if !errors.As(err, &named) || named.Name != driver.ResourceInitializationError || strings.Contains(err.Error(), hidden) {
			t.Errorf("%s: %v", ref, err)
		}
	}
}

// A fault that may pass is not named, so that the call is repeated.
func TestPassingFaults(t *testing.T) {
	err := failed("unable to pull secrets", lasting(&os.PathError{Op: "open", Path: "x", Err: syscall.EMFILE}))
	if errors.As(err, new(*driver.Error)) {
		t.Errorf("too many open files is final: %v", err)
	}
	if err := failed("unable to pull secrets", lasting(&os.PathError{Op: "open", Path: "x", Err: syscall.EACCES})); !errors.As(err, new(*driver.Error)) {
		t.Errorf("permission denied may pass: %v", err)
	}
}
