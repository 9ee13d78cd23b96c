//go:build linux

// Package failover kills servers that share an etcd cluster, and copies their state into it and out of it.
package failover

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsecs "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/internal/ecs"
	"ballast/internal/store/bolt"
	"ballast/test/etcdcluster"
	"ballast/test/grown"
	"ballast/test/harness"
)

var (
	exe     string
	cluster *etcdcluster.Cluster
)

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "ballast-failover-")
	if err != nil {
		panic(err)
	}
	code := 1
	if exe, err = harness.Build(dir); err == nil {
		cluster, err = etcdcluster.Start(filepath.Join(dir, "etcd"))
	}
	if err == nil {
		code = m.Run()
		cluster.Close()
	} else {
		fmt.Fprintln(os.Stderr, err)
	}
	os.RemoveAll(dir)
	os.Exit(code)
}

// takeovers is how often the leader is killed, untilKilled how long it serves before.
const (
	takeovers   = 3
	untilKilled = 300 * time.Millisecond
)

// Of two servers on one etcd cluster one waits. When the leader is killed it takes over, and has every change that the other one
// acknowledged.
func TestTheOtherTakesOver(t *testing.T) {
	at := cluster.URL("takeover")
	leader, follower := harness.New(t, exe, "--store", at), harness.New(t, exe, "--store", at)
	leader.Up()
	acknowledged := map[string]bool{}
	for round := range takeovers {
		const waits = "Follows " // what it says
		before := strings.Count(follower.Said(), waits)
		follower.Launch()
		harness.Until(t, "the other server waits", func() error {
			if strings.Count(follower.Said(), waits) == before {
				return fmt.Errorf("it says only %q", follower.Said())
			}
			return nil
		})
		change(t, leader, round, acknowledged)
		follower.Await()
		for family := range acknowledged {
			if _, err := follower.ECS().DescribeTaskDefinition(t.Context(), &awsecs.DescribeTaskDefinitionInput{TaskDefinition: &family}); err != nil {
				t.Errorf("%s was acknowledged: %v", family, err)
			}
		}
		leader, follower = follower, leader
	}
	if len(acknowledged) < takeovers {
		t.Errorf("only %d changes were acknowledged", len(acknowledged))
	}
}

// change has clients register task definitions until the server is killed under them, and notes what was acknowledged.
func change(t *testing.T, leader *harness.Server, round int, acknowledged map[string]bool) {
	var mu sync.Mutex
	var clients sync.WaitGroup
	for client := range 4 {
		clients.Go(func() {
			for n := 0; ; n++ {
				family := fmt.Sprintf("family-%d-%d-%d", round, client, n)
				_, err := leader.ECS().RegisterTaskDefinition(t.Context(), &awsecs.RegisterTaskDefinitionInput{Family: &family,
					ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("app"), Image: aws.String("i"), MemoryReservation: aws.Int32(4)}}})
				if err != nil {
					return
				}
				mu.Lock()
				acknowledged[family] = true
				mu.Unlock()
			}
		})
	}
	time.Sleep(untilKilled)
	leader.Kill()
	clients.Wait()
}

// "ballast store copy" takes a state into an etcd cluster and out of it again, and changes nothing in it.
func TestStoreCopyToEtcdAndBack(t *testing.T) {
	dir := t.TempDir()
	from, back, at := filepath.Join(dir, "from.db"), filepath.Join(dir, "back.db"), cluster.URL("copied")
	s, err := bolt.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := grown.Commit(t.Context(), s, grown.Units(2000, ecs.TimeOf(time.Now()))); err != nil {
		t.Fatal(err)
	}
	s.Close()
	run := func(args ...string) (string, error) {
		out, err := exec.CommandContext(t.Context(), exe, append([]string{"store", "copy"}, args...)...).CombinedOutput()
		return string(out), err
	}
	for _, pair := range [][]string{{from, at}, {at, back}} {
		if out, err := run(pair...); err != nil {
			t.Fatalf("copy %v: %v: %s", pair, err, out)
		}
	}
	want, got := dump(t, from), dump(t, back)
	if len(want) < 2000 || len(got) != len(want) {
		t.Errorf("%d records came back of %d", len(got), len(want))
	}
	for key, value := range want {
		if got[key] != value {
			t.Errorf("%s came back as %q, was %q", key, got[key], value)
		}
	}
	if out, err := run(from, at); err == nil || !strings.Contains(out, "records already") {
		t.Errorf("copy into a store with records: %v, %s", err, out)
	}
}

func dump(t *testing.T, path string) map[string]string {
	t.Helper()
	s, err := bolt.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	all := map[string]string{}
	err = s.Load(context.Background(), func(key string, value []byte) error {
		all[key] = string(value)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
