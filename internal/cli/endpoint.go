package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
)

// defaultEndpoint is where "ballast up" listens unless told otherwise.
const defaultEndpoint = "http://127.0.0.1:4510"

// endpointOptions say which server and cluster a verb speaks to.
type endpointOptions struct {
	EndpointURL string `name:"endpoint-url" env:"BALLAST_ENDPOINT" default:"http://127.0.0.1:4510" placeholder:"URL" help:"The server to ask (${default})."`
	Cluster     string `default:"default" placeholder:"NAME" help:"The cluster to look at (${default})."`
	Region      string `default:"us-east-1" placeholder:"NAME" help:"The region that requests are signed for (${default})."`
}

// outputOptions say how a verb gives its results.
type outputOptions struct {
	Output string `short:"o" enum:"text,json" default:"text" placeholder:"text|json" help:"Give text for people, or JSON for programs."`
}

func (o outputOptions) json() bool { return o.Output == "json" }

// client speaks to one cluster of one server.
type client struct {
	ecs     *ecs.Client
	logs    *cloudwatchlogs.Client
	cluster string
}

// requestTimeout bounds one request, beyond which a server counts as hanging.
const requestTimeout = 30 * time.Second

// client makes the clients of the SDK. It connects to nothing yet.
func (o endpointOptions) client(getenv func(string) string) (*client, error) {
	u, err := url.Parse(o.EndpointURL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, usagef("endpoint URL %q: want something like %s", o.EndpointURL, defaultEndpoint)
	}
	who, err := caller(getenv, u.Hostname())
	if err != nil {
		return nil, err
	}
	return o.clientAs(who), nil
}

// clientAs makes the clients for a caller; the endpoint is known to be a URL.
func (o endpointOptions) clientAs(who aws.CredentialsProvider) *client {
	endpoint := strings.TrimSuffix(o.EndpointURL, "/")
	config := aws.Config{
		Region: o.Region, BaseEndpoint: &endpoint, Credentials: who,
		HTTPClient: &http.Client{Timeout: requestTimeout, Transport: named{endpoint, transport()}},
		Retryer:    func() aws.Retryer { return retry.NewStandard(giveUpWhereNoServerIs) },
	}
	return &client{ecs.NewFromConfig(config), cloudwatchlogs.NewFromConfig(config), o.Cluster}
}

// transport uses no proxy for loopback, as Go does by itself, and keeps few connections.
func transport() http.RoundTripper {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns = 4
	return t
}

// caller takes the credentials from where every AWS client looks first. On loopback a server without credentials takes any.
func caller(getenv func(string) string, host string) (aws.CredentialsProvider, error) {
	key, secret, token := getenv("AWS_ACCESS_KEY_ID"), getenv("AWS_SECRET_ACCESS_KEY"), getenv("AWS_SESSION_TOKEN")
	switch {
	case key != "" && secret != "":
		return credentials.NewStaticCredentialsProvider(key, secret, token), nil
	case key != "" || secret != "":
		return nil, usagef("only one of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY is set; set both, or none on loopback")
	case isLoopback(host):
		return credentials.NewStaticCredentialsProvider(dummyKey, dummyKey, ""), nil
	}
	return nil, usagef("%s is not on loopback and needs credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to a line of the "+
		"server's --credentials file", host)
}

// dummyKey is what a server without credentials is called with: clients must send some.
const dummyKey = "test"

// isLoopback says whether a host's name, or address, stays on this machine.
func isLoopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// named makes failures to connect name the endpoint, and takes the answer of a program that is no AWS service for one.
type named struct {
	endpoint string
	next     http.RoundTripper
}

func (n named) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := n.next.RoundTrip(r)
	if err != nil && unreachable(err) {
		return nil, noServerError{n.endpoint, err}
	}
	if err == nil && resp.Header.Get(requestIDHeader) == "" {
		resp.Body.Close()
		return nil, noServerError{n.endpoint, errStranger}
	}
	return resp, err
}

// requestIDHeader is in every answer of a server that speaks AWS's protocols.
const requestIDHeader = "X-Amzn-Requestid"

var errStranger = errors.New("something else answers there")

// giveUpWhereNoServerIs makes the SDK not try again where nothing listens: nothing is about to.
func giveUpWhereNoServerIs(o *retry.StandardOptions) {
	never := retry.IsErrorRetryableFunc(func(err error) aws.Ternary {
		if unreachable(err) || errors.Is(err, errStranger) {
			return aws.FalseTernary
		}
		return aws.UnknownTernary
	})
	o.Retryables = append([]retry.IsErrorRetryable{never}, o.Retryables...)
}

// pages calls next with a token until there are no more pages, at most maxPages times.
func pages(ctx context.Context, next func(token *string) (*string, error)) error {
	var token *string
	for range maxPages {
		var err error
		if token, err = next(token); err != nil {
			return err
		}
		if token == nil || *token == "" {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return fmt.Errorf("more than %d pages; name a service to narrow it down", maxPages)
}

// maxPages bounds a listing: 100,000 stopped tasks of a cluster in pages of 100.
const maxPages = 1000
