package sample

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Check asks a URL and says by its exit code whether the answer was a good one.
type Check struct {
	URL     string        `arg:"" optional:"" help:"What to ask. Default: /health at $HOST and $PORT, as the sample itself takes them."`
	Timeout time.Duration `help:"How long to wait for the answer." default:"2s"`

	Host string `hidden:"" env:"SAMPLE_HOST,HOST" default:"127.0.0.1"`
	Port int    `hidden:"" env:"SAMPLE_PORT,PORT" default:"8080"`
}

// maxCheckBody bounds how much of an answer is read before its connection is given up.
const maxCheckBody = 64 << 10

// Run prints what the answer was, and returns ExitError(1) unless it came within the timeout with a status of 200 to 299.
func (c *Check) Run(ctx context.Context, stdout io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	url := c.target()
	status, err := ask(ctx, url)
	if err != nil {
		fmt.Fprintln(stdout, err) // it names the URL
		return ExitError(1)
	}
	fmt.Fprintf(stdout, "%s: %s\n", url, status)
	if !strings.HasPrefix(status, "2") {
		return ExitError(1)
	}
	return nil
}

// target returns the URL to ask.
func (c *Check) target() string {
	switch {
	case c.URL == "":
		host := c.Host
		if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
			host = "127.0.0.1" // what listens everywhere listens here
		}
		return "http://" + net.JoinHostPort(host, strconv.Itoa(c.Port)) + "/health"
	case !strings.Contains(c.URL, "://"):
		return "http://" + c.URL
	default:
		return c.URL
	}
}

// ask returns the status of the answer, code and text. It uses no proxy: a container asks itself. It follows no redirect, as curl and the
// health checks of load balancers follow none.
func ask(ctx context.Context, url string) (status string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	_, err = io.CopyN(io.Discard, resp.Body, maxCheckBody)
	if err != nil && err != io.EOF {
		return "", fmt.Errorf("get %s: %w", url, err)
	}
	return resp.Status, nil
}

// good asks a URL and wants a status of 200 to 299. The error names the URL.
func good(ctx context.Context, url string) error {
	status, err := ask(ctx, url)
	if err == nil && !strings.HasPrefix(status, "2") {
		err = fmt.Errorf("%s: %s", url, status)
	}
	return err
}
