package httpd

import (
	"context"
	"net/http"
	"net/url"

	"github.com/coder/websocket"

	"ballast/internal/ecs"
)

// Upgrade is an operation whose answer is a connection: a GET request for a path of its own becomes a WebSocket. Who may ask, and
// how refusals are told, is as for other operations; the request is signed with an empty body.
type Upgrade struct {
	Path    string // not "/"
	Service Service
	Name    string // what the principal needs access to, as IAM has it: ExecuteCommand
	Access  Access

	// Open looks at what is asked for before anything is agreed to. Its error is told like that of an Operation.
	Open func(ctx context.Context, query url.Values) (Attend, error)
}

// Attend goes on with the connection, and closes it. ctx is done when the server begins to stop.
type Attend func(ctx context.Context, c *websocket.Conn)

// upgrade serves a request for a connection.
func (h *handler) upgrade(c *call, u Upgrade) {
	c.service, c.operation = u.Service, u.Name
	ctx, attend, err := h.admit(c, u)
	if err != nil {
		c.fail(h.tell(c, err))
		return
	}
	conn, err := websocket.Accept(c.w, c.r, nil)
	if err != nil {
		return // which has been answered
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-Stopping(ctx):
			cancel()
		case <-ctx.Done():
		}
	}()
	attend(ctx, conn)
}

// admit finds out who asks, and whether what is asked for is to be had.
func (h *handler) admit(c *call, u Upgrade) (context.Context, Attend, error) {
	if c.r.Method != http.MethodGet {
		return nil, nil, ecs.Errorf(ecs.InvalidParameterException, "%s is asked for with GET, as a WebSocket.", u.Path)
	}
	principal, err := h.principal(c, nil)
	if err != nil {
		return nil, nil, err
	}
	if err := authorize(principal, Operation{Service: u.Service, Name: u.Name, Access: u.Access}); err != nil {
		return nil, nil, err
	}
	ctx := withPrincipal(c.r.Context(), principal)
	attend, err := u.Open(ctx, c.r.URL.Query())
	return ctx, attend, err
}
