package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// What the API of ECS has no operation for has a path of its own on the same endpoint, asked for with GET and signed as all else.

// maxAnswer bounds an answer: an explanation names a few dozen tasks at most.
const maxAnswer = 16 << 20

// at gives the URL of a path of the endpoint.
func (o endpointOptions) at(path string, query url.Values) (*url.URL, error) {
	target, err := url.Parse(strings.TrimSuffix(o.EndpointURL, "/"))
	if err != nil {
		return nil, err
	}
	target.Path, target.RawQuery = path, query.Encode()
	return target, nil
}

// lookUp asks for the value at a path.
func (o endpointOptions) lookUp(ctx context.Context, s *Streams, path string, query url.Values, value any) error {
	target, err := o.at(path, query)
	if err != nil {
		return err
	}
	header, err := o.sign(ctx, s, target)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return err
	}
	r.Header = header
	client := &http.Client{Timeout: requestTimeout, Transport: named{strings.TrimSuffix(o.EndpointURL, "/"), transport()}}
	resp, err := client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return refusal(resp)
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(value); err != nil {
		return fmt.Errorf("read the answer of %s: %w", path, err)
	}
	return nil
}

// sign proves who asks, as the SDK does for the operations that it knows.
func (o endpointOptions) sign(ctx context.Context, s *Streams, target *url.URL) (http.Header, error) {
	provider, err := caller(s.Getenv, target.Hostname())
	if err != nil {
		return nil, err
	}
	who, err := provider.Retrieve(ctx)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return nil, err
	}
	empty := sha256.Sum256(nil)
	if err := v4.NewSigner().SignHTTP(ctx, who, r, hex.EncodeToString(empty[:]), "ecs", o.Region, s.Now()); err != nil {
		return nil, fmt.Errorf("sign the request: %w", err)
	}
	return r.Header, nil
}

// refusal reads why a server does not let in.
func refusal(resp *http.Response) error {
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	var told struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}
	if json.Unmarshal(text, &told) != nil || told.Message == "" {
		return fmt.Errorf("the server answered %s: %s", resp.Status, strings.TrimSpace(string(text)))
	}
	return errors.New(told.Type + ": " + told.Message)
}
