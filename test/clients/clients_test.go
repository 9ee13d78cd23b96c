// Package clients walks the API with the real AWS clients, unmodified: the AWS CLI and boto3 as Debian packages them, and the
// SDK for Go, against the built binary on loopback.
package clients

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awsecs "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/test/harness"
)

const example = "../../examples/web"

var exe string // the built binary

func TestMain(m *testing.M) {
	os.Exit(build(m))
}

func build(m *testing.M) int {
	dir, err := os.MkdirTemp("", "ballast-clients-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	if exe, err = harness.Build(dir); err != nil {
		panic(err)
	}
	return m.Run()
}

// serve starts a server of the test's own and gives its endpoint.
func serve(t *testing.T) (endpoint string) {
	s := harness.New(t, exe, "--policy", "fast")
	s.Up()
	return s.Endpoint()
}

// need finds a program of Debian's; only outside CI may it be missing.
func need(t *testing.T, program, probe string) string {
	t.Helper()
	if exec.Command("/bin/sh", "-c", probe).Run() == nil {
		return program
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is missing: apt-get install awscli python3-boto3", program)
	}
	t.Skipf("%s is not installed here: apt-get install awscli python3-boto3", program)
	return ""
}

func TestBoto3(t *testing.T) {
	python := need(t, "/usr/bin/python3", "/usr/bin/python3 -c 'import boto3'")
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), python, "boto3_client.py", serve(t), example).CombinedOutput()
	if err != nil || !strings.HasSuffix(string(out), "done\n") {
		t.Fatalf("%v\n%s", err, out)
	}
}

func TestAWSCLI(t *testing.T) {
	program := need(t, "/usr/bin/aws", "/usr/bin/aws --version")
	t.Parallel()
	endpoint := serve(t)
	aws := func(args ...string) map[string]any {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), program, append([]string{"--endpoint-url", endpoint, "--output", "json"}, args...)...)
		cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_DEFAULT_REGION=us-east-1", "AWS_PAGER=")
		out, err := cmd.Output()
		if err != nil {
			var failed *exec.ExitError
			errors.As(err, &failed)
			t.Fatalf("aws %v: %v\n%s", args, err, failed.Stderr)
		}
		var answer map[string]any
		if len(out) > 0 {
			if err := json.Unmarshal(out, &answer); err != nil {
				t.Fatalf("aws %v: %v\n%s", args, err, out)
			}
		}
		return answer
	}
	aws("ecs", "register-task-definition", "--cli-input-json", "file://"+example+"/task-definition.json")
	aws("ecs", "create-service", "--cli-input-json", "file://"+example+"/service.json", "--service-name", "cli",
		"--tags", "key=ballast:healthy-after,value=0s")
	aws("ecs", "wait", "services-stable", "--services", "cli")
	shown := aws("ecs", "describe-services", "--services", "cli")["services"].([]any)[0].(map[string]any)
	if shown["runningCount"] != shown["desiredCount"] {
		t.Errorf("running %v of %v", shown["runningCount"], shown["desiredCount"])
	}
	tailed(t, program, endpoint)
	aws("ecs", "update-service", "--service", "cli", "--desired-count", "0")
	aws("ecs", "delete-service", "--service", "cli")
	if account := aws("sts", "get-caller-identity")["Account"]; account != "000000000000" {
		t.Errorf("account %v", account)
	}
}

// tailed follows the log of the cluster until every task has said where it listens.
func tailed(t *testing.T, program, endpoint string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), harness.Limit)
	defer cancel()
	tail := exec.CommandContext(ctx, program, "--endpoint-url", endpoint, "logs", "tail", "/ballast/default", "--follow", "--since", "5m", "--format", "short")
	tail.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_DEFAULT_REGION=us-east-1", "PYTHONUNBUFFERED=1")
	tail.Cancel = func() error { return tail.Process.Signal(os.Interrupt) }
	out, err := tail.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var talk strings.Builder
	tail.Stderr = &talk
	if err := tail.Start(); err != nil {
		t.Fatal(err)
	}
	found := 0
	for lines := bufio.NewScanner(out); found < 3 && lines.Scan(); {
		if strings.Contains(lines.Text(), "listening") {
			found++
		}
	}
	cancel()
	tail.Wait() // however it takes the signal
	if found < 3 {
		t.Errorf("aws logs tail showed %d of 3 lines:\n%s", found, talk.String())
	}
}

func TestSDKForGo(t *testing.T) {
	t.Parallel()
	endpoint := serve(t)
	ctx, c := t.Context(), awsecs.New(awsecs.Options{Region: "us-east-1", BaseEndpoint: &endpoint,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
	registered, err := c.RegisterTaskDefinition(ctx, &awsecs.RegisterTaskDefinitionInput{Family: aws.String("go"),
		ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("web"), Image: aws.String("sample"), MemoryReservation: aws.Int32(16),
			Command:      []string{"ballast", "sample", "web"},
			PortMappings: []types.PortMapping{{ContainerPort: aws.Int32(8080)}}}}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.CreateService(ctx, &awsecs.CreateServiceInput{ServiceName: aws.String("go"), DesiredCount: aws.Int32(2),
		TaskDefinition: registered.TaskDefinition.TaskDefinitionArn})
	if err != nil {
		t.Fatal(err)
	}
	services := &awsecs.DescribeServicesInput{Services: []string{"go"}}
	soon := func(o *awsecs.ServicesStableWaiterOptions) { o.MinDelay = 50 * time.Millisecond }
	if err := awsecs.NewServicesStableWaiter(c, soon).Wait(ctx, services, harness.Limit); err != nil {
		t.Fatal(err)
	}
	var arns []string
	for pages := awsecs.NewListTasksPaginator(c, &awsecs.ListTasksInput{ServiceName: aws.String("go"), MaxResults: aws.Int32(1)}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		arns = append(arns, page.TaskArns...)
	}
	if slices.Sort(arns); len(slices.Compact(arns)) != 2 {
		t.Errorf("tasks %v, want two", arns)
	}
	run := &awsecs.RunTaskInput{TaskDefinition: aws.String("go"), ClientToken: aws.String("once")}
	first, err := c.RunTask(ctx, run)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := c.RunTask(ctx, run); err != nil || *again.Tasks[0].TaskArn != *first.Tasks[0].TaskArn {
		t.Errorf("the same client token: %v, want the same task", err)
	}
	run.StartedBy = aws.String("another")
	var conflict *types.ConflictException
	if _, err := c.RunTask(ctx, run); !errors.As(err, &conflict) {
		t.Errorf("the same client token with other parameters: %v", err)
	}
	_, err = c.UpdateService(ctx, &awsecs.UpdateServiceInput{Service: aws.String("nowhere"), DesiredCount: aws.Int32(1)})
	var notFound *types.ServiceNotFoundException
	if !errors.As(err, &notFound) {
		t.Errorf("update of a missing service: %v", err)
	}
	if _, err = c.DeleteService(ctx, &awsecs.DeleteServiceInput{Service: aws.String("go"), Force: aws.Bool(true)}); err != nil {
		t.Fatal(err)
	}
	gone := func(o *awsecs.ServicesInactiveWaiterOptions) { o.MinDelay = 50 * time.Millisecond }
	if err := awsecs.NewServicesInactiveWaiter(c, gone).Wait(ctx, services, harness.Limit); err != nil {
		t.Fatal(err)
	}
}
