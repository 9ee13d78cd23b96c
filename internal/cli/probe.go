package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"ballast/internal/daemon"
)

// Bounds of the question whether a Ballast is there.
const (
	probeTimeout = 2 * time.Second
	maxAbout     = 64 << 10
)

// probe says which Ballast answers at an address, nil for none. An error means that something else does.
func probe(ctx context.Context, listen string) (*daemon.About, error) {
	if strings.HasSuffix(listen, ":0") {
		return nil, nil // a free port has nobody
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+reachable(listen)+daemon.AboutPath, nil)
	if err != nil {
		return nil, usagef("listen address %q: %v", listen, err)
	}
	t := &http.Transport{DisableKeepAlives: true} // and no proxy: the address is this machine's
	resp, err := t.RoundTrip(req)
	switch {
	case err != nil && unreachable(err):
		return nil, nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, taken(listen, "it does not speak HTTP, or hangs")
	case err != nil:
		return nil, taken(listen, err.Error())
	}
	defer resp.Body.Close()
	var about daemon.About
	err = json.NewDecoder(io.LimitReader(resp.Body, maxAbout)).Decode(&about)
	if err != nil || about.Product != daemon.AboutProduct {
		return nil, taken(listen, "its answer to "+daemon.AboutPath+" is not a Ballast's")
	}
	return &about, nil
}

func taken(listen, why string) error {
	return fmt.Errorf("%s is taken by another program (%s); stop it, or give another address with --listen", listen, why)
}
