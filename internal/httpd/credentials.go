package httpd

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Bounds of a credentials file.
const (
	maxCredentials  = 10_000 // far above any team; a file larger than this is not a credentials file
	maxKeyLength    = 128    // AWS's own bound for access keys
	minSecretLength = 8      // a captured signature lets anyone try short secrets offline
	maxSecretLength = 256
)

// Credentials are the access keys that a server knows. The zero value knows none and lets nobody in.
type Credentials struct {
	byKey map[string]credential
}

type credential struct {
	secret string
	access Access
}

// Len is the number of access keys known.
func (c *Credentials) Len() int { return len(c.byKey) }

// ParseCredentials reads a credentials file: one "key secret admin|read" per line, separated by blanks; empty lines and
// lines that begin with # are skipped. A file without any credential is refused, since whoever names a file wants a closed
// door. Errors tell the line and never the secret.
func ParseCredentials(r io.Reader) (*Credentials, error) {
	c := &Credentials{byKey: map[string]credential{}}
	lines := bufio.NewScanner(r)
	number := 0
	for lines.Scan() {
		number++
		fields := strings.Fields(lines.Text())
		if len(fields) == 0 || fields[0][0] == '#' {
			continue
		}
		if err := c.add(fields); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("line %d: %w", number+1, err)
	}
	if c.Len() == 0 {
		return nil, errors.New("no credential in it: write one per line as: key secret admin|read")
	}
	return c, nil
}

func (c *Credentials) add(fields []string) error {
	if len(fields) != 3 {
		return fmt.Errorf("found %d words, want three: key secret admin|read", len(fields))
	}
	key, secret := fields[0], fields[1]
	if len(key) > maxKeyLength || strings.IndexFunc(key, notKeyCharacter) >= 0 {
		return fmt.Errorf("the access key may have up to %d letters, digits, '_', '-' and '.'", maxKeyLength)
	}
	if len(secret) < minSecretLength || len(secret) > maxSecretLength {
		return fmt.Errorf("the secret of %s has %d bytes, want %d to %d", key, len(secret), minSecretLength, maxSecretLength)
	}
	if _, twice := c.byKey[key]; twice {
		return fmt.Errorf("access key %s is given twice", key)
	}
	if c.Len() == maxCredentials {
		return fmt.Errorf("more than %d credentials", maxCredentials)
	}
	var access Access
	switch fields[2] {
	case Read.String():
		access = Read
	case Admin.String():
		access = Admin
	default:
		return fmt.Errorf("access of %s is neither admin nor read", key)
	}
	c.byKey[key] = credential{secret: secret, access: access}
	return nil
}

// notKeyCharacter tells what may not stand in an access key, which becomes part of an ARN.
func notKeyCharacter(c rune) bool {
	return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.')
}
