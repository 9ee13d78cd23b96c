package sample

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// maxWait bounds how long /wait keeps a request.
const maxWait = 5 * time.Minute

// controlPath begins the paths of orders.
const controlPath = "/control/"

// needTimeout is how long all that the application needs may take to answer: less than a health check's timeout.
const needTimeout = time.Second

// statusClientGone is what logs say, since nginx did, of a request whose client went away.
const statusClientGone = 499

// app answers requests out of the state. Every method may be called from several goroutines.
type app struct {
	greeting string
	needs    []string // URLs without which it is unhealthy
	mux      *http.ServeMux
	wake     chan struct{} // tells the runner that the state has changed; one token says it
	gone     chan struct{} // closed when requests that are kept waiting are to be dropped

	mu    sync.Mutex // guards all below
	busy  int        // requests under way
	state state
	todo  effects // of the state's moves, for the runner to fetch
	out   io.Writer
}

func newApp(greeting string, out io.Writer) *app {
	a := &app{greeting: greeting, mux: http.NewServeMux(), wake: make(chan struct{}, 1), gone: make(chan struct{}), out: out}
	control := http.NewCrossOriginProtection().Handler(http.HandlerFunc(a.control)) // a foreign web page must not crash it
	a.mux.HandleFunc("/", a.greet)
	a.mux.HandleFunc("GET /{$}", a.index)
	a.mux.HandleFunc("GET /health", a.health)
	a.mux.HandleFunc("GET /wait", a.wait)
	a.mux.Handle(controlPath+"{action}", control)
	return a
}

// ServeHTTP answers one request and logs it. A frozen application holds it until the caller gives up or the process ends.
func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	a.count(+1)
	defer a.count(-1)
	a.holdIfFrozen(r)
	gone := a.holdIfOverburdened(r)
	rec := &recorder{ResponseWriter: w, status: http.StatusOK}
	if gone {
		leave(rec)
	} else {
		a.mux.ServeHTTP(rec, r)
	}
	a.say("%s %s %d %s", r.Method, r.URL.RequestURI(), rec.status, time.Since(began).Round(10*time.Microsecond))
	if rec.then != nil {
		http.NewResponseController(w).Flush()
		rec.then()
	}
}

// recorder keeps what ServeHTTP must know after the answer.
type recorder struct {
	http.ResponseWriter
	status int
	then   func() // to be done when the answer is out
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

// holdIfFrozen holds a request of an application that is frozen until its end, which comes without an answer.
func (a *app) holdIfFrozen(r *http.Request) {
	if !a.frozen() {
		return
	}
	select {
	case <-r.Context().Done():
	case <-a.gone:
	}
	panic(http.ErrAbortHandler)
}

// holdIfOverburdened delays a request when more come than can be served, and says whether its client went away meanwhile. Orders
// are none of those requests.
func (a *app) holdIfOverburdened(r *http.Request) (gone bool) {
	if strings.HasPrefix(r.URL.Path, controlPath) || !a.arrive() {
		return false
	}
	timer := time.NewTimer(overloadDelay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return false
	case <-r.Context().Done():
		return true
	case <-a.gone:
		panic(http.ErrAbortHandler)
	}
}

func leave(w http.ResponseWriter) {
	answer(w, statusClientGone, "nobody is waiting any more")
}

func (a *app) greet(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, a.greeting)
}

func (a *app) index(w http.ResponseWriter, _ *http.Request) {
	var b strings.Builder
	a.mu.Lock()
	others := a.busy - 1
	a.mu.Unlock()
	fmt.Fprintf(&b, "%s\nother requests under way: %d\n\n", a.greeting, others)
	list := func(call, help string) { fmt.Fprintf(&b, "%-46s %s\n", call, help) }
	list("GET  /health", "200, or 503 when unhealthy")
	list("GET  /wait?for=1s", "answer after a while")
	for _, c := range actions {
		list("POST /control/"+string(c.verb)+"?"+c.params, c.help)
	}
	list("any other path", "the first line of this text")
	answer(w, http.StatusOK, strings.TrimSuffix(b.String(), "\n"))
}

func (a *app) health(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	healthy := a.state.healthyAt(time.Now())
	a.mu.Unlock()
	if !healthy {
		answer(w, http.StatusServiceUnavailable, "unhealthy, as told")
		return
	}
	if err := a.lacks(r.Context()); err != nil {
		answer(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	answer(w, http.StatusOK, "healthy")
}

// lacks asks all that the application needs, and tells of the first that does not answer as it should.
func (a *app) lacks(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, needTimeout)
	defer cancel()
	for _, url := range a.needs {
		if !strings.Contains(url, "://") {
			url = "http://" + url
		}
		if err := good(ctx, url); err != nil {
			return fmt.Errorf("needs %w", err)
		}
	}
	return nil
}

// wait answers after a while, to be under way when something else happens.
func (a *app) wait(w http.ResponseWriter, r *http.Request) {
	d := time.Second
	if s := r.URL.Query().Get("for"); s != "" {
		var err error
		if d, err = time.ParseDuration(s); err != nil || d < 0 || d > maxWait {
			answer(w, http.StatusBadRequest, fmt.Sprintf("for=%s: want 0s to %v", s, maxWait))
			return
		}
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		a.holdIfFrozen(r)
		answer(w, http.StatusOK, fmt.Sprintf("%s, after %v", a.greeting, d))
	case <-r.Context().Done():
		leave(w)
	case <-a.gone:
		panic(http.ErrAbortHandler)
	}
}

// control takes an order. One that ends the application is carried out when its answer is out; any other has been carried out
// when the caller hears of it. (So the call that freezes the application is answered, but not logged any more.)
func (a *app) control(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		answer(w, http.StatusMethodNotAllowed, "use POST")
		return
	}
	o, err := parse(r.PathValue("action"), r.URL.Query())
	if err != nil {
		answer(w, http.StatusBadRequest, err.Error()+"; GET / lists what there is")
		return
	}
	said := fmt.Sprintf("%s: %s", a.greeting, o.verb)
	if o.after > 0 {
		said += " after " + o.after.String()
	}
	if rec, ok := w.(*recorder); ok && o.last() && o.after == 0 {
		rec.then = func() { a.take(o) } // refused only if there are too many, which the caller can no longer be told
		answer(w, http.StatusOK, said)
		return
	}
	if err := a.take(o); err != nil {
		answer(w, http.StatusTooManyRequests, err.Error())
		return
	}
	answer(w, http.StatusOK, said)
}

// take notes an order, carries it out if it is due, and wakes the runner.
func (a *app) take(o order) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	if err := a.state.take(o, now); err != nil {
		return err
	}
	a.todo = a.todo.and(a.state.advance(now))
	select {
	case a.wake <- struct{}{}:
	default: // the runner has been told already
	}
	return nil
}

// step moves the state to the present and returns what is to be done since the last step, and when to step again.
func (a *app) step() (todo effects, next time.Time, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	todo = a.todo.and(a.state.advance(time.Now()))
	a.todo = effects{}
	next, ok = a.state.next()
	return todo, next, ok
}

// arrive notes a request, and says whether it is one too many.
func (a *app) arrive() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.state.load.arrive(time.Now())
}

func (a *app) count(change int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.busy += change
}

func (a *app) frozen() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.state.frozen
}

// ignoresTerm tells whether SIGTERM is to be ignored.
func (a *app) ignoresTerm() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.state.ignoreTerm
}

// say logs a line, unless the application is frozen.
func (a *app) say(format string, args ...any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.state.frozen {
		fmt.Fprintf(a.out, format+"\n", args...)
	}
}

// answer sends a text whole, so that a client has it even if the process dies the moment after.
func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)+1))
	w.WriteHeader(status)
	io.WriteString(w, text+"\n")
}
