package fake

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// The environment variables that script a container. Durations are as Go writes them ("1.5s"); a range "1s..5s" draws one
// between them by the model's seed and the container's key. A FAKE_ variable not listed here is refused when the container is
// created. Without any, a container starts at once, runs until it is stopped, and ends with code 143 on SIGTERM.
const (
	// EnvStartDelay is how long Start takes.
	EnvStartDelay = "FAKE_START_DELAY"
	// EnvExitAfter is how long after its start the container exits by itself; "0s" is a crash at once.
	EnvExitAfter = "FAKE_EXIT_AFTER"
	// EnvExitCode is the code it then exits with, 0..255; 0 if not given.
	EnvExitCode = "FAKE_EXIT_CODE"
	// EnvIgnoreSIGTERM "true" has the container run until SIGKILL, which gives code 137.
	EnvIgnoreSIGTERM = "FAKE_IGNORE_SIGTERM"
	// EnvStopDelay is how long after SIGTERM the container exits.
	EnvStopDelay = "FAKE_STOP_DELAY"
	// EnvStopCode is the code with which it exits on SIGTERM, 0..255; 143 if not given.
	EnvStopCode = "FAKE_STOP_CODE"
	// EnvFailCreate and EnvFailStart are texts with which Create and Start fail for good.
	EnvFailCreate = "FAKE_FAIL_CREATE"
	EnvFailStart  = "FAKE_FAIL_START"
	// EnvFaultStart is how many attempts to start it meet a passing fault, 0..1000.
	EnvFaultStart = "FAKE_FAULT_START"
	// EnvHealth is what commands run in the container find, see parseHealth: "healthy" if not given.
	EnvHealth = "FAKE_HEALTH"
	// EnvHealthTakes is how long they take.
	EnvHealthTakes = "FAKE_HEALTH_TAKES"
	// EnvStdout and EnvStderr are what it writes when it starts; every line of the text is a line of the log.
	EnvStdout = "FAKE_STDOUT"
	EnvStderr = "FAKE_STDERR"
)

// The images that script a pull, which knows nothing of the environment. All other images are there already.
const (
	// ImageMissing is the start of the names of images that do not exist, for example "fake/missing:app".
	ImageMissing = "fake/missing:"
	// ImagePull is the start of the names of images whose first pull takes a while: "fake/pull:20s".
	ImagePull = "fake/pull:"
	// ImageFaults is the start of the names of images whose first pulls meet passing faults: "fake/faults:3".
	ImageFaults = "fake/faults:"
)

// Exit codes of containers that a signal ended.
const (
	codeSIGTERM = 128 + 15
	codeSIGKILL = 128 + 9
)

// span is a duration, or a range of them.
type span struct{ from, to time.Duration }

// script is what a container does.
type script struct {
	startDelay, exitAfter, stopDelay span
	exits                            bool
	ignoreTERM                       bool
	exitCode, termCode               int32
	faultStart                       int
	failCreate, failStart            string
	stdout, stderr                   []string
	health                           []ailment
	healthTakes                      span
}

// parseScript reads the variables of an environment that begin with FAKE_. Later ones win over earlier ones of the same name.
func parseScript(environment []ecs.Variable) (script, error) {
	s := script{termCode: codeSIGTERM}
	for _, v := range environment {
		if !strings.HasPrefix(v.Name, "FAKE_") {
			continue
		}
		if err := s.set(v.Name, v.Value); err != nil {
			return script{}, fmt.Errorf("%s=%q: %w", v.Name, v.Value, err)
		}
	}
	return s, nil
}

func (s *script) set(name, value string) (err error) {
	switch name {
	case EnvStartDelay:
		s.startDelay, err = parseSpan(value)
	case EnvExitAfter:
		s.exits = true
		s.exitAfter, err = parseSpan(value)
	case EnvExitCode:
		s.exitCode, err = parseCode(value)
	case EnvIgnoreSIGTERM:
		s.ignoreTERM, err = strconv.ParseBool(value)
	case EnvStopDelay:
		s.stopDelay, err = parseSpan(value)
	case EnvStopCode:
		s.termCode, err = parseCode(value)
	case EnvFailCreate:
		s.failCreate, err = parseText(value)
	case EnvFailStart:
		s.failStart, err = parseText(value)
	case EnvFaultStart:
		s.faultStart, err = parseCount(value)
	case EnvHealth:
		s.health, err = parseHealth(value)
	case EnvHealthTakes:
		s.healthTakes, err = parseSpan(value)
	case EnvStdout:
		s.stdout = strings.Split(value, "\n")
	case EnvStderr:
		s.stderr = strings.Split(value, "\n")
	default:
		err = fmt.Errorf("the fake driver knows no such variable")
	}
	return err
}

func parseSpan(value string) (span, error) {
	first, last, ranged := strings.Cut(value, "..")
	from, err := parseDuration(first)
	if err != nil || !ranged {
		return span{from, from}, err
	}
	to, err := parseDuration(last)
	if err == nil && to < from {
		err = fmt.Errorf("the range ends before it begins")
	}
	return span{from, to}, err
}

// maxDuration keeps times far from overflow: a year.
const maxDuration = 365 * 24 * time.Hour

func parseDuration(value string) (time.Duration, error) {
	d, err := time.ParseDuration(value)
	if err != nil {
		return 0, fmt.Errorf("want a duration such as 1.5s")
	}
	if d < 0 || d > maxDuration {
		return 0, fmt.Errorf("want a duration between 0s and %v", maxDuration)
	}
	return d, nil
}

func parseCode(value string) (int32, error) {
	n, err := strconv.ParseUint(value, 10, 8)
	if err != nil {
		return 0, fmt.Errorf("want an exit code from 0 to 255")
	}
	return int32(n), nil
}

func parseCount(value string) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 || n > 1000 {
		return 0, fmt.Errorf("want a count from 0 to 1000")
	}
	return n, nil
}

func parseText(value string) (string, error) {
	if value == "" {
		return "", fmt.Errorf("want a text")
	}
	return value, nil
}

// pullScript is what a pull does.
type pullScript struct {
	missing bool
	faults  int
	takes   time.Duration
}

func parseImage(image string) (p pullScript, err error) {
	switch {
	case strings.HasPrefix(image, ImageMissing):
		p.missing = true
	case strings.HasPrefix(image, ImagePull):
		p.takes, err = parseDuration(image[len(ImagePull):])
	case strings.HasPrefix(image, ImageFaults):
		p.faults, err = parseCount(image[len(ImageFaults):])
	}
	if err != nil {
		err = fmt.Errorf("image %q: %w", image, err)
	}
	return p, err
}

// chance gives a number that the seed, the container and what is drawn decide.
func chance(seed uint64, key driver.Key, what string) uint64 {
	h := fnv.New64a()
	h.Write(binary.LittleEndian.AppendUint64(nil, seed))
	h.Write(key.Task[:])
	fmt.Fprintf(h, "%s\x00%d\x00%s", key.Container, key.Attempt, what)
	x := h.Sum64()
	// The last bytes written hardly reach the high bits of FNV; mix as splitmix64 does.
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
