package sample

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// verb is a thing that the application can be told to do.
type verb string

const (
	listen     verb = "listen" // only at the start
	crash      verb = "crash"
	exit       verb = "exit"
	freeze     verb = "freeze"
	unhealthy  verb = "unhealthy"
	healthy    verb = "healthy"
	leak       verb = "leak"
	capacity   verb = "capacity"
	ignoreTerm verb = "ignore-term"
)

// order tells the application to do something, now or later.
type order struct {
	verb      verb
	after     time.Duration
	code      int           // of crash and exit
	lasts     time.Duration // of unhealthy; 0 is until told otherwise
	mibPerSec int           // of leak; 0 stops it and keeps what has leaked
	perSec    int           // of capacity: requests a second; 0 is any number
	on        bool          // of ignore-term
}

// Bounds of what an order may say.
const (
	maxAfter     = 24 * time.Hour
	maxCode      = 255  // what an exit status can carry
	maxMiBPerSec = 1024 // beyond that it is a crash
)

// action describes a verb to those who call it over HTTP.
type action struct {
	verb   verb
	params string // with their defaults, as a query
	help   string
}

var actions = []action{
	{crash, "after=0s&code=1", "end without answering what is under way"},
	{exit, "after=0s&code=0", "answer what is under way, then end"},
	{freeze, "after=0s", "accept connections, but answer and log nothing any more"},
	{unhealthy, "after=0s&for=0s", "answer /health with 503; for=0s is until told healthy"},
	{healthy, "after=0s", "answer /health with 200 again"},
	{leak, "after=0s&mib=10", "leak so many MiB per second; mib=0 stops it"},
	{capacity, "after=0s&rate=10", "answer slowly when more requests come per second; rate=0 is any number"},
	{ignoreTerm, "after=0s&on=true", "ignore SIGTERM"},
}

// parse reads an order from the name of an action and the arguments of its call. Parameters that are missing have the
// defaults of the action; those it does not know are an error.
func parse(name string, args url.Values) (order, error) {
	i := slices.IndexFunc(actions, func(a action) bool { return string(a.verb) == name })
	if i < 0 {
		return order{}, fmt.Errorf("no action %q", name)
	}
	params, err := url.ParseQuery(actions[i].params)
	if err != nil {
		panic(err) // a fault in the table above
	}
	for _, key := range sortedKeys(args) {
		if !params.Has(key) {
			return order{}, fmt.Errorf("%s has no parameter %q, only %s", name, key, strings.Join(sortedKeys(params), ", "))
		}
		if len(args[key]) != 1 {
			return order{}, fmt.Errorf("%s: %s is given %d times", name, key, len(args[key]))
		}
		params[key] = args[key]
	}
	o := order{verb: verb(name)}
	for _, key := range sortedKeys(params) {
		if err := o.set(key, params.Get(key)); err != nil {
			return order{}, fmt.Errorf("%s: %s=%s: %w", name, key, params.Get(key), err)
		}
	}
	return o, o.check()
}

func (o *order) set(key, value string) (err error) {
	switch key {
	case "after":
		o.after, err = time.ParseDuration(value)
	case "for":
		o.lasts, err = time.ParseDuration(value)
	case "code":
		o.code, err = strconv.Atoi(value)
	case "mib":
		o.mibPerSec, err = strconv.Atoi(value)
	case "rate":
		o.perSec, err = strconv.Atoi(value)
	case "on":
		o.on, err = strconv.ParseBool(value)
	}
	return err
}

// check tells what of o is out of bounds.
func (o order) check() error {
	switch {
	case o.after < 0 || o.after > maxAfter:
		return fmt.Errorf("%s after %v: want 0s to %v", o.verb, o.after, maxAfter)
	case o.lasts < 0 || o.lasts > maxAfter:
		return fmt.Errorf("%s for %v: want 0s to %v", o.verb, o.lasts, maxAfter)
	case o.code < 0 || o.code > maxCode:
		return fmt.Errorf("%s with exit code %d: want 0 to %d", o.verb, o.code, maxCode)
	case o.mibPerSec < 0 || o.mibPerSec > maxMiBPerSec:
		return fmt.Errorf("%s %d MiB per second: want 0 to %d", o.verb, o.mibPerSec, maxMiBPerSec)
	case o.perSec < 0 || o.perSec > maxCapacity:
		return fmt.Errorf("%s %d requests per second: want 0 to %d", o.verb, o.perSec, maxCapacity)
	}
	return nil
}

// last tells whether the order must wait until whoever gave it has the answer, because there is none after it.
func (o order) last() bool {
	return o.verb == crash || o.verb == exit
}

func sortedKeys(v url.Values) []string {
	keys := make([]string, 0, len(v))
	for k := range v {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
