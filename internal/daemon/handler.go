package daemon

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"ballast/internal/agent"
	apiecs "ballast/internal/api/ecs"
	"ballast/internal/api/exec"
	"ballast/internal/api/logs"
	"ballast/internal/api/sts"
	"ballast/internal/api/why"
	"ballast/internal/arn"
	"ballast/internal/driver"
	"ballast/internal/ecs"
	"ballast/internal/httpd"
	"ballast/internal/scheduler/policy"
)

// About is what a server says of itself to whoever asks for AboutPath, so that another "ballast up" can tell it from other
// programs.
type About struct {
	Product string `json:"product"` // AboutProduct
	Version string `json:"version"`
	Region  string `json:"region"`
	Account string `json:"account"`
	Cluster string `json:"cluster"` // of the container instance
	Policy  string `json:"policy"`
}

// Where About is found, and how it is told from what other programs answer there.
const (
	AboutPath    = "/about"
	AboutProduct = "ballast"
)

// handler gives what the endpoint serves. Everything stands behind the host and origin rules of httpd.
func (d *Daemon) handler() http.Handler {
	config := httpd.Config{
		Operations: d.operations(), Upgrades: []httpd.Upgrade{exec.Upgrade(d.control, &d.logs)}, Lookups: []httpd.Lookup{why.Lookup(d.control)},
		Hosts: d.hosts(), Credentials: d.cfg.Credentials, Account: d.cfg.Account,
		Now: time.Now, RequestID: requestID, Log: d.cfg.Log, Current: d.control.Current,
	}
	api := httpd.Handler(config)
	config.Operations, config.Upgrades, config.Lookups, config.Pages = nil, nil, nil, http.HandlerFunc(d.about)
	about := httpd.Handler(config)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == AboutPath {
			about.ServeHTTP(w, r)
			return
		}
		api.ServeHTTP(w, r)
	})
}

func (d *Daemon) about(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(About{AboutProduct, d.cfg.Version, d.cfg.Region, d.cfg.Account, d.cfg.Cluster, d.cfg.Policy.Name})
}

// operations are all that the API serves.
func (d *Daemon) operations() []httpd.Operation {
	names := arn.Namer{Region: d.cfg.Region, Account: d.cfg.Account}
	return slices.Concat(
		apiecs.Operations(apiecs.Config{Names: names, Control: d.control, CheckTags: d.policyTags}),
		logs.Operations(logs.Config{Names: names, State: d.control, Source: &d.logs}),
		sts.Operations(sts.Config{Account: d.cfg.Account}),
	)
}

// policyTags refuses tags under "ballast:" that nothing reads.
func (d *Daemon) policyTags(tags []ecs.Tag) error {
	if _, err := policy.WithTags(d.cfg.Policy, tags); err != nil {
		return ecs.Errorf(ecs.InvalidParameterException, "%v", err)
	}
	return nil
}

// hosts are the names that the server answers to: those it was given and its address. One that listens everywhere answers to
// the name and the addresses of this machine.
func (d *Daemon) hosts() []string {
	hosts := slices.Clone(d.cfg.Hosts)
	host, _, _ := net.SplitHostPort(d.cfg.Listen)
	ip := net.ParseIP(host)
	if host != "" && (ip == nil || !ip.IsUnspecified()) {
		return append(hosts, host)
	}
	if name, err := os.Hostname(); err == nil {
		hosts = append(hosts, name)
	}
	addresses, _ := net.InterfaceAddrs() // without them the names remain
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok {
			hosts = append(hosts, n.IP.String())
		}
	}
	return hosts
}

// requestID gives a UUID, as AWS does.
func requestID() string {
	var b [16]byte
	rand.Read(b[:])
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// lateLogs reads logs, and runs commands in containers, through the agent, which starts after the API does.
type lateLogs struct{ agent atomic.Pointer[agent.Agent] }

func (l *lateLogs) set(a *agent.Agent) { l.agent.Store(a) }

// Logs reads as agent.Agent.Logs does.
func (l *lateLogs) Logs(ctx context.Context, task ecs.ID, container string, position int64, limit driver.LogLimit) ([]driver.LogLine, int64,
	error) {
	a := l.agent.Load()
	if a == nil {
		return nil, 0, errStarting()
	}
	return a.Logs(ctx, task, container, position, limit)
}

// FindLog finds as agent.Agent.FindLog does.
func (l *lateLogs) FindLog(ctx context.Context, task ecs.ID, container string, at ecs.Time) (int64, error) {
	a := l.agent.Load()
	if a == nil {
		return 0, errStarting()
	}
	return a.FindLog(ctx, task, container, at)
}

// LastLog looks as agent.Agent.LastLog does.
func (l *lateLogs) LastLog(ctx context.Context, task ecs.ID, container string) (ecs.Time, error) {
	a := l.agent.Load()
	if a == nil {
		return 0, errStarting()
	}
	return a.LastLog(ctx, task, container)
}

// Attach runs a command as agent.Agent.Attach does.
func (l *lateLogs) Attach(ctx context.Context, task ecs.ID, container string, command []string, streams driver.Streams) (int, error) {
	a := l.agent.Load()
	if a == nil {
		return 0, errStarting()
	}
	return a.Attach(ctx, task, container, command, streams)
}

func errStarting() error {
	return ecs.Errorf(ecs.ServerException, "The container instance is still starting; try again in a moment.")
}
