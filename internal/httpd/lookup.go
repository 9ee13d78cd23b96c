package httpd

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"ballast/internal/ecs"
)

// Lookup is an operation of Ballast's own that changes nothing: a GET request for a path gives JSON. Who may ask, and how refusals are
// told, is as for other operations; the request is signed with an empty body.
type Lookup struct {
	Path    string // neither "/" nor that of an Upgrade
	Service Service
	Name    string // what the principal needs access to, as IAM has it: DescribeServices

	// Get gives a value for encoding/json. Its error is told like that of an Operation.
	Get func(ctx context.Context, query url.Values) (any, error)
}

// lookup serves a Lookup.
func (h *handler) lookup(c *call, l Lookup) {
	c.service, c.operation = l.Service, l.Name
	value, err := h.find(c, l)
	if err != nil {
		c.fail(h.tell(c, err))
		return
	}
	text, err := json.Marshal(value)
	if err != nil {
		c.fail(h.tell(c, err))
		return
	}
	c.write(http.StatusOK, "application/json", append(text, '\n'))
}

// find finds out who asks, and gives what is asked for.
func (h *handler) find(c *call, l Lookup) (any, error) {
	if c.r.Method != http.MethodGet {
		return nil, ecs.Errorf(ecs.InvalidParameterException, "%s is asked for with GET.", l.Path)
	}
	principal, err := h.principal(c, nil)
	if err != nil {
		return nil, err
	}
	op := Operation{Service: l.Service, Name: l.Name, Access: Read,
		Handle: func(ctx context.Context, _ any) (any, error) { return l.Get(ctx, c.r.URL.Query()) }}
	if err := authorize(principal, op); err != nil {
		return nil, err
	}
	if h.Current != nil {
		if err := h.Current(); err != nil {
			return nil, err
		}
	}
	return handle(withPrincipal(c.r.Context(), principal), op, nil)
}
