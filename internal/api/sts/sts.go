// Package sts serves the one operation of the AWS Security Token Service that tools ask before they do anything else:
// GetCallerIdentity. It hands out no credentials.
package sts

import (
	"context"

	awssts "github.com/aws/aws-sdk-go-v2/service/sts"

	"ballast/internal/httpd"
)

// Config is what the operations need to know.
type Config struct {
	Account string // 12 digits
}

// Operations gives the operations served, for httpd to dispatch to.
func Operations(config Config) []httpd.Operation {
	a := api{config}
	return []httpd.Operation{httpd.Op(httpd.STS, "GetCallerIdentity", httpd.Read, a.getCallerIdentity)}
}

type api struct{ Config }

// getCallerIdentity says who the caller is. It needs no permission in AWS either (STS API reference, GetCallerIdentity).
func (a api) getCallerIdentity(ctx context.Context, _ *awssts.GetCallerIdentityInput) (*awssts.GetCallerIdentityOutput, error) {
	p, ok := httpd.PrincipalFrom(ctx)
	if !ok {
		p.Account = a.Account
	}
	arn, id := p.ARN(), p.UserID()
	return &awssts.GetCallerIdentityOutput{Account: &a.Account, Arn: &arn, UserId: &id}, nil
}
