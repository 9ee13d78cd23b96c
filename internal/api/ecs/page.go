package ecs

import (
	"encoding/base64"
	"hash/fnv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/internal/ecs"
)

// What a page may hold (ECS API reference: "This value can be between 1 and 100"; ListServices gives 10 unless asked, the
// others 100).
const (
	maxPage          = 100
	defaultPage      = 100
	defaultServices  = 10
	maxServices      = 10  // DescribeServices
	maxDescribed     = 100 // the other Describe operations
	longestPageToken = 2048
)

// pageSize reads maxResults.
func pageSize(given *int32, otherwise int) (int, error) {
	if given == nil {
		return otherwise, nil
	}
	if *given < 1 || *given > maxPage {
		return 0, ecs.Errorf(ecs.InvalidParameterException, "maxResults should be between 1 and %d", maxPage)
	}
	return int(*given), nil
}

// scope is a listing: the operation and its filters. A token is good only for the scope that it was made in.
type scope []string

func (s scope) mark() string {
	h := fnv.New64a()
	h.Write([]byte(strings.Join(s, "\x00")))
	return string(h.Sum(nil))
}

// token gives the opaque form of the position after key.
func (s scope) token(key string) *string {
	t := base64.RawURLEncoding.EncodeToString([]byte(s.mark() + key))
	return &t
}

// position reads a token back; "" is the start.
func (s scope) position(token *string) (string, error) {
	if value(token) == "" {
		return "", nil
	}
	if len(*token) <= longestPageToken {
		raw, err := base64.RawURLEncoding.Strict().DecodeString(*token)
		mark := s.mark()
		if err == nil && len(raw) > len(mark) && string(raw[:len(mark)]) == mark {
			return string(raw[len(mark):]), nil
		}
	}
	return "", invalidToken()
}

func invalidToken() error { return ecs.Errorf(ecs.InvalidParameterException, "Invalid token.") }

// cut takes the record too many, which tells that there is another page, off the end and gives the token for that page.
func cut[T any](records []T, limit int, s scope, key func(T) string) ([]T, *string) {
	if len(records) <= limit {
		return records, nil
	}
	records = records[:limit]
	return records, s.token(key(records[limit-1]))
}

// countOf refuses a Describe request for nothing or for too much. The texts are those of real accounts ("Tasks cannot be
// empty.", "service names can have at most 10 items.").
func countOf(n, most int, empty, many string) error {
	switch {
	case n == 0:
		return ecs.Errorf(ecs.InvalidParameterException, "%s cannot be empty.", empty)
	case n > most:
		return ecs.Errorf(ecs.InvalidParameterException, "%s can have at most %d items.", many, most)
	}
	return nil
}

// described gives what a Describe operation answers: each reference as one shows it, or a failure that says it is missing. one gives nil
// and an ARN for what is not there.
func described[T any](refs []string, one func(ref string) (shown *T, arn string, err error)) ([]T, []types.Failure, error) {
	found, failures := make([]T, 0, len(refs)), []types.Failure{}
	for _, ref := range refs {
		shown, arn, err := one(ref)
		switch {
		case err != nil:
			return nil, nil, err
		case shown == nil:
			failures = append(failures, missing(arn))
		default:
			found = append(found, *shown)
		}
	}
	return found, failures, nil
}

// missing is the failure that Describe operations give for what does not exist (developer guide, API failure reasons).
func missing(arn string) types.Failure { return types.Failure{Arn: &arn, Reason: new("MISSING")} }
