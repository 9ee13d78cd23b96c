package sim

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"ballast/internal/lb/health"
)

// Answers are what a target says to the health checks of load balancers, by the age of its task. The zero value is 200 at all times.
type Answers []answer

// answer holds from some age on.
type answer struct {
	from time.Duration
	code int // 0 = see how
	how  health.Outcome
}

// The words for targets that give no answer.
const (
	wordRefused = "refused"
	wordSilent  = "silent"
)

// ParseAnswers reads words with the age from which each holds: "refused,200@30s".
func ParseAnswers(text string) (Answers, error) {
	var all Answers
	for word := range strings.SplitSeq(text, ",") {
		var a answer
		what, from, timed := strings.Cut(word, "@")
		if timed {
			var err error
			if a.from, err = time.ParseDuration(from); err != nil || a.from < 0 || a.from%time.Millisecond != 0 {
				return nil, fmt.Errorf("answers: want a duration such as 90s or 2m30s, not %q", from)
			}
		}
		switch code, err := strconv.Atoi(what); {
		case what == wordRefused:
			a.how = health.Failed
		case what == wordSilent:
			a.how = health.TimedOut
		case err == nil && code >= 100 && code <= 599:
			a.code = code
		default:
			return nil, fmt.Errorf("answers: want a code, %s or %s, not %q", wordRefused, wordSilent, what)
		}
		if len(all) > 0 && a.from <= all[len(all)-1].from || len(all) == 0 && timed {
			return nil, fmt.Errorf("answers: %q: want the first without a time, and each after the one before", text)
		}
		all = append(all, a)
	}
	return all, nil
}

// At is how a health check ends that is made at an age of the task.
func (a Answers) At(age time.Duration, matcher health.Matcher) health.Result {
	now := answer{code: 200}
	for _, x := range a {
		if age >= x.from {
			now = x
		}
	}
	if now.code == 0 {
		return health.Result{Outcome: now.how}
	}
	return matcher.Answered(now.code)
}
