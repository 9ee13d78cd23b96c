//go:build !linux

package keeper

import "golang.org/x/sys/unix"

// ulimits are the limits that other systems have (getrlimit(2)).
var ulimits = map[string]int{
	"core":    unix.RLIMIT_CORE,
	"cpu":     unix.RLIMIT_CPU,
	"data":    unix.RLIMIT_DATA,
	"fsize":   unix.RLIMIT_FSIZE,
	"memlock": unix.RLIMIT_MEMLOCK,
	"nofile":  unix.RLIMIT_NOFILE,
	"nproc":   unix.RLIMIT_NPROC,
	"rss":     unix.RLIMIT_RSS,
	"stack":   unix.RLIMIT_STACK,
}
