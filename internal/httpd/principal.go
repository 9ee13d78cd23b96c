package httpd

import (
	"context"

	"ballast/internal/ecs"
)

// Access is how much a principal may do, or an operation demands. More includes less.
type Access uint8

// The levels of access.
const (
	Read  Access = iota + 1 // look, but not at logs, and change nothing
	Admin                   // everything
)

// String gives the word used in the credentials file.
func (a Access) String() string {
	switch a {
	case Read:
		return "read"
	case Admin:
		return "admin"
	}
	return "none"
}

// Principal is who sent a request.
type Principal struct {
	AccessKey string // empty where the server knows no credentials and lets everyone in
	Account   string // twelve digits
	Access    Access
}

// ARN names the principal as IAM would: the user named like the access key, or the account's root where there are no
// credentials.
func (p Principal) ARN() string {
	if p.AccessKey == "" {
		return "arn:aws:iam::" + p.Account + ":root"
	}
	return "arn:aws:iam::" + p.Account + ":user/" + p.AccessKey
}

// UserID is what GetCallerIdentity calls the principal.
func (p Principal) UserID() string {
	if p.AccessKey == "" {
		return p.Account
	}
	return p.AccessKey
}

type principalKey struct{}

// PrincipalFrom gives the principal of the request that ctx belongs to, and whether there is one.
func PrincipalFrom(ctx context.Context) (Principal, bool) {
	p, ok := ctx.Value(principalKey{}).(Principal)
	return p, ok
}

func withPrincipal(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// authorize is the one place that decides whether a principal may call an operation; nil means it may. The sentence is
// IAM's (IAM User Guide, Troubleshoot access denied error messages).
func authorize(p Principal, op Operation) *ecs.Error {
	if p.Access >= op.Access {
		return nil
	}
	action := op.Service.String() + ":" + op.Name
	return ecs.Errorf(ecs.AccessDeniedException,
		"User: %s is not authorized to perform: %s because no identity-based policy allows the %s action (the access key is for %s only)",
		p.ARN(), action, action, p.Access)
}
