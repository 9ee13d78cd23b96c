package httpd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"ballast/internal/ecs"
	"ballast/internal/wire"
)

// Bounds of one API call.
const (
	maxBody      = 1 << 20          // the largest ECS request, a task definition, is at most 64 KiB; the rest is room for logs
	readTimeout  = 30 * time.Second // to send that body
	writeTimeout = 30 * time.Second // to take an answer; the largest, 100 tasks, has about 200 kB
	maxKept      = 1 << 20          // answer buffers above this are not kept for the next call
)

// Config is what a Handler is made of. All fields are needed unless they say otherwise.
type Config struct {
	Operations []Operation
	Upgrades   []Upgrade // may be none
	Lookups    []Lookup  // may be none
	// Hosts are host names to answer to besides loopback addresses, localhost and *.localhost.
	Hosts []string
	// Credentials are whom to let in; nil lets in everyone as Admin.
	Credentials *Credentials
	Account     string           // the account that all principals belong to
	Now         func() time.Time // for the age of signatures
	RequestID   func() string    // a fresh id for each request
	Log         *slog.Logger
	// Current, when given, refuses API calls of operations as long as the state that they read may be old.
	Current func() error
	// Pages serves what is not an API call, behind the same host and origin rules but without credentials; nil gives a page
	// of text that says what this is. One that streams sets deadlines of its own: see Serve.
	Pages http.Handler
}

// Handler gives the server's HTTP handler. POST / is an API call; GET /healthz answers ok; Upgrades and Lookups have their paths;
// everything else is for Pages.
func Handler(c Config) http.Handler {
	h := &handler{Config: c, operations: index(c.Operations), upgrades: map[string]Upgrade{}, lookups: map[string]Lookup{}, hosts: newHostNames(c.Hosts)}
	for _, u := range c.Upgrades {
		h.upgrades[u.Path] = u
	}
	for _, l := range c.Lookups {
		h.lookups[l.Path] = l
	}
	if h.Pages == nil {
		h.Pages = http.HandlerFunc(h.page)
	}
	return h
}

type handler struct {
	Config
	operations map[operationKey]Operation
	upgrades   map[string]Upgrade // by path
	lookups    map[string]Lookup  // by path
	hosts      hostNames
}

// ServeHTTP serves one request.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{id: h.RequestID(), w: w, r: r}
	w.Header().Set("X-Amzn-RequestId", c.id)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	switch why := h.hosts.refusal(r); {
	case why != "" && r.Header.Get("X-Amz-Target") != "":
		c.write(http.StatusForbidden, c.contentType(), wire.AppendJSONError(nil, string(ecs.AccessDeniedException), why))
	case why != "":
		http.Error(w, why, http.StatusForbidden)
	case r.URL.Path == "/healthz" && r.Method == http.MethodGet:
		io.WriteString(w, "ok\n")
	case r.URL.Path == "/" && r.Method == http.MethodPost:
		h.serve(c)
	default:
		if u, ok := h.upgrades[r.URL.Path]; ok {
			h.upgrade(c, u)
			return
		}
		if l, ok := h.lookups[r.URL.Path]; ok {
			h.lookup(c, l)
			return
		}
		h.Pages.ServeHTTP(w, r)
	}
}

// call is one API call on its way through.
type call struct {
	id        string
	w         http.ResponseWriter
	r         *http.Request
	service   Service
	operation string
	body      []byte
	form      url.Values // of a Query call
}

// serve answers an API call: an answer or an error, always exactly one.
func (h *handler) serve(c *call) {
	buf := buffers.Get().(*[]byte)
	defer func() {
		if cap(*buf) <= maxKept {
			buffers.Put(buf)
		}
	}()
	text, err := h.answer(c, (*buf)[:0])
	if err == nil {
		*buf = text
		c.write(http.StatusOK, c.contentType(), text)
		return
	}
	c.fail(h.tell(c, err))
}

// tell gives what a client is told of an error, and logs what it is not told.
func (h *handler) tell(c *call, err error) *ecs.Error {
	if told, ok := errors.AsType[*ecs.Error](err); ok {
		return told
	}
	if c.r.Context().Err() == nil { // else the client went away, which is nobody's fault
		h.log(c, err)
	}
	return ecs.Errorf(ecs.ServerException, serverFault)
}

// principal finds out who asks, with the body that was signed.
func (h *handler) principal(c *call, body []byte) (Principal, error) {
	if h.Credentials == nil {
		return Principal{Account: h.Account, Access: Admin}, nil
	}
	key, access, err := h.Credentials.verify(c.r, body, c.service, h.Now())
	return Principal{Account: h.Account, AccessKey: key, Access: access}, err
}

// answer does the call and appends its answer to dst.
func (h *handler) answer(c *call, dst []byte) ([]byte, error) {
	if err := c.read(); err != nil {
		return nil, err
	}
	if err := c.route(); err != nil {
		return nil, err
	}
	principal, err := h.principal(c, c.body)
	if err != nil {
		return nil, err
	}
	op, ok := h.operations[operationKey{c.service, c.operation}]
	if !ok {
		return nil, c.unknown()
	}
	if err := authorize(principal, op); err != nil {
		return nil, err
	}
	in := op.New()
	if err := c.decode(in); err != nil {
		return nil, err
	}
	if h.Current != nil {
		if err := h.Current(); err != nil {
			return nil, err
		}
	}
	out, err := handle(withPrincipal(c.r.Context(), principal), op, in)
	if err != nil {
		return nil, err
	}
	if c.service.query() {
		return wire.AppendXML(dst, protocols[c.service].namespace, c.operation, c.id, out)
	}
	return wire.AppendJSON(dst, out)
}

// panicked is a panic of an operation on its way to the log.
type panicked struct {
	value any
	stack []byte
}

func (p *panicked) Error() string { return fmt.Sprintf("panic: %v", p.value) }

// handle calls the operation and turns its panic into an error, so that one bad call costs nobody else an answer.
func handle(ctx context.Context, op Operation, in any) (out any, err error) {
	defer func() {
		if v := recover(); v != nil {
			if v == http.ErrAbortHandler {
				panic(v)
			}
			err = &panicked{value: v, stack: debug.Stack()}
		}
	}()
	return op.Handle(ctx, in)
}

func (h *handler) log(c *call, err error) {
	attrs := []any{"operation", c.service.String() + ":" + c.operation, "request", c.id, "error", err}
	if p, ok := errors.AsType[*panicked](err); ok {
		attrs = append(attrs, "stack", string(p.stack))
	}
	h.Log.ErrorContext(c.r.Context(), "an API call failed through a fault of the server", attrs...)
}

// read takes the body in.
func (c *call) read() error {
	deadlines := http.NewResponseController(c.w)
	deadlines.SetReadDeadline(time.Now().Add(readTimeout)) // an error means a connection without deadlines, as in tests
	body := bytes.NewBuffer(make([]byte, 0, min(max(c.r.ContentLength, 0), maxBody)+bytes.MinRead))
	_, err := body.ReadFrom(http.MaxBytesReader(c.w, c.r.Body, maxBody))
	c.body = body.Bytes()
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return ecs.Errorf(ecs.RequestEntityTooLargeException, "The request body is larger than %d bytes.", maxBody)
	}
	if err != nil {
		return ecs.Errorf(ecs.SerializationException, "The request body ended early.")
	}
	deadlines.SetReadDeadline(time.Time{}) // not before: the server itself reads what is left of a body
	return nil
}

// route finds out which operation of which service is asked for; whether it is served is looked up later.
func (c *call) route() error {
	if target := c.r.Header.Get("X-Amz-Target"); target != "" {
		var ok bool
		if c.service, c.operation, ok = byTarget(target); !ok {
			return ecs.Errorf(ecs.UnknownOperationException, "No operation %q is served here.", clip(target))
		}
		return nil
	}
	if media, _, _ := mime.ParseMediaType(c.r.Header.Get("Content-Type")); media != "application/x-www-form-urlencoded" {
		return ecs.Errorf(ecs.UnknownOperationException, "The request names no operation: it has neither an X-Amz-Target header nor a form with an Action.")
	}
	c.service = STS // so that what follows is told in XML
	form, err := url.ParseQuery(string(c.body))
	if err != nil {
		return ecs.Errorf(wire.MalformedInput, "The request body is not a form: %v", err)
	}
	c.form, c.operation = form, form.Get("Action")
	service, ok := byVersion(form.Get("Version"))
	if !ok {
		return c.unknown()
	}
	c.service = service
	return nil
}

// instead says, of operations that are not served, what does the same.
var instead = map[operationKey]string{
	{ECS, "ExecuteCommand"}: ` "ballast exec" runs a command in a container.`,
}

// unknown refuses an operation by name.
func (c *call) unknown() error {
	if c.service.query() {
		return ecs.Errorf(ecs.UnknownOperationException, "Could not find operation %s for version %s", clip(c.operation), clip(c.form.Get("Version")))
	}
	return ecs.Errorf(ecs.UnknownOperationException, "The operation %s of %s is not served here.%s", clip(c.operation), c.service,
		instead[operationKey{c.service, c.operation}])
}

func (c *call) decode(in any) error {
	if c.service.query() {
		return wire.DecodeQuery(c.form, in)
	}
	return wire.DecodeJSON(c.body, in)
}

// fail tells an error in the call's protocol.
func (c *call) fail(err *ecs.Error) {
	code, status := told(err.Code, c.service.query())
	c.w.Header().Set("X-Amzn-ErrorType", string(code))
	if c.service.query() {
		c.write(status, c.contentType(), wire.AppendXMLError(nil, protocols[c.service].namespace, fault(status), string(code), err.Message, c.id))
		return
	}
	c.write(status, c.contentType(), wire.AppendJSONError(nil, string(code), err.Message))
}

// contentType gives a JSON client the version of the protocol that it speaks.
func (c *call) contentType() string {
	switch {
	case c.service.query():
		return "text/xml"
	case strings.HasPrefix(c.r.Header.Get("Content-Type"), "application/x-amz-json-1.0"):
		return "application/x-amz-json-1.0"
	}
	return "application/x-amz-json-1.1"
}

// write sends an answer. A client that does not take it in time loses its connection; there is nobody to tell.
func (c *call) write(status int, contentType string, text []byte) {
	deadlines := http.NewResponseController(c.w)
	deadlines.SetWriteDeadline(time.Now().Add(writeTimeout))
	defer deadlines.SetWriteDeadline(time.Time{})
	c.w.Header().Set("Content-Type", contentType)
	c.w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	c.w.WriteHeader(status)
	c.w.Write(text)
	deadlines.Flush() // while the deadline holds
}

var buffers = sync.Pool{New: func() any { return new([]byte) }}
