package policy

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"ballast/internal/ecs"
)

// TagPrefix begins the keys of the tags that change a policy for one service.
const TagPrefix = "ballast:"

// maxTagDuration bounds a duration given by a tag, so that adding it to a time cannot overflow and a typing error is seen.
const maxTagDuration = 24 * time.Hour

// knownTags are the keys that have an effect, in alphabetical order.
var knownTags = []struct {
	key string
	set func(p *Policy, value string) error
}{
	{"ballast:breaker-counts-exits", func(p *Policy, value string) (err error) {
		p.BreakerCountsExits, err = yes(value)
		return err
	}},
	{"ballast:debug-keep", func(p *Policy, value string) (err error) {
		p.DebugKeep, err = number(value, maxDebugKeep)
		return err
	}},
	{"ballast:healthy-after", func(p *Policy, value string) (err error) {
		p.HealthyAfter, err = duration(value)
		return err
	}},
	{"ballast:stuck-after", func(p *Policy, value string) (err error) {
		if p.StuckAfter, err = duration(value); err == nil && p.StuckAfter < time.Second {
			err = fmt.Errorf("%s is less than 1s", p.StuckAfter)
		}
		return err
	}},
	{"ballast:loop-brake", func(p *Policy, value string) (err error) {
		p.Brake, err = brake(value)
		return err
	}},
	{"ballast:loop-brake-after", func(p *Policy, value string) (err error) {
		p.BrakeAfter, err = number(value, maxBrakeAfter)
		return err
	}},
	{"ballast:loop-brake-base", func(p *Policy, value string) (err error) {
		p.BrakeBase, err = duration(value)
		return err
	}},
	{"ballast:loop-brake-max", func(p *Policy, value string) (err error) {
		p.BrakeMax, err = duration(value)
		return err
	}},
	{"ballast:throttle-base", func(p *Policy, value string) (err error) {
		p.ThrottleBase, err = duration(value)
		return err
	}},
	{"ballast:throttle-max", func(p *Policy, value string) (err error) {
		p.ThrottleMax, err = duration(value)
		return err
	}},
}

// WithTags gives p as changed by the tags of one service, each of which sets the field of its name: "ballast:healthy-after" sets
// HealthyAfter to a duration such as "5s", at most maxTagDuration. Tags with other prefixes are not looked at. An unknown key under
// "ballast:" and a value that cannot be read are errors that name the tag; p is given unchanged then.
func WithTags(p Policy, tags []ecs.Tag) (Policy, error) {
	changed := p
	for _, tag := range tags {
		if !strings.HasPrefix(tag.Key, TagPrefix) {
			continue
		}
		set := setter(tag.Key)
		if set == nil {
			return p, fmt.Errorf("tag %q is unknown; known under %q are %s", tag.Key, TagPrefix, strings.Join(TagKeys(), ", "))
		}
		if err := set(&changed, tag.Value); err != nil {
			return p, fmt.Errorf("tag %q: %w", tag.Key, err)
		}
	}
	return changed, nil
}

// TagKeys lists the keys that WithTags knows.
func TagKeys() []string {
	keys := make([]string, len(knownTags))
	for i, known := range knownTags {
		keys[i] = known.key
	}
	return keys
}

func setter(key string) func(*Policy, string) error {
	for _, known := range knownTags {
		if known.key == key {
			return known.set
		}
	}
	return nil
}

// maxDebugKeep is more tasks than anybody looks into, and bounds what they cost.
const maxDebugKeep = 100

// maxBrakeAfter is far more waves than anybody waits for.
const maxBrakeAfter = 1_000

func brake(value string) (LoopBrake, error) {
	switch value {
	case "off":
		return BrakeOff, nil
	case "backoff":
		return BrakeBackoff, nil
	case "park":
		return BrakePark, nil
	}
	return BrakeOff, fmt.Errorf("%q is not \"off\", \"backoff\" or \"park\"", value)
}

func number(value string, most int) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > most {
		return 0, fmt.Errorf("%q is not a number from 1 to %d", value, most)
	}
	return n, nil
}

func yes(value string) (bool, error) {
	switch value {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, fmt.Errorf("%q is neither \"true\" nor \"false\"", value)
}

func duration(value string) (time.Duration, error) {
	d, err := time.ParseDuration(value)
	if err != nil {
		return 0, fmt.Errorf("%q is not a duration such as \"5s\"", value)
	}
	if d < 0 || d > maxTagDuration {
		return 0, fmt.Errorf("%s is not between 0s and %s", value, maxTagDuration)
	}
	return d, nil
}
