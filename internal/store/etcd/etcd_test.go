package etcd

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"testing"

	"ballast/internal/store"
	"ballast/internal/store/storetest"
	"ballast/test/etcdcluster"
)

// cluster is the host and port of the etcd of all tests: a real one.
var cluster string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "etcd")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	server, err := etcdcluster.Start(dir)
	if err != nil {
		panic(err)
	}
	defer server.Close()
	cluster = server.Host()
	return m.Run()
}

var prefixes atomic.Int64

// place is the URL of a store that is empty, on a host that leads to the cluster.
func place(host string) string { return fmt.Sprintf("%s%s/test/%d", Scheme, host, prefixes.Add(1)) }

func TestStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) storetest.Opener {
		at := place(cluster)
		return func() (store.Store, error) { return Open(context.Background(), at, "test", nil) }
	})
}
