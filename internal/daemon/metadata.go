package daemon

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"net/netip"
	"os"
	"time"

	"ballast/internal/agent/metadata"
	"ballast/internal/arn"
	"ballast/internal/control"
	"ballast/internal/driver"
	"ballast/internal/ecs"
	"ballast/internal/httpd"
)

// endpoint is where the containers of this instance ask about themselves. Its port and its secret stay the same from one start to the
// next, because containers run on meanwhile.
type endpoint struct {
	secret    metadata.Secret
	listeners []net.Listener
	// local and gateway are the URLs at which containers in the host's network and in one of their own find it, "" where they cannot.
	local, gateway string
}

// kept is the file of an endpoint. The secret in it is as good as every container's id.
type kept struct {
	Secret []byte `json:"secret"`
	Port   uint16 `json:"port"`
}

// endpointFile gives what the file says, and fills it in first if there is none.
func endpointFile(file string) (kept, error) {
	var k kept
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		k.Secret = make([]byte, metadata.SecretSize)
		rand.Read(k.Secret)
		return k, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &k)
	}
	if err == nil && len(k.Secret) != metadata.SecretSize {
		err = errors.New("the secret does not have its length")
	}
	if err != nil {
		return k, fmt.Errorf("%s does not hold the metadata endpoint's port and secret: %w", file, err)
	}
	return k, nil
}

// startEndpoint listens for containers.
func (d *Daemon) startEndpoint(ctx context.Context) error {
	file := d.dirs().metadata()
	k, err := endpointFile(file)
	if err != nil {
		return err
	}
	gateway, bridged := d.gateway(ctx)
	e := &endpoint{secret: k.Secret}
	if err := d.listenAt(ctx, e, k.Port, gateway); err != nil {
		return err
	}
	if bridged && e.gateway == "" {
		d.cfg.Log.Warn("containers with a network of their own get no metadata endpoint: the engine's gateway is no address of this machine",
			"gateway", gateway.String())
		e.local = "" // nor does the host of those in network mode host have it
	}
	d.endpoint = e
	k.Port = e.port()
	text, err := json.Marshal(k)
	if err == nil {
		err = writeDurably(file, string(text)+"\n")
	}
	if err != nil {
		e.close()
	}
	return err
}

// gateway asks the driver how containers with a network of their own reach this machine; bridged is false for a driver that has none.
func (d *Daemon) gateway(ctx context.Context) (at netip.Addr, bridged bool) {
	bridge, ok := d.driver.(driver.Bridge)
	if !ok {
		return netip.Addr{}, false
	}
	at, err := bridge.Gateway(ctx)
	if err != nil {
		d.cfg.Log.Warn("the driver does not say how containers reach this machine", "cause", err)
	}
	return at, true
}

const (
	// firstPort and ports are where the endpoint may be. It is below what systems give to connections that go out (from 32768 on Linux,
	// from 49152 elsewhere), so that none has the port while a server is started anew.
	firstPort, ports = 29000, 1000
	// maxDraws bounds the search for a port that is free at both addresses.
	maxDraws = 50
)

// listenAt listens at the port of the last start, or at a free one where there was none or it is taken.
func (d *Daemon) listenAt(ctx context.Context, e *endpoint, last uint16, gateway netip.Addr) error {
	if last != 0 {
		err := e.listen(ctx, last, gateway)
		if err == nil {
			return nil
		}
		d.cfg.Log.Warn("the metadata endpoint has to move: containers that run already cannot reach it", "cause", err)
	}
	return e.draw(ctx, gateway)
}

// draw listens at a free port.
func (e *endpoint) draw(ctx context.Context, gateway netip.Addr) (err error) {
	for range maxDraws {
		if err = e.listen(ctx, firstPort+mathrand.N[uint16](ports), gateway); err == nil {
			return nil
		}
	}
	return err
}

// listen listens at the same port of loopback and of the gateway, as far as that is an address of this machine.
func (e *endpoint) listen(ctx context.Context, port uint16, gateway netip.Addr) error {
	e.listeners, e.local, e.gateway = nil, "", ""
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp4", netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port).String())
	if err != nil {
		return fmt.Errorf("listen for containers: %w", err)
	}
	e.listeners, e.local = append(e.listeners, l), "http://"+l.Addr().String()
	if !gateway.IsValid() || !ownAddress(gateway) {
		return nil
	}
	at := netip.AddrPortFrom(gateway, e.port()).String()
	if l, err = config.Listen(ctx, "tcp4", at); err != nil {
		e.close()
		return fmt.Errorf("listen for containers: %w", err)
	}
	e.listeners, e.gateway = append(e.listeners, l), "http://"+at
	return nil
}

// ownAddress says whether this machine has an address.
func ownAddress(at netip.Addr) bool {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, a := range addresses {
		if p, ok := a.(*net.IPNet); ok && p.IP.Equal(at.AsSlice()) {
			return true
		}
	}
	return false
}

func (e *endpoint) port() uint16 { return uint16(e.listeners[0].Addr().(*net.TCPAddr).Port) }

func (e *endpoint) close() {
	for _, l := range e.listeners {
		l.Close()
	}
}

// of gives a container's way to the endpoint.
func (e *endpoint) of(bridged bool) func(driver.Key, ecs.NetworkMode) (address, id string, ok bool) {
	return func(key driver.Key, mode ecs.NetworkMode) (string, string, bool) {
		address := e.local
		if bridged && (mode == ecs.NetworkBridge || mode == ecs.NetworkAwsvpc) {
			address = e.gateway
		}
		return address, e.secret.ID(key), address != "" && mode != ecs.NetworkNone
	}
}

func (d *Daemon) stopEndpoint(context.Context) error {
	d.endpoint.close() // whoever served has, if it ran
	return nil
}

// runMetadata answers containers until ctx is done.
func (d *Daemon) runMetadata(ctx context.Context) error {
	server := metadata.NewServer(metadata.Config{Secret: d.endpoint.secret, Names: arn.Namer{Region: d.cfg.Region, Account: d.cfg.Account},
		Cluster: d.cfg.Cluster, Zone: d.zone(), Agent: d.agent, Control: records{d}, Driver: d.driver, Now: time.Now, Log: d.cfg.Log})
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, len(d.endpoint.listeners))
	for _, l := range d.endpoint.listeners {
		go func() { ended <- httpd.Serve(ctx, l, server.Handler(), d.cfg.Log) }()
	}
	var errs []error
	for range d.endpoint.listeners {
		errs = append(errs, <-ended)
		cancel()
	}
	return errors.Join(errs...)
}

// records is control as containers see it.
type records struct{ d *Daemon }

func (r records) Task(id ecs.ID) *ecs.Task { return r.d.control.Root().Task(r.d.cfg.Cluster, id) }

func (r records) Protection(_ context.Context, id ecs.ID) (*ecs.Task, string, error) {
	t := r.Task(id)
	if reason := control.Unprotectable(t); reason != "" {
		return nil, reason, nil
	}
	return t, "", nil
}

func (r records) Protect(ctx context.Context, id ecs.ID, period time.Duration) (*ecs.Task, string, error) {
	answer, err := r.d.control.Submit(ctx, control.ProtectTasks{Cluster: r.d.cfg.Cluster, Tasks: []ecs.ID{id}, For: period})
	if err != nil {
		return nil, "", err
	}
	p := answer.([]control.Protection)[0]
	return p.Task, p.Reason, nil
}

func (r records) InstanceTags() []ecs.Tag {
	if i := r.d.control.Root().Instance(r.d.cfg.Cluster, r.d.instance); i != nil {
		return i.Tags
	}
	return nil
}
