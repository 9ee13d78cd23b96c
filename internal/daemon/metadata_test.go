package daemon

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"testing"

	"ballast/internal/driver"
	"ballast/internal/driver/fake"
	"ballast/internal/ecs"
)

// Containers run on between two servers, so the second one is found where the first one was.
func TestTheMetadataEndpointStaysWhereItIs(t *testing.T) {
	cfg := config(t)
	first := start(t, cfg)
	address, id, ok := first.endpoint.of(false)(driver.Key{Container: "web"}, ecs.NetworkBridge)
	if !ok {
		t.Fatal("there is no endpoint")
	}
	if info, err := os.Stat(first.dirs().metadata()); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file with the secret: %v, %v", info.Mode(), err)
	}
	if err := first.Stop(true); err != nil {
		t.Fatal(err)
	}
	second := start(t, cfg)
	if again, sameID, _ := second.endpoint.of(false)(driver.Key{Container: "web"}, ecs.NetworkBridge); again != address || sameID != id {
		t.Errorf("the endpoint moved from %s/%s to %s/%s", address, id, again, sameID)
	}
	if err := second.Stop(true); err != nil {
		t.Fatal(err)
	}
	taken, err := net.Listen("tcp4", strings.TrimPrefix(address, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	if moved := start(t, cfg).endpoint.local; moved == "" || moved == address {
		t.Errorf("with %s taken, the endpoint is at %q", address, moved)
	}
}

// A container asks about itself at the address and by the id that it was given.
func TestContainersAreAnswered(t *testing.T) {
	d := start(t, config(t))
	call(t, d, "RegisterTaskDefinition", `{"family":"web","containerDefinitions":[{"name":"web","image":"app","memoryReservation":64}]}`)
	call(t, d, "RunTask", `{"taskDefinition":"web"}`)
	eventually(t, "a task runs", func() bool { return count(d.Running(), ecs.StatusRunning) == 1 })
	task := d.Running()[0]
	address, id, _ := d.endpoint.of(false)(driver.Key{Task: task.ID, Container: "web"}, ecs.NetworkBridge)
	var shown struct {
		TaskARN    string
		Containers []struct{ Name, KnownStatus, ContainerARN string }
	}
	if err := json.Unmarshal(get(t, address+"/v4/"+id+"/task"), &shown); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(shown.TaskARN, task.ID.String()) || len(shown.Containers) != 1 || shown.Containers[0].KnownStatus != "RUNNING" ||
		shown.Containers[0].ContainerARN == "" {
		t.Errorf("%+v", shown)
	}
	r, err := http.Get(address + "/v4/" + strings.Repeat("0", len(id)))
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if r.StatusCode != http.StatusNotFound {
		t.Errorf("a guess gives %s", r.Status)
	}
}

// remote is a driver whose containers are in a network that is not of this machine.
type remote struct{ driver.Driver }

func (remote) Gateway(context.Context) (netip.Addr, error) {
	return netip.MustParseAddr("192.0.2.1"), nil
}
func (remote) Address(context.Context, driver.Key) (netip.Addr, error) { return netip.Addr{}, nil }

// Where containers cannot reach the endpoint, they are not told of one.
func TestAnUnreachableEndpointIsNotTold(t *testing.T) {
	cfg := config(t)
	cfg.openDriver = func(context.Context) (driver.Driver, error) { return remote{fake.New(1)}, nil }
	d := start(t, cfg)
	for _, mode := range []ecs.NetworkMode{ecs.NetworkBridge, ecs.NetworkAwsvpc, ecs.NetworkHost, ecs.NetworkNone} {
		if address, _, ok := d.endpoint.of(true)(driver.Key{}, mode); ok {
			t.Errorf("network mode %s: told of %q", mode, address)
		}
	}
}
