package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// server is one running `ballast up` on a data directory of its own.
type server struct {
	cmd      *exec.Cmd
	endpoint string
	dir      string
	client   *http.Client
}

// start runs a server without waiting until it answers.
func (b *bench) start(flags ...string) (*server, error) {
	b.nextID++
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	address := l.Addr().String()
	l.Close()
	s := &server{endpoint: "http://" + address, dir: filepath.Join(b.dir, "data"+strconv.Itoa(b.nextID)),
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: 30 * time.Second}}
	s.cmd = exec.Command(b.exe, append([]string{"up", "--listen", address, "--data-dir", s.dir, "--driver", "process",
		"--log-level", "error"}, flags...)...)
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return s, s.cmd.Start()
}

// up runs a server and waits until it has a container instance.
func (b *bench) up(ctx context.Context, flags ...string) (*server, error) {
	s, err := b.start(flags...)
	if err != nil {
		return nil, err
	}
	err = s.until(ctx, func() (bool, error) {
		var out struct{ ContainerInstanceArns []string }
		if s.call("ListContainerInstances", map[string]any{}, &out) != nil {
			return false, nil
		}
		return len(out.ContainerInstanceArns) > 0, nil
	})
	if err != nil {
		s.stop()
	}
	return s, err
}

// stop ends the server as Ctrl-C does, tasks first.
func (s *server) stop() {
	s.cmd.Process.Signal(os.Interrupt)
	s.cmd.Wait()
	os.RemoveAll(s.dir)
}

// call is one unsigned request of the ECS API.
func (s *server) call(operation string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	return s.raw(operation, body, out)
}

func (s *server) raw(operation string, body []byte, out any) error {
	request, err := http.NewRequest("POST", s.endpoint, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-amz-json-1.1")
	request.Header.Set("X-Amz-Target", "AmazonEC2ContainerServiceV20141113."+operation)
	response, err := s.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(response.Body)
		return fmt.Errorf("%s: %s: %s", operation, response.Status, text)
	}
	if out == nil {
		_, err = io.Copy(io.Discard, response.Body)
		return err
	}
	return json.NewDecoder(response.Body).Decode(out)
}

// poll is the pause between two looks from outside.
const poll = 2 * time.Millisecond

// until waits for a condition that is seen from outside.
func (s *server) until(ctx context.Context, condition func() (bool, error)) error {
	return until(ctx, condition)
}

func until(ctx context.Context, condition func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for {
		ok, err := condition()
		if ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited for too long: %w", ctx.Err())
		case <-time.After(poll):
		}
	}
}

// service and task are what the figures read of the API's answers.
type service struct {
	RunningCount, PendingCount int
	Deployments                []struct{ RolloutState string }
}

type task struct {
	TaskArn, LastStatus, TaskDefinitionArn string
	StartedAt, ExecutionStoppedAt          float64
	Containers                             []struct{ RuntimeId string }
}

// define registers a task definition of one container that runs the sample application.
func (s *server) define(family string) error {
	return s.call("RegisterTaskDefinition", definition(family), nil)
}

func definition(family string) map[string]any {
	return map[string]any{"family": family, "containerDefinitions": []any{map[string]any{
		"name": "web", "image": "sample", "memoryReservation": 16, "essential": true,
		"command":      []string{"ballast", "sample", "web"},
		"portMappings": []any{map[string]any{"containerPort": 8080}}}}}
}

func (s *server) serve(name, family string, count int) error {
	return s.call("CreateService", map[string]any{"serviceName": name, "taskDefinition": family, "desiredCount": count,
		"tags": []any{map[string]any{"key": "ballast:healthy-after", "value": "0s"}}}, nil)
}

func (s *server) describe(name string) (service, error) {
	var out struct{ Services []service }
	err := s.call("DescribeServices", map[string]any{"services": []string{name}}, &out)
	if err == nil && len(out.Services) != 1 {
		err = fmt.Errorf("service %s: %d found", name, len(out.Services))
	}
	if err != nil {
		return service{}, err
	}
	return out.Services[0], nil
}

// running waits until a service has that many RUNNING tasks and one completed deployment.
func (s *server) running(ctx context.Context, name string, count int) error {
	return s.until(ctx, func() (bool, error) {
		v, err := s.describe(name)
		return err == nil && v.RunningCount == count && len(v.Deployments) == 1 && v.Deployments[0].RolloutState == "COMPLETED", err
	})
}

// tasks gives the tasks of a service by desired status.
func (s *server) tasks(name, desired string) ([]task, error) {
	var list struct{ TaskArns []string }
	if err := s.call("ListTasks", map[string]any{"serviceName": name, "desiredStatus": desired}, &list); err != nil || len(list.TaskArns) == 0 {
		return nil, err
	}
	var out struct{ Tasks []task }
	err := s.call("DescribeTasks", map[string]any{"tasks": list.TaskArns}, &out)
	return out.Tasks, err
}
