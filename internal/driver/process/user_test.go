package process

import (
	"errors"
	"os/user"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ballast/internal/agent/keeper"
	"ballast/internal/driver"
)

func TestResolve(t *testing.T) {
	web := &user.User{Uid: "500", Gid: "501", Username: "web", HomeDir: "/home/web"}
	of := func(euid uint32) accounts {
		return accounts{euid: euid, egid: euid + 1,
			user: func(name string) (*user.User, error) {
				if name == "web" || name == "500" {
					return web, nil
				}
				return nil, errors.New("none")
			},
			group: func(name string) (*user.Group, error) {
				if name == "staff" {
					return &user.Group{Gid: "50"}, nil
				}
				return nil, errors.New("none")
			},
			groupsOf: func(*user.User) ([]string, error) { return []string{"501", "50"}, nil },
		}
	}
	for _, c := range []struct {
		text string
		euid uint32
		want *keeper.User
		home string
		err  string
	}{
		{"", 7, nil, "", ""},
		{"web", 0, &keeper.User{UID: 500, GID: 501, Groups: []uint32{50}}, "/home/web", ""},
		{"500", 0, &keeper.User{UID: 500, GID: 501, Groups: []uint32{50}}, "/home/web", ""},
		{"web:staff", 0, &keeper.User{UID: 500, GID: 50}, "/home/web", ""},
		{"web:7", 0, &keeper.User{UID: 500, GID: 7}, "/home/web", ""},
		{"1234", 0, &keeper.User{UID: 1234}, "", ""},
		{"1234:staff", 0, &keeper.User{UID: 1234, GID: 50}, "", ""},
		{"0", 0, &keeper.User{}, "", ""},
		{"web", 500, nil, "/home/web", ""},
		{"web:staff", 500, nil, "", "user web:staff: only root can start processes of another user"},
		{"1234", 500, nil, "", "only root"},
		{"nobodyknows", 0, nil, "", "unable to find user nobodyknows"},
		{"web:nobodyknows", 0, nil, "", "unable to find group nobodyknows"},
		{"-1", 0, nil, "", "unable to find user -1"},
		{"4294967295", 0, nil, "", "unable to find user 4294967295"},
	} {
		got, home, err := of(c.euid).resolve(c.text)
		name := driver.CannotCreateContainerError
		if c.err == "" {
			name = ""
		}
		wantError(t, err, name, c.err)
		if diff := cmp.Diff(c.want, got); diff != "" || home != c.home {
			t.Errorf("%q for %d: home %q, %s", c.text, c.euid, home, diff)
		}
	}
}
