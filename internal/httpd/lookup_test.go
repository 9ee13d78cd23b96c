package httpd

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"ballast/internal/ecs"
)

// greet is a lookup that greets by name.
var greet = Lookup{Path: "/greet", Service: ECS, Name: "DescribeServices", Get: func(_ context.Context, query url.Values) (any, error) {
	switch name := query.Get("name"); name {
	case "":
		return nil, ecs.Errorf(ecs.InvalidParameterException, "name is needed")
	case "fault":
		return nil, errors.New("a secret of the server")
	case "panic":
		panic("greet on fire")
	default:
		return map[string]string{"hello": name}, nil
	}
}}

// looked is the answer to a request at noon; key "" leaves it unsigned.
func looked(t *testing.T, cfg Config, method, target, key, secret string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, "http://localhost:4510"+target, nil)
	if key != "" {
		empty := sha256.Sum256(nil)
		if err := v4.NewSigner().SignHTTP(t.Context(), aws.Credentials{AccessKeyID: key, SecretAccessKey: secret}, r, hex.EncodeToString(empty[:]),
			"ecs", "eu-west-1", noon); err != nil {
			t.Fatal(err)
		}
	}
	w := httptest.NewRecorder()
	Handler(cfg).ServeHTTP(w, r)
	return w
}

func TestLookup(t *testing.T) {
	var log bytes.Buffer
	cfg := config(&log)
	cfg.Lookups, cfg.Credentials = []Lookup{greet}, credentials(t)
	old := cfg
	old.Current = func() error { return ecs.Errorf(ecs.ServerException, "another leads") }
	for _, tt := range []struct {
		name                        string
		cfg                         Config
		method, target, key, secret string
		status                      int
		body                        string
	}{
		{"a reader", cfg, "GET", "/greet?name=A+B", "READER", readerSecret, 200, `{"hello":"A B"}`},
		{"an admin", cfg, "GET", "/greet?name=C", "ADMIN", adminSecret, 200, `{"hello":"C"}`},
		{"unsigned", cfg, "GET", "/greet?name=C", "", "", 400, "MissingAuthenticationToken"},
		{"a wrong secret", cfg, "GET", "/greet?name=C", "READER", "wrong", 400, "InvalidSignatureException"},
		{"a refusal", cfg, "GET", "/greet", "READER", readerSecret, 400, "InvalidParameterException"},
		{"a fault", cfg, "GET", "/greet?name=fault", "READER", readerSecret, 500, "ServerException"},
		{"a panic", cfg, "GET", "/greet?name=panic", "READER", readerSecret, 500, "ServerException"},
		{"another method", cfg, "POST", "/greet?name=C", "READER", readerSecret, 400, "is asked for with GET"},
		{"a server that does not lead", old, "GET", "/greet?name=C", "READER", readerSecret, 500, "another leads"},
	} {
		w := looked(t, tt.cfg, tt.method, tt.target, tt.key, tt.secret)
		if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.body) || strings.Contains(w.Body.String(), "secret of the server") {
			t.Errorf("%s: %d %s; want %d and %q", tt.name, w.Code, w.Body, tt.status, tt.body)
		}
		if w.Header().Get("X-Amzn-RequestId") == "" {
			t.Errorf("%s: no request id", tt.name)
		}
	}
	for _, fault := range []string{"a secret of the server", "greet on fire"} {
		if !strings.Contains(log.String(), fault) {
			t.Errorf("nobody is told of %q:\n%s", fault, log.String())
		}
	}
	r := httptest.NewRequest(http.MethodGet, "http://localhost:4510/greet?name=C", nil)
	r.Header.Set("Origin", "http://evil.example")
	w := httptest.NewRecorder()
	if Handler(cfg).ServeHTTP(w, r); w.Code != http.StatusForbidden {
		t.Errorf("a page of another site: %d %s", w.Code, w.Body)
	}
}
