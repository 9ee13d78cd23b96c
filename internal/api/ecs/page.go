package ecs

import (
	"encoding/base64"
	"hash/fnv"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/internal/control/root"
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

// page is what a List operation is to give: at most limit records of a scope, those after a key, "" for the first.
type page struct {
	scope scope
	limit int
	after string
}

// page reads maxResults, which is otherwise where it is not given, and nextToken.
func (s scope) page(maxResults *int32, otherwise int, token *string) (page, error) {
	p := page{scope: s, limit: otherwise}
	if maxResults != nil {
		if *maxResults < 1 || *maxResults > maxPage {
			return page{}, ecs.Errorf(ecs.InvalidParameterException, "maxResults should be between 1 and %d", maxPage)
		}
		p.limit = int(*maxResults)
	}
	var err error
	p.after, err = s.position(token)
	return p, err
}

// number reads after where keys are numbers; 0 is the start.
func (p page) number() (uint64, error) {
	if p.after == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(p.after, 10, 64)
	if err != nil {
		return 0, invalidToken()
	}
	return n, nil
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

// list gives what a List operation answers: each record as one shows it, and the token for the next page. There is one where records
// are more than the page may hold.
func list[T, S any](p page, records []T, key func(T) string, one func(T) S) (shown []S, next *string) {
	if len(records) > p.limit {
		records = records[:p.limit]
		next = p.scope.token(key(records[p.limit-1]))
	}
	shown = make([]S, len(records))
	for i, r := range records {
		shown[i] = one(r)
	}
	return shown, next
}

// references are what a request names, of which there must be some, and as many as most.
type references struct {
	refs        []string
	most        int
	empty, many string // what they are called in refusals
}

// check refuses a request for nothing or for too much. The texts are those of real accounts ("Tasks cannot be empty.", "service
// names can have at most 10 items."; gchq/sleeper#555, traefik/traefik#3625), others are made after them.
func (r references) check() error {
	switch {
	case len(r.refs) == 0:
		return ecs.Errorf(ecs.InvalidParameterException, "%s cannot be empty.", r.empty)
	case len(r.refs) > r.most:
		return ecs.Errorf(ecs.InvalidParameterException, "%s can have at most %d items.", r.many, r.most)
	}
	return nil
}

// describeIn gives what a Describe operation answers of a cluster; see describe.
func describeIn[T any](a *API, cluster *string, r references, one func(state *root.Root, cluster, ref string) (shown *T, arn string, err error),
) ([]T, []types.Failure, error) {
	if err := r.check(); err != nil {
		return nil, nil, err
	}
	state := a.control.Root()
	in, err := a.cluster(state, cluster)
	if err != nil {
		return nil, nil, err
	}
	return describe(r, func(ref string) (*T, string, error) { return one(state, in.Name, ref) })
}

// describe gives what a Describe operation answers: each reference as one shows it, or a failure that says it is missing. one gives nil
// and an ARN for what is not there.
func describe[T any](r references, one func(ref string) (shown *T, arn string, err error)) ([]T, []types.Failure, error) {
	if err := r.check(); err != nil {
		return nil, nil, err
	}
	found, failures := make([]T, 0, len(r.refs)), []types.Failure{}
	for _, ref := range r.refs {
		shown, arn, err := one(ref)
		switch {
		case err != nil:
			return nil, nil, err
		case shown == nil:
			failures = append(failures, types.Failure{Arn: &arn, Reason: new("MISSING")}) // developer guide, API failure reasons
		default:
			found = append(found, *shown)
		}
	}
	return found, failures, nil
}
