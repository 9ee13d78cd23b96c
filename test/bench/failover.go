package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"ballast/test/etcdcluster"
)

// takeovers is how often a leader is killed.
const takeovers = 20

// followFor is how long the other server has waited when the leader is killed: long enough to have started.
const followFor = time.Second

// measureFailover: two servers share an etcd cluster, which runs in this process; kill -9 of the leader to the first change that
// the other one acknowledges.
func measureFailover(ctx context.Context, b *bench) ([]row, error) {
	cluster, err := etcdcluster.Start(filepath.Join(b.dir, "etcd"))
	if err != nil {
		return nil, err
	}
	defer cluster.Close()
	store := cluster.URL("failover")
	leader, err := b.up(ctx, "--store", store)
	if err != nil {
		return nil, err
	}
	var took []time.Duration
	for range takeovers {
		follower, err := b.start("--store", store)
		if err != nil {
			leader.kill()
			return nil, err
		}
		time.Sleep(followFor + time.Duration(len(took)%8)*40*time.Millisecond) // at any moment between two renewals of the lease
		begin := time.Now()
		leader.cmd.Process.Kill()
		err = follower.until(ctx, func() (bool, error) { return follower.define("web") == nil, nil })
		took = append(took, time.Since(begin))
		leader.kill()
		if leader = follower; err != nil {
			leader.kill()
			return nil, err
		}
	}
	leader.kill()
	return []row{{fmt.Sprintf("two servers on one etcd, kill -9 of the leader to the next acknowledged change, %d times", takeovers),
		fmt.Sprintf("p50 %s, slowest %s", short(median(took)), short(slices.Max(took))), "", "2 s"}}, nil
}
