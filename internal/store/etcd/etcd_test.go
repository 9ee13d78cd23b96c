package etcd

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/etcd/server/v3/embed"

	"ballast/internal/store"
	"ballast/internal/store/storetest"
)

// cluster is the host and port of the etcd of all tests: a real one, of one member, with the settings of a stock etcd.
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
	server, err := startCluster(dir)
	if err != nil {
		panic(err)
	}
	defer server.Close()
	cluster = server.Clients[0].Addr().String()
	return m.Run()
}

func startCluster(dir string) (*embed.Etcd, error) {
	cfg := embed.NewConfig()
	cfg.Dir, cfg.LogLevel = dir, "fatal"
	client, peer := url.URL{Scheme: "http", Host: "127.0.0.1:0"}, url.URL{Scheme: "http", Host: freeHost()}
	cfg.ListenClientUrls, cfg.AdvertiseClientUrls = []url.URL{client}, []url.URL{client}
	cfg.ListenPeerUrls, cfg.AdvertisePeerUrls = []url.URL{peer}, []url.URL{peer}
	cfg.InitialCluster = cfg.InitialClusterFromName(cfg.Name)
	server, err := embed.StartEtcd(cfg)
	if err != nil {
		return nil, err
	}
	select {
	case <-server.Server.ReadyNotify():
		return server, nil
	case <-time.After(30 * time.Second):
		server.Close()
		return nil, fmt.Errorf("etcd is not ready")
	}
}

// freeHost is an address that was free a moment ago: etcd wants to know the one of its peers before it listens.
func freeHost() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer l.Close()
	return l.Addr().String()
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
