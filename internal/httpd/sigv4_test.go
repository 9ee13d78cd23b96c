package httpd

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"ballast/internal/ecs"
)

const (
	adminSecret  = "admin-secret/+x"
	readerSecret = "reader-secret"
)

func credentials(t testing.TB) *Credentials {
	c, err := ParseCredentials(strings.NewReader("# who may come in\n\nADMIN " + adminSecret + " admin\n  READER\t" + readerSecret + "  read \n"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// signed is a request for ListClusters signed by the SDK's signer at noon.
func signed(t testing.TB, key, secret, service, body string, at time.Time) *http.Request {
	t.Helper()
	r := ask("POST", "/", targetECS+"ListClusters\nContent-Type: application/x-amz-json-1.1\nX-Custom:   two   words ", body)
	r.URL.Host, r.RequestURI = "localhost:4510", ""
	r.Header.Set("Content-Length", strconv.Itoa(len(body))) // as a server finds it
	hash := sha256.Sum256([]byte(body))
	if err := v4.NewSigner().SignHTTP(t.Context(), aws.Credentials{AccessKeyID: key, SecretAccessKey: secret}, r, hex.EncodeToString(hash[:]), service, "eu-west-1", at); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestVerify signs with the SDK, spoils the request and looks at the answer.
func TestVerify(t *testing.T) {
	const body = `{"maxResults":5}`
	replace := func(old, new string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), old, new, 1))
		}
	}
	for _, tt := range []struct {
		name  string
		spoil func(*http.Request)
		at    time.Duration // of signing, after noon
		want  string        // an error's beginning, empty for success
	}{
		{"untouched", func(*http.Request) {}, 0, ""},
		{"a clock 5 minutes slow", func(*http.Request) {}, -5 * time.Minute, ""},
		{"a clock 5 minutes fast", func(*http.Request) {}, 5 * time.Minute, ""},
		{"an unsigned header that is not AWS's", func(r *http.Request) { r.Header.Set("Accept", "*/*") }, 0, ""},
		{"too old", func(*http.Request) {}, -301 * time.Second,
			"InvalidSignatureException: Signature expired: 20260102T115459Z is now earlier than 20260102T115500Z (20260102T120000Z - 5 min.)"},
		{"too new", func(*http.Request) {}, 301 * time.Second,
			"InvalidSignatureException: Signature not yet current: 20260102T120501Z is still later than 20260102T120500Z (20260102T120000Z + 5 min.)"},
		{"another operation", func(r *http.Request) { r.Header.Set("X-Amz-Target", "AmazonEC2ContainerServiceV20141113.RunTask") }, 0, "InvalidSignatureException: The request signature we calculated"},
		{"another host", func(r *http.Request) { r.Host = "127.0.0.1" }, 0, "InvalidSignatureException: The request signature we calculated"},
		{"another method", func(r *http.Request) { r.Method = "PUT" }, 0, "InvalidSignatureException: The request signature we calculated"},
		{"another query", func(r *http.Request) { r.URL.RawQuery = "a=b" }, 0, "InvalidSignatureException: The request signature we calculated"},
		{"another signature", replace("Signature=", "Signature=0"), 0, "InvalidSignatureException: The request signature we calculated"},
		{"another region", replace("eu-west-1", "eu-west-2"), 0, "InvalidSignatureException: The request signature we calculated"},
		{"another known key", replace("ADMIN/", "READER/"), 0, "InvalidSignatureException: The request signature we calculated"},
		{"an AWS header added", func(r *http.Request) { r.Header.Set("X-Amz-Extra", "1") }, 0, "InvalidSignatureException: 'x-amz-extra' must be a 'SignedHeader'"},
		{"a header no longer signed", replace("x-amz-target", ""), 0, "InvalidSignatureException: 'x-amz-target' must be a 'SignedHeader'"},
		{"host not signed", replace("host;", ""), 0, "InvalidSignatureException: 'Host' must be a 'SignedHeader'"},
		{"an unknown key", replace("ADMIN/", "NOBODY/"), 0, "UnrecognizedClientException: The security token included in the request is invalid."},
		{"a session token", func(r *http.Request) { r.Header.Set("X-Amz-Security-Token", "x") }, 0, "UnrecognizedClientException: The security token included in the request is invalid."},
		{"another service", replace("/ecs/", "/sts/"), 0, "InvalidSignatureException: Credential should be scoped to correct service: 'ecs'."},
		{"another day", replace("/20260102/", "/20260101/"), 0, "InvalidSignatureException: Date in Credential scope does not match YYYYMMDD"},
		{"another terminator", replace("aws4_request", "aws5_request"), 0, "InvalidSignatureException: Credential should be scoped with a valid terminator"},
		{"a short scope", replace("/eu-west-1", ""), 0, "IncompleteSignatureException: Credential must have exactly 5 slash-delimited elements"},
		{"an empty scope element", replace("eu-west-1", ""), 0, "IncompleteSignatureException: Credential must have exactly 5 slash-delimited elements"},
		{"no signature", replace("Signature=", "Nothing="), 0, "IncompleteSignatureException: Authorization header requires 'Signature' parameter."},
		{"no credential", replace("Credential=", "Nothing="), 0, "IncompleteSignatureException: Authorization header requires 'Credential' parameter."},
		{"no signed headers", replace("SignedHeaders=", "Nothing="), 0, "IncompleteSignatureException: Authorization header requires 'SignedHeaders' parameter."},
		{"another algorithm", replace("HMAC-SHA256", "HMAC-MD5"), 0, "IncompleteSignatureException: Unsupported AWS 'algorithm': 'AWS4-HMAC-MD5'."},
		{"no date", func(r *http.Request) { r.Header.Del("X-Amz-Date") }, 0, "IncompleteSignatureException: Authorization header requires existence of either"},
		{"a bad date", func(r *http.Request) { r.Header.Set("X-Amz-Date", "yesterday") }, 0, "IncompleteSignatureException: Date must be in ISO-8601 'basic format'. Got 'yesterday'."},
		{"too many headers", replace("SignedHeaders=", "SignedHeaders="+strings.Repeat("a;", 101)), 0, "IncompleteSignatureException: More than 100 headers are signed."},
		{"nothing", func(r *http.Request) { r.Header.Del("Authorization") }, 0, "MissingAuthenticationTokenException: Missing Authentication Token"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := signed(t, "ADMIN", adminSecret, "ecs", body, noon.Add(tt.at))
			tt.spoil(r)
			key, access, err := credentials(t).verify(r, []byte(body), ECS, noon)
			if tt.want == "" {
				if err != nil || key != "ADMIN" || access != Admin {
					t.Errorf("got %s, %s, %v", key, access, err)
				}
				return
			}
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestVerifyHoldsThePayload(t *testing.T) {
	r := signed(t, "ADMIN", adminSecret, "ecs", `{"a":1}`, noon)
	if _, _, err := credentials(t).verify(r, []byte(`{"a":2}`), ECS, noon); err == nil {
		t.Error("another body was accepted")
	}
	for _, hash := range []string{"UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"} {
		r := ask("POST", "/", targetECS+"ListClusters\nX-Amz-Content-Sha256: "+hash, "{}")
		r.URL.Host = "localhost:4510"
		if err := v4.NewSigner().SignHTTP(t.Context(), aws.Credentials{AccessKeyID: "ADMIN", SecretAccessKey: adminSecret}, r, hash, "ecs", "eu-west-1", noon); err != nil {
			t.Fatal(err)
		}
		if _, _, err := credentials(t).verify(r, []byte("{}"), ECS, noon); err == nil {
			t.Errorf("a payload signed as %s was accepted", hash)
		}
	}
}

func TestVerifyDateHeader(t *testing.T) {
	c, cl := credentials(t), claim{key: "ADMIN", date: "20260102", region: "r", service: "ecs", stamp: noon, signed: []string{"date", "host"}}
	r := ask("POST", "/", "Date: "+noon.Format(http.TimeFormat), "{}")
	r.Header.Set("Authorization", algorithm+" Credential=ADMIN/20260102/r/ecs/aws4_request,SignedHeaders=date;host,Signature="+cl.sign(adminSecret, canonicalRequest(r, cl.signed, []byte("{}"))))
	if _, _, err := c.verify(r, []byte("{}"), ECS, noon); err != nil {
		t.Error(err)
	}
}

func TestVerifyPresigned(t *testing.T) {
	const body = "Action=GetCallerIdentity&Version=2011-06-15"
	presign := func(expires string) *http.Request {
		r := ask("POST", "/?X-Amz-Expires="+expires+"&odd=a%20b%2Fc", isForm, body)
		r.URL.Scheme, r.URL.Host = "http", "localhost:4510"
		hash := sha256.Sum256([]byte(body))
		uri, header, err := v4.NewSigner().PresignHTTP(t.Context(), aws.Credentials{AccessKeyID: "READER", SecretAccessKey: readerSecret}, r, hex.EncodeToString(hash[:]), "sts", "eu-west-1", noon)
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(uri)
		if err != nil {
			t.Fatal(err)
		}
		out := httptest.NewRequest("POST", u.RequestURI(), strings.NewReader(body))
		out.Host, out.Header = "localhost:4510", header
		return out
	}
	for _, tt := range []struct {
		name    string
		expires string
		spoil   func(q url.Values)
		after   time.Duration
		want    string
	}{
		{"untouched", "60", nil, time.Minute, ""},
		{"too late", "60", nil, 61 * time.Second, "InvalidSignatureException: Signature expired: 20260102T120000Z is now earlier than 20260102T120001Z (20260102T120101Z - 1m0s)"},
		{"too early", "60", nil, -301 * time.Second, "InvalidSignatureException: Signature not yet current"},
		{"a longer life", "60", func(q url.Values) { q.Set("X-Amz-Expires", "3600") }, 0, "InvalidSignatureException: The request signature"},
		{"another parameter", "60", func(q url.Values) { q.Set("odd", "even") }, 0, "InvalidSignatureException: The request signature"},
		{"more than a week", "604801", nil, 0, "IncompleteSignatureException: X-Amz-Expires must be"},
		{"a parameter twice", "60", func(q url.Values) { q.Add("X-Amz-Date", "x") }, 0, "IncompleteSignatureException: AWS query-string parameters must include 'X-Amz-Date' once."},
		{"another algorithm", "60", func(q url.Values) { q.Set("X-Amz-Algorithm", "none") }, 0, "IncompleteSignatureException: Unsupported AWS 'algorithm'"},
		{"a session token", "60", func(q url.Values) { q.Set("X-Amz-Security-Token", "x") }, 0, "UnrecognizedClientException"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := presign(tt.expires)
			if tt.spoil != nil {
				q := r.URL.Query()
				tt.spoil(q)
				r.URL.RawQuery = q.Encode()
			}
			_, access, err := credentials(t).verify(r, []byte(body), STS, noon.Add(tt.after))
			switch {
			case tt.want == "" && (err != nil || access != Read):
				t.Errorf("got %s, %v", access, err)
			case tt.want != "" && (err == nil || !strings.HasPrefix(err.Error(), tt.want)):
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestAuthorize(t *testing.T) {
	read, write := Operation{Service: ECS, Name: "ListTasks", Access: Read}, Operation{Service: ECS, Name: "RunTask", Access: Admin}
	for _, tt := range []struct {
		p    Principal
		op   Operation
		want string
	}{
		{Principal{Access: Admin}, write, ""},
		{Principal{Access: Admin}, read, ""},
		{Principal{Access: Read}, read, ""},
		{Principal{AccessKey: "K", Account: account, Access: Read}, write, "User: arn:aws:iam::123456789012:user/K is not authorized to perform: ecs:RunTask because " +
			"no identity-based policy allows the ecs:RunTask action (the access key is for read only)"},
		{Principal{AccessKey: "K", Account: account}, read, "User: arn:aws:iam::123456789012:user/K is not authorized to perform: ecs:ListTasks because " +
			"no identity-based policy allows the ecs:ListTasks action (the access key is for none only)"},
	} {
		err := authorize(tt.p, tt.op)
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%+v may not call %s: %v", tt.p, tt.op.Name, err)
		case tt.want != "" && (err == nil || err.Code != ecs.AccessDeniedException || err.Message != tt.want):
			t.Errorf("got  %v\nwant %s", err, tt.want)
		}
	}
}

func TestParseCredentials(t *testing.T) {
	c := credentials(t)
	if c.Len() != 2 || c.byKey["ADMIN"] != (credential{adminSecret, Admin}) || c.byKey["READER"] != (credential{readerSecret, Read}) {
		t.Errorf("got %+v", c.byKey)
	}
	for text, want := range map[string]string{
		"":                                       "no credential in it: write one per line as: key secret admin|read",
		"# only\n\n# comments":                   "no credential in it: write one per line as: key secret admin|read",
		"\nKEY long-secret":                      "line 2: found 2 words, want three: key secret admin|read",
		"KEY long-secret admin # no":             "line 1: found 5 words, want three: key secret admin|read",
		"KEY long-secret write":                  "line 1: access of KEY is neither admin nor read",
		"KEY long-secret Admin":                  "line 1: access of KEY is neither admin nor read",
		"KEY short admin":                        "line 1: the secret of KEY has 5 bytes, want 8 to 256",
		"A/B long-secret admin":                  "line 1: the access key may have up to 128 letters, digits, '_', '-' and '.'",
		"K\u00e9 long-secret admin":              "line 1: the access key may have up to 128 letters, digits, '_', '-' and '.'",
		"K long-secret read\nK long-secret read": "line 2: access key K is given twice",
		"K long-secret read\n" + strings.Repeat("x", 1<<17): "line 2: bufio.Scanner: token too long",
	} {
		if _, err := ParseCredentials(strings.NewReader(text)); err == nil || err.Error() != want {
			t.Errorf("%.40q\n got %v\nwant %s", text, err, want)
		} else if strings.Contains(err.Error(), "long-secret") {
			t.Errorf("%.40q: the error tells the secret", text)
		}
	}
}

func FuzzParseCredentials(f *testing.F) {
	f.Add("# c\nKEY secret-secret admin\n\nB\tother-secret  read\r\n")
	f.Add("KEY secret admin extra")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseCredentials(strings.NewReader(text))
		if (err == nil) != (c != nil && c.Len() > 0) {
			t.Fatalf("%v with %v", c, err)
		}
		if err != nil {
			return
		}
		for key, cred := range c.byKey {
			if strings.IndexFunc(key, notKeyCharacter) >= 0 || len(cred.secret) < minSecretLength || cred.access != Read && cred.access != Admin {
				t.Fatalf("accepted %q: %+v", key, cred)
			}
		}
	})
}

func FuzzAuthorization(f *testing.F) {
	r := signed(f, "ADMIN", adminSecret, "ecs", "{}", noon)
	good := r.Header.Get("Authorization")
	f.Add(good, "20260102T120000Z")
	f.Add("AWS4-HMAC-SHA256 Credential=////,SignedHeaders=;,Signature==", "")
	f.Add("Basic x", "20260102T120000Z")
	c := credentials(f)
	f.Fuzz(func(t *testing.T, authorization, stamp string) {
		r := r.Clone(t.Context())
		r.Header.Set("Authorization", authorization)
		r.Header.Set("X-Amz-Date", stamp)
		_, _, err := c.verify(r, []byte("{}"), ECS, noon)
		if err == nil {
			want, _ := claimOfHeader(good, "20260102T120000Z")
			if got, _ := claimOfHeader(authorization, stamp); got.signature != want.signature || got.key != want.key {
				t.Fatalf("accepted a forged header: %q %q", authorization, stamp)
			}
			return
		}
		if _, ok := errors.AsType[*ecs.Error](err); !ok {
			t.Fatalf("an error that the client would not see: %v", err)
		}
		if bytes.Contains([]byte(err.Error()), []byte(adminSecret)) {
			t.Fatal("an error tells a secret")
		}
	})
}
