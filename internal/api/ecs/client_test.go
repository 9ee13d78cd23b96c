package ecs_test

import (
	"errors"
	"log/slog"
	"maps"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awsecs "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/smithy-go"

	"ballast/internal/httpd"
)

// TestClient goes the whole way: the SDK's client, HTTP, and back into the SDK's types and errors.
func TestClient(t *testing.T) {
	w := crowd(t, 30)
	server := httptest.NewServer(httpd.Handler(httpd.Config{
		Operations: slices.Collect(maps.Values(w.calls)),
		Account:    account,
		Now:        time.Now,
		RequestID:  func() string { return "request" },
		Log:        slog.New(slog.DiscardHandler),
	}))
	defer server.Close()
	client := awsecs.New(awsecs.Options{Region: region, BaseEndpoint: &server.URL, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("key", "secret", "")})
	ctx := t.Context()

	made, err := client.RegisterTaskDefinition(ctx, &awsecs.RegisterTaskDefinitionInput{Family: aws.String("site"),
		ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("app"), Image: aws.String("nginx"), Memory: aws.Int32(64)}}})
	if err != nil {
		t.Fatal(err)
	}
	if got := aws.ToString(made.TaskDefinition.RegisteredBy); got != "arn:aws:iam::123456789012:root" {
		t.Errorf("registered by %s", got)
	}
	if got := *made.TaskDefinition.RegisteredAt; !got.Equal(start.Std()) {
		t.Errorf("registered at %s", got)
	}
	if _, err := client.CreateService(ctx, &awsecs.CreateServiceInput{ServiceName: aws.String("front"), TaskDefinition: made.TaskDefinition.TaskDefinitionArn,
		DesiredCount: aws.Int32(1)}); err != nil {
		t.Fatal(err)
	}
	run, err := client.RunTask(ctx, &awsecs.RunTaskInput{TaskDefinition: aws.String("site"), Count: aws.Int32(2)})
	if err != nil || len(run.Tasks) != 2 {
		t.Fatal(run, err)
	}
	listed := 0
	for pages := awsecs.NewListServicesPaginator(client, &awsecs.ListServicesInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		listed += len(page.ServiceArns)
	}
	if listed != 31 {
		t.Errorf("%d services in pages of ten, want 31", listed)
	}

	_, err = client.DescribeServices(ctx, &awsecs.DescribeServicesInput{Cluster: aws.String("gone"), Services: []string{"x"}})
	if _, ok := errors.AsType[*types.ClusterNotFoundException](err); !ok {
		t.Errorf("a missing cluster gives %v", err)
	}
	_, err = client.ListServicesByNamespace(ctx, &awsecs.ListServicesByNamespaceInput{Namespace: aws.String("default")})
	if e, ok := errors.AsType[smithy.APIError](err); !ok || e.ErrorCode() != "UnknownOperationException" {
		t.Errorf("an operation that is not served gives %v", err)
	}
}
