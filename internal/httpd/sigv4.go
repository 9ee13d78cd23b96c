package httpd

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"ballast/internal/ecs"
)

// The numbers of Signature Version 4 (IAM User Guide, AWS Signature Version 4 for API requests).
const (
	algorithm      = "AWS4-HMAC-SHA256"
	terminator     = "aws4_request"
	stampLayout    = "20060102T150405Z"
	clockSkew      = 5 * time.Minute    // how far a client's clock may be off
	maxPresigned   = 7 * 24 * time.Hour // the longest life of a presigned request
	maxSigned      = 100                // signed headers; clients sign about ten
	invalidToken   = "The security token included in the request is invalid."
	missingToken   = "Missing Authentication Token"
	wrongSignature = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key " +
		"and signing method. Consult the service documentation for details."
)

// claim is what a request says about its signature, in its Authorization header or in its query.
type claim struct {
	key       string
	date      string // of the scope: yyyymmdd
	region    string
	service   string
	signed    []string // header names in lower case
	signature string
	stamp     time.Time
	expires   time.Duration // of a presigned request; zero otherwise
}

// verify proves that r, whose body is given, was signed for service with a secret that is known, and gives the access that
// the key has and the key itself. The body's hash is always computed here, so a client that leaves its payload unsigned is
// refused; and every X-Amz header must be signed, since one of them names the operation.
func (c *Credentials) verify(r *http.Request, body []byte, service Service, now time.Time) (key string, access Access, err error) {
	cl, err := claimOf(r)
	if err != nil {
		return "", 0, err
	}
	cred, known := c.byKey[cl.key]
	if !known || r.Header.Get("X-Amz-Security-Token") != "" || r.URL.Query().Has("X-Amz-Security-Token") {
		return "", 0, ecs.Errorf(ecs.UnrecognizedClientException, invalidToken)
	}
	if err := cl.check(service, now); err != nil {
		return "", 0, err
	}
	if err := cl.covers(r.Header); err != nil {
		return "", 0, err
	}
	want := cl.sign(cred.secret, canonicalRequest(r, cl.signed, body))
	if !hmac.Equal([]byte(want), []byte(cl.signature)) {
		return "", 0, ecs.Errorf(ecs.InvalidSignatureException, wrongSignature)
	}
	return cl.key, cred.access, nil
}

// claimOf finds the claim of a request.
func claimOf(r *http.Request) (claim, error) {
	if header := r.Header.Get("Authorization"); header != "" {
		return claimOfHeader(header, stampOf(r.Header))
	}
	if q := r.URL.Query(); q.Has("X-Amz-Signature") || q.Has("X-Amz-Algorithm") {
		return claimOfQuery(q)
	}
	return claim{}, ecs.Errorf(ecs.MissingAuthenticationToken, missingToken)
}

// stampOf gives the time of signing as the headers have it, in the layout of X-Amz-Date, or nothing.
func stampOf(h http.Header) string {
	if stamp := h.Get("X-Amz-Date"); stamp != "" {
		return stamp
	}
	if t, err := http.ParseTime(h.Get("Date")); err == nil {
		return t.UTC().Format(stampLayout)
	}
	return h.Get("Date")
}

// claimOfHeader reads an Authorization header:
//
//	AWS4-HMAC-SHA256 Credential=key/date/region/service/aws4_request, SignedHeaders=a;b, Signature=hex
func claimOfHeader(header, stamp string) (claim, error) {
	scheme, rest, _ := strings.Cut(strings.TrimSpace(header), " ")
	if scheme != algorithm {
		return claim{}, incomplete("Unsupported AWS 'algorithm': '%s'. Only %s is understood.", clip(scheme), algorithm)
	}
	parts := map[string]string{}
	for part := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		parts[name] = value
	}
	for _, name := range []string{"Credential", "Signature", "SignedHeaders"} {
		if parts[name] == "" {
			return claim{}, incomplete("Authorization header requires '%s' parameter.", name)
		}
	}
	if stamp == "" {
		return claim{}, incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
	}
	return newClaim(parts["Credential"], parts["SignedHeaders"], parts["Signature"], stamp)
}

// claimOfQuery reads the parameters of a presigned request.
func claimOfQuery(q url.Values) (claim, error) {
	if a := q.Get("X-Amz-Algorithm"); a != algorithm {
		return claim{}, incomplete("Unsupported AWS 'algorithm': '%s'. Only %s is understood.", clip(a), algorithm)
	}
	for _, name := range []string{"X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date", "X-Amz-Expires"} {
		if len(q[name]) != 1 || q.Get(name) == "" {
			return claim{}, incomplete("AWS query-string parameters must include '%s' once.", name)
		}
	}
	seconds, err := strconv.Atoi(q.Get("X-Amz-Expires"))
	if err != nil || seconds < 1 || seconds > int(maxPresigned/time.Second) {
		return claim{}, incomplete("X-Amz-Expires must be a number of seconds from 1 to %d.", int(maxPresigned/time.Second))
	}
	cl, err := newClaim(q.Get("X-Amz-Credential"), q.Get("X-Amz-SignedHeaders"), q.Get("X-Amz-Signature"), q.Get("X-Amz-Date"))
	cl.expires = time.Duration(seconds) * time.Second
	return cl, err
}

func newClaim(scope, signed, signature, stamp string) (claim, error) {
	elements := strings.Split(scope, "/")
	if len(elements) != 5 || slices.Contains(elements, "") {
		return claim{}, incomplete("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '%s'", clip(scope))
	}
	if elements[4] != terminator {
		return claim{}, ecs.Errorf(ecs.InvalidSignatureException, "Credential should be scoped with a valid terminator: '%s', not '%s'.", terminator, clip(elements[4]))
	}
	at, err := time.Parse(stampLayout, stamp)
	if err != nil {
		return claim{}, incomplete("Date must be in ISO-8601 'basic format'. Got '%s'. See http://en.wikipedia.org/wiki/ISO_8601", clip(stamp))
	}
	cl := claim{key: elements[0], date: elements[1], region: elements[2], service: elements[3], signature: signature, stamp: at}
	cl.signed = strings.Split(signed, ";")
	if len(cl.signed) > maxSigned {
		return claim{}, incomplete("More than %d headers are signed.", maxSigned)
	}
	return cl, nil
}

func incomplete(format string, args ...any) *ecs.Error {
	return ecs.Errorf(ecs.IncompleteSignatureException, format, args...)
}

// clip bounds what of a client's text is repeated to it.
func clip(s string) string { return s[:min(len(s), 100)] }

// check holds a claim's scope and time against the service asked for and the clock.
func (cl claim) check(service Service, now time.Time) error {
	now = now.UTC()
	oldest, newest := now.Add(-clockSkew), now.Add(clockSkew)
	why := "- 5 min."
	if cl.expires > 0 {
		oldest, why = now.Add(-cl.expires), "- "+cl.expires.String()
	}
	stamp := cl.stamp.Format(stampLayout)
	switch {
	case cl.date != cl.stamp.Format("20060102"):
		return ecs.Errorf(ecs.InvalidSignatureException,
			"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s', from '%s'.", clip(cl.date), stamp[:8], stamp)
	case cl.service != service.String():
		return ecs.Errorf(ecs.InvalidSignatureException, "Credential should be scoped to correct service: '%s'.", service)
	case cl.stamp.Before(oldest):
		return ecs.Errorf(ecs.InvalidSignatureException, "Signature expired: %s is now earlier than %s (%s %s)",
			stamp, oldest.Format(stampLayout), now.Format(stampLayout), why)
	case cl.stamp.After(newest):
		return ecs.Errorf(ecs.InvalidSignatureException, "Signature not yet current: %s is still later than %s (%s + 5 min.)",
			stamp, newest.Format(stampLayout), now.Format(stampLayout))
	}
	return nil
}

// covers sees to it that the signature speaks for the host and for every X-Amz header.
func (cl claim) covers(h http.Header) error {
	if !slices.Contains(cl.signed, "host") {
		return ecs.Errorf(ecs.InvalidSignatureException, "'Host' must be a 'SignedHeader' in the AWS Authorization.")
	}
	for name := range h {
		name = strings.ToLower(name)
		if strings.HasPrefix(name, "x-amz-") && !slices.Contains(cl.signed, name) {
			return ecs.Errorf(ecs.InvalidSignatureException, "'%s' must be a 'SignedHeader' in the AWS Authorization.", clip(name))
		}
	}
	return nil
}

// canonicalRequest is the text that the client signed.
func canonicalRequest(r *http.Request, signed []string, body []byte) string {
	var b strings.Builder
	b.WriteString(r.Method + "\n" + r.URL.EscapedPath() + "\n" + canonicalQuery(r.URL.Query()) + "\n")
	for _, name := range signed {
		value := r.Host
		if name != "host" {
			value = strings.Join(r.Header.Values(name), ",")
		}
		b.WriteString(name + ":" + strings.Join(strings.Fields(value), " ") + "\n")
	}
	hash := sha256.Sum256(body)
	b.WriteString("\n" + strings.Join(signed, ";") + "\n" + hex.EncodeToString(hash[:]))
	return b.String()
}

// canonicalQuery sorts the parameters and escapes them as RFC 3986 has it, without the signature itself.
func canonicalQuery(q url.Values) string {
	var pairs []string
	for name, values := range q {
		if name == "X-Amz-Signature" {
			continue
		}
		for _, v := range values {
			pairs = append(pairs, escape(name)+"="+escape(v))
		}
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// sign gives the signature, in hex, of a canonical request with a secret and the claim's scope.
func (cl claim) sign(secret, canonical string) string {
	hash := sha256.Sum256([]byte(canonical))
	text := strings.Join([]string{algorithm, cl.stamp.Format(stampLayout),
		strings.Join([]string{cl.date, cl.region, cl.service, terminator}, "/"), hex.EncodeToString(hash[:])}, "\n")
	key := []byte("AWS4" + secret)
	for _, part := range []string{cl.date, cl.region, cl.service, terminator, text} {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(part))
		key = h.Sum(nil)
	}
	return hex.EncodeToString(key)
}
