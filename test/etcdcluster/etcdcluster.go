// Package etcdcluster starts a real etcd of one member, with the settings of a stock one, on loopback, for tests and benchmarks that
// run several servers on one store. It knows nothing of Ballast. Start reading at Start.
package etcdcluster

import (
	"errors"
	"net"
	"net/url"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
)

// readyWithin is how long a member may take to serve, on a machine under load.
const readyWithin = 2 * time.Minute

// Cluster is a running etcd.
type Cluster struct{ etcd *embed.Etcd }

// Start runs an etcd whose data is in dir.
func Start(dir string) (*Cluster, error) {
	peerHost, err := freeHost()
	if err != nil {
		return nil, err
	}
	cfg := embed.NewConfig()
	cfg.Dir, cfg.LogLevel = dir, "fatal"
	cfg.EnableGRPCGateway = false // nobody asks it, and it reads os.Stderr in a goroutine, which the start of tests sets
	client, peer := url.URL{Scheme: "http", Host: "127.0.0.1:0"}, url.URL{Scheme: "http", Host: peerHost}
	cfg.ListenClientUrls, cfg.AdvertiseClientUrls = []url.URL{client}, []url.URL{client}
	cfg.ListenPeerUrls, cfg.AdvertisePeerUrls = []url.URL{peer}, []url.URL{peer}
	cfg.InitialCluster = cfg.InitialClusterFromName(cfg.Name)
	server, err := embed.StartEtcd(cfg)
	if err != nil {
		return nil, err
	}
	select {
	case <-server.Server.ReadyNotify():
		return &Cluster{server}, nil
	case <-time.After(readyWithin):
		server.Close()
		return nil, errors.New("etcd is not ready")
	}
}

// URL is what "ballast up --store" takes to keep its state under a prefix.
func (c *Cluster) URL(prefix string) string {
	return "etcd://" + c.Host() + "/" + prefix
}

// Host is where it answers clients, as host:port.
func (c *Cluster) Host() string { return c.etcd.Clients[0].Addr().String() }

// Close ends it.
func (c *Cluster) Close() { c.etcd.Close() }

// freeHost is an address that was free a moment ago: etcd wants to know the one of its peers before it listens.
func freeHost() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}
