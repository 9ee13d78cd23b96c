package httpd

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/coder/websocket"

	"ballast/internal/ecs"
)

// echo is an upgrade that sends back what it is sent, after its parameter, until the server stops.
var echo = Upgrade{Path: "/echo", Service: ECS, Name: "ExecuteCommand", Access: Admin,
	Open: func(_ context.Context, query url.Values) (Attend, error) {
		if query.Get("word") == "" {
			return nil, ecs.Errorf(ecs.InvalidParameterException, "word is needed")
		}
		return func(ctx context.Context, c *websocket.Conn) {
			defer c.CloseNow()
			for {
				kind, text, err := c.Read(ctx)
				if err != nil {
					return
				}
				c.Write(ctx, kind, append([]byte(query.Get("word")+" "), text...))
			}
		}, nil
	}}

// dialled asks for a connection; key "" leaves the request unsigned.
func dialled(t *testing.T, target, key, secret string, header http.Header) (*websocket.Conn, *http.Response) {
	t.Helper()
	if header == nil {
		header = http.Header{}
	}
	if key != "" {
		r := httptest.NewRequest("GET", target, nil)
		r.RequestURI = ""
		empty := sha256.Sum256(nil)
		err := v4.NewSigner().SignHTTP(t.Context(), aws.Credentials{AccessKeyID: key, SecretAccessKey: secret}, r, hex.EncodeToString(empty[:]),
			"ecs", "eu-west-1", noon)
		if err != nil {
			t.Fatal(err)
		}
		header.Set("Authorization", r.Header.Get("Authorization"))
		header.Set("X-Amz-Date", r.Header.Get("X-Amz-Date"))
	}
	c, resp, err := websocket.Dial(t.Context(), target, &websocket.DialOptions{HTTPHeader: header})
	if err != nil && resp == nil {
		t.Fatal(err)
	}
	return c, resp
}

func TestUpgrade(t *testing.T) {
	cfg := config(&bytes.Buffer{})
	cfg.Upgrades, cfg.Credentials = []Upgrade{echo}, credentials(t)
	server := httptest.NewServer(Handler(cfg))
	defer server.Close()
	target := server.URL + "/echo?word=well%2C+hello"

	c, resp := dialled(t, target, "ADMIN", adminSecret, nil)
	if c == nil {
		t.Fatalf("not let in: %v", resp.Status)
	}
	defer c.CloseNow()
	if err := c.Write(t.Context(), websocket.MessageText, []byte("there")); err != nil {
		t.Fatal(err)
	}
	if _, text, err := c.Read(t.Context()); err != nil || string(text) != "well, hello there" {
		t.Errorf("got %q, %v", text, err)
	}
	if resp.Header.Get("X-Amzn-RequestId") == "" {
		t.Error("no request id")
	}

	for _, tt := range []struct {
		name, target, key, secret string
		header                    http.Header
		status                    int
		code                      string
	}{
		{"unsigned", target, "", "", nil, 400, "MissingAuthenticationToken"},
		{"a wrong secret", target, "ADMIN", "wrong-secret", nil, 400, "InvalidSignatureException"},
		{"a reader", target, "READER", readerSecret, nil, 400, "AccessDeniedException"},
		{"a refusal of the operation", server.URL + "/echo", "ADMIN", adminSecret, nil, 400, "InvalidParameterException"},
		{"a page of another site", target, "ADMIN", adminSecret, http.Header{"Origin": {"http://evil.example"}}, 403, "evil.example"},
		{"a page that leads here", target, "ADMIN", adminSecret, http.Header{"Sec-Fetch-Site": {"cross-site"}}, 403, "other sites"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, resp := dialled(t, tt.target, tt.key, tt.secret, tt.header)
			if c != nil {
				t.Fatal("let in")
			}
			body := make([]byte, 1024)
			n, _ := resp.Body.Read(body)
			if resp.StatusCode != tt.status || !strings.Contains(string(body[:n]), tt.code) {
				t.Errorf("got %s, %q; want %d and %q", resp.Status, body[:n], tt.status, tt.code)
			}
		})
	}
	other, err := http.Post(target, "text/plain", nil)
	if err != nil {
		t.Fatal(err)
	}
	other.Body.Close()
	if other.StatusCode != 400 {
		t.Errorf("POST: %s", other.Status)
	}
}

// TestUpgradeOfAnotherSite is without credentials, when the host and origin rules are all that there is.
func TestUpgradeOfAnotherSite(t *testing.T) {
	cfg := config(&bytes.Buffer{})
	cfg.Upgrades = []Upgrade{echo}
	server := httptest.NewServer(Handler(cfg))
	defer server.Close()
	for name, header := range map[string]http.Header{
		"another origin": {"Origin": {"http://evil.example"}},
		"no origin":      {"Origin": {"null"}},
		"another port":   {"Origin": {"http://127.0.0.1:1"}},
	} {
		if c, resp := dialled(t, server.URL+"/echo?word=x", "", "", header); c != nil || resp.StatusCode != 403 {
			t.Errorf("%s: got %s", name, resp.Status)
		}
	}
	_, resp, err := websocket.Dial(t.Context(), server.URL+"/echo?word=x", &websocket.DialOptions{Host: "evil.example"})
	if err == nil || resp.StatusCode != 403 {
		t.Errorf("another host name: %v", err)
	}
	c, _ := dialled(t, server.URL+"/echo?word=x", "", "", nil)
	if c == nil {
		t.Fatal("no connection without credentials")
	}
	c.CloseNow()
}

// TestUpgradeEndsWithTheServer: a connection does not keep a server from stopping.
func TestUpgradeEndsWithTheServer(t *testing.T) {
	cfg := config(&bytes.Buffer{})
	cfg.Upgrades = []Upgrade{echo}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- Serve(ctx, l, Handler(cfg), cfg.Log) }()
	c, _ := dialled(t, "http://"+l.Addr().String()+"/echo?word=x", "", "", nil)
	cancel()
	if _, _, err := c.Read(t.Context()); err == nil {
		t.Error("the connection goes on")
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}
