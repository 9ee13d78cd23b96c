package health

import (
	"fmt"
	"strconv"
	"strings"
)

// Matcher says which codes of an answer pass a health check, such as "200", "200,202" or "200-299" (API_Matcher).
type Matcher struct{ ranges []codes }

type codes struct{ from, to int }

// Limits are the codes that a matcher may name.
type Limits struct{ Least, Most int }

// The limits by protocol (API_Matcher): HTTP behind an Application Load Balancer, HTTP behind a Network Load Balancer, and gRPC.
var (
	ApplicationHTTP = Limits{200, 499}
	NetworkHTTP     = Limits{200, 599}
	GRPC            = Limits{0, 99}
)

// maxMatcher bounds the text of a matcher: more than one entry for each code is a mistake.
const maxMatcher = 2048

// ParseMatcher reads a matcher.
func ParseMatcher(text string, l Limits) (Matcher, error) {
	if len(text) > maxMatcher {
		return Matcher{}, fmt.Errorf("matcher has %d characters, more than %d", len(text), maxMatcher)
	}
	var m Matcher
	for part := range strings.SplitSeq(text, ",") {
		from, to, isRange := strings.Cut(part, "-")
		if !isRange {
			to = from
		}
		low, err := code(from, l)
		if err != nil {
			return Matcher{}, fmt.Errorf("matcher %q: %w", text, err)
		}
		high, err := code(to, l)
		if err != nil {
			return Matcher{}, fmt.Errorf("matcher %q: %w", text, err)
		}
		if low > high {
			return Matcher{}, fmt.Errorf("matcher %q: %d-%d is empty", text, low, high)
		}
		m.ranges = append(m.ranges, codes{low, high})
	}
	return m, nil
}

func code(text string, l Limits) (int, error) {
	n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 16)
	if err != nil {
		return 0, fmt.Errorf("%q is not a code", text)
	}
	if int(n) < l.Least || int(n) > l.Most {
		return 0, fmt.Errorf("%d is not between %d and %d", n, l.Least, l.Most)
	}
	return int(n), nil
}

// Match says whether an answer with that code passes.
func (m Matcher) Match(code int) bool {
	for _, r := range m.ranges {
		if code >= r.from && code <= r.to {
			return true
		}
	}
	return false
}

// Answered gives the result of a health check that was answered with a code.
func (m Matcher) Answered(code int) Result {
	if m.Match(code) {
		return Result{Outcome: Passed}
	}
	return Result{Outcome: Mismatched, Code: code}
}
