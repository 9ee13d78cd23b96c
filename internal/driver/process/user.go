package process

import (
	"os"
	"os/user"
	"strconv"
	"strings"

	"ballast/internal/agent/keeper"
)

// accounts is where users and groups are looked up, and who asks.
type accounts struct {
	euid, egid uint32
	user       func(nameOrID string) (*user.User, error)
	group      func(name string) (*user.Group, error)
	groupsOf   func(*user.User) ([]string, error)
}

func hostAccounts() accounts {
	return accounts{
		euid: uint32(os.Geteuid()), egid: uint32(os.Getegid()),
		user: func(nameOrID string) (*user.User, error) {
			if u, err := user.Lookup(nameOrID); err == nil {
				return u, nil
			}
			return user.LookupId(nameOrID)
		},
		group:    user.LookupGroup,
		groupsOf: (*user.User).GroupIds,
	}
}

// resolve reads the field user of a container definition as Docker does: a user or a number, and after a colon a group or a number.
// A number that belongs to nobody is a user of the group 0. home is "" where none is known. The user is nil where it is the one who
// asks; any other only root can be.
func (a accounts) resolve(text string) (u *keeper.User, home string, err error) {
	if text == "" {
		return nil, "", nil
	}
	name, group, grouped := strings.Cut(text, ":")
	u = &keeper.User{}
	found, lookupErr := a.user(name)
	number, numeric := parseID(name)
	switch {
	case lookupErr == nil:
		home = found.HomeDir
		uid, _ := parseID(found.Uid)
		gid, _ := parseID(found.Gid)
		u.UID, u.GID = uid, gid
	case numeric:
		u.UID = number
	default:
		return nil, "", cannotCreate("user: unable to find user %s: no matching entries in passwd file", name)
	}
	if grouped {
		if u.GID, err = a.groupID(group); err != nil {
			return nil, "", err
		}
	} else if lookupErr == nil {
		ids, _ := a.groupsOf(found)
		for _, id := range ids {
			if g, ok := parseID(id); ok && g != u.GID {
				u.Groups = append(u.Groups, g)
			}
		}
	}
	switch {
	case a.euid == 0:
		return u, home, nil
	case u.UID == a.euid && u.GID == a.egid:
		return nil, home, nil
	}
	return nil, "", cannotCreate("user %s: only root can start processes of another user; start ballast as root, or with --driver docker", text)
}

func (a accounts) groupID(group string) (uint32, error) {
	if g, err := a.group(group); err == nil {
		if id, ok := parseID(g.Gid); ok {
			return id, nil
		}
	}
	if id, ok := parseID(group); ok {
		return id, nil
	}
	return 0, cannotCreate("user: unable to find group %s: no matching entries in group file", group)
}

func parseID(s string) (uint32, bool) {
	n, err := strconv.ParseUint(s, 10, 31)
	return uint32(n), err == nil
}
