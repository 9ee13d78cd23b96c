package environment

import (
	"path"
	"slices"
	"strings"
	"testing"
)

// The forms of valueFrom are those of API_Secret and of the developer guide, Pass Secrets Manager secrets through environment variables.
func TestParseSecret(t *testing.T) {
	const ssm, asm = "arn:aws:ssm:eu-west-1:000000000000:", "arn:aws:secretsmanager:eu-west-1:000000000000:"
	for _, c := range []struct {
		valueFrom string
		paths     string // "" = refused
		key       string
	}{
		{"/app/db", "parameters/app/db", ""},
		{"db", "parameters/db", ""},
		{ssm + "parameter/app/db", "parameters/app/db", ""},
		{ssm + "parameter/db", "parameters/db", ""},
		{asm + "secret:db", "secrets/db", ""},
		{asm + "secret:db-AbCdEf", "secrets/db-AbCdEf secrets/db", ""},
		{asm + "secret:team/db-a1b2c3", "secrets/team/db-a1b2c3 secrets/team/db", ""},
		{asm + "secret:db-password", "secrets/db-password", ""},
		{asm + "secret:db-AbCdEf:user::", "secrets/db-AbCdEf secrets/db", "user"},
		{asm + "secret:db-AbCdEf:user", "secrets/db-AbCdEf secrets/db", "user"},
		{asm + "secret:db-AbCdEf::AWSCURRENT:", "secrets/db-AbCdEf secrets/db", ""},
		{asm + "secret:db-AbCdEf::AWSPREVIOUS:", "", ""},
		{asm + "secret:db-AbCdEf:::9d4cb84b-ad69-40c0-a0ab-cead36b967e8", "", ""},
		{asm + "secret:db:a:b:c:d", "", ""},
		{asm + "db", "", ""},
		{ssm + "document/db", "", ""},
		{"arn:aws:s3:::bucket/key", "", ""},
		{"arn:aws", "", ""},
		{"", "", ""},
		{"/", "", ""},
		{"../db", "", ""},
		{"/app/../../etc/passwd", "", ""},
		{"//etc/passwd", "", ""},
		{"/app//db", "", ""},
		{"/app/db/", "", ""},
		{"app db", "", ""},
		{`app\db`, "", ""},
		{"app\x00db", "", ""},
		{strings.Repeat("/a", 15), "parameters" + strings.Repeat("/a", 15), ""},
		{strings.Repeat("/a", 16), "", ""},
		{strings.Repeat("a", 256), "", ""},
		{asm + "secret:../../etc/passwd", "", ""},
		{asm + "secret:/etc/passwd", "", ""},
	} {
		r, err := parseSecret(c.valueFrom)
		got := ""
		if err == nil {
			got = strings.Join(r.paths(), " ")
		}
		if got != c.paths || r.key != c.key {
			t.Errorf("%q: %q, key %q, error %v; want %q, %q", c.valueFrom, got, r.key, err, c.paths, c.key)
		}
	}
}

func TestParseLogin(t *testing.T) {
	const asm = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:"
	for ref, want := range map[string]bool{"registry": true, "team/registry": true, asm + "registry-AbCdEf": true, asm + "registry-AbCdEf:password::": false,
		"arn:aws:ssm:eu-west-1:000000000000:parameter/registry": false, "../registry": false, "": false} {
		r, err := parseLogin(ref)
		if (err == nil) != want || err == nil && r.kind != secret {
			t.Errorf("%q: %+v, %v; want accepted %v", ref, r, err, want)
		}
	}
}

// Whatever a task definition says, the paths stay below the folder.
func FuzzParseSecret(f *testing.F) {
	for _, seed := range []string{"/app/db", "arn:aws:ssm:r:a:parameter/../x", "arn:aws:secretsmanager:r:a:secret:n-AbCdEf:k:AWSCURRENT:", "..", "/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, valueFrom string) {
		for _, parse := range []func(string) (reference, error){parseSecret, parseLogin} {
			r, err := parse(valueFrom)
			if err != nil {
				continue
			}
			for _, p := range r.paths() {
				below(t, p)
			}
		}
		if p, err := filePath(valueFrom); err == nil {
			below(t, p)
		}
	})
}

func below(t *testing.T, p string) {
	if path.Clean(p) != p || path.IsAbs(p) || slices.Contains(strings.Split(p, "/"), "..") || strings.Count(p, "/") == 0 || strings.ContainsRune(p, 0) {
		t.Errorf("path %q", p)
	}
}
