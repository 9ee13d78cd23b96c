package httpd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Bounds of the server as a whole. Whoever streams for longer, or wants less, sets deadlines of its own, as API calls do.
const (
	readHeaderTimeout = 10 * time.Second // slow enough for bad networks, short enough that idle sockets cannot pile up
	idleTimeout       = 2 * time.Minute  // above the 60 s for which AWS SDKs keep idle connections, so that they close first
	requestTimeout    = time.Minute      // for a request to come, with a body that may not even be asked for
	answerTimeout     = time.Minute      // from then on, for an answer to be made and taken
	maxHeaderBytes    = 64 << 10         // AWS's session tokens and presigned queries stay below 16 KiB
	stopGrace         = 5 * time.Second  // for calls under way when the server stops; no API call takes longer
)

type stoppingKey struct{}

// Serve answers requests on l with h until ctx ends. It then takes no more, lets calls under way finish for some seconds,
// cuts off the rest and gives nil. Handlers of streams learn of the end through Stopping. An error means that l failed. l is
// closed in either case. A request that does not come within a minute, or an answer that does not go within one, ends the connection,
// unless its handler sets other deadlines.
func Serve(ctx context.Context, l net.Listener, h http.Handler, log *slog.Logger) error {
	base := context.WithValue(context.WithoutCancel(ctx), stoppingKey{}, ctx.Done())
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       idleTimeout,
		ReadTimeout:       requestTimeout,
		WriteTimeout:      answerTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		BaseContext:       func(net.Listener) context.Context { return base },
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		server.Close()
		return fmt.Errorf("serve HTTP on %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopGrace)
	defer cancel()
	if err := server.Shutdown(grace); errors.Is(err, context.DeadlineExceeded) {
		server.Close()
	}
	<-failed
	return nil
}

// Stopping gives, in a handler that Serve runs, a channel that is closed when the server begins to stop; elsewhere nil. A
// handler that streams ends with it. API calls do not need it: they are short and are let finish.
func Stopping(ctx context.Context) <-chan struct{} {
	done, _ := ctx.Value(stoppingKey{}).(<-chan struct{})
	return done
}
