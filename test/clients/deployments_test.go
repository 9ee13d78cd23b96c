package clients

import (
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awsecs "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/test/harness"
)

// TestServiceDeploymentsWithGo stops a service deployment that cannot come to its end, as a user of ECS does: Debian's clients are from before
// there were service deployments.
func TestServiceDeploymentsWithGo(t *testing.T) {
	t.Parallel()
	endpoint := serve(t)
	ctx, c := t.Context(), awsecs.New(awsecs.Options{Region: "us-east-1", BaseEndpoint: &endpoint,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
	define := func(command ...string) *string {
		t.Helper()
		out, err := c.RegisterTaskDefinition(ctx, &awsecs.RegisterTaskDefinitionInput{Family: aws.String("go"),
			ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("app"), Image: aws.String("none"), Memory: aws.Int32(16), Command: command}}})
		if err != nil {
			t.Fatal(err)
		}
		return out.TaskDefinition.TaskDefinitionArn
	}
	good, bad := define("sleep", "600"), define("no-such-program")
	if _, err := c.CreateService(ctx, &awsecs.CreateServiceInput{ServiceName: aws.String("go"), DesiredCount: aws.Int32(1), TaskDefinition: good}); err != nil {
		t.Fatal(err)
	}
	list := &awsecs.ListServiceDeploymentsInput{Service: aws.String("go")}
	// reaches waits until the newest service deployment has a status.
	reaches := func(status types.ServiceDeploymentStatus) *types.ServiceDeployment {
		t.Helper()
		for end := time.Now().Add(harness.Limit); ; time.Sleep(50 * time.Millisecond) {
			briefs, err := c.ListServiceDeployments(ctx, list)
			if err != nil {
				t.Fatal(err)
			}
			newest := briefs.ServiceDeployments[0]
			if newest.Status == status {
				out, err := c.DescribeServiceDeployments(ctx, &awsecs.DescribeServiceDeploymentsInput{ServiceDeploymentArns: []string{*newest.ServiceDeploymentArn}})
				if err != nil {
					t.Fatal(err)
				}
				return &out.ServiceDeployments[0]
			}
			if time.Now().After(end) {
				t.Fatalf("the newest service deployment is %s, want %s", newest.Status, status)
			}
		}
	}
	first := reaches(types.ServiceDeploymentStatusSuccessful)
	if _, err := c.UpdateService(ctx, &awsecs.UpdateServiceInput{Service: aws.String("go"), TaskDefinition: bad}); err != nil {
		t.Fatal(err)
	}
	second := reaches(types.ServiceDeploymentStatusInProgress)
	stop := &awsecs.StopServiceDeploymentInput{ServiceDeploymentArn: second.ServiceDeploymentArn, StopType: types.StopServiceDeploymentStopTypeRollback}
	if _, err := c.StopServiceDeployment(ctx, stop); err != nil {
		t.Fatal(err)
	}
	back := reaches(types.ServiceDeploymentStatusRollbackSuccessful)
	wentBack(t, c, first, back, good, bad)
	var conflict *types.ConflictException
	if _, err := c.StopServiceDeployment(ctx, stop); !errors.As(err, &conflict) {
		t.Errorf("stopping what is over: %v", err)
	}
	gone := *stop.ServiceDeploymentArn + "x"
	var missing *types.ServiceDeploymentNotFoundException
	if _, err := c.StopServiceDeployment(ctx, &awsecs.StopServiceDeploymentInput{ServiceDeploymentArn: &gone}); !errors.As(err, &missing) {
		t.Errorf("stopping what is not: %v", err)
	}
}

// wentBack looks at a service that has gone back from the revision of one service deployment to that of the first.
func wentBack(t *testing.T, c *awsecs.Client, first, back *types.ServiceDeployment, good, bad *string) {
	t.Helper()
	ctx := t.Context()
	if back.Rollback == nil || *back.Rollback.ServiceRevisionArn != *first.TargetServiceRevision.Arn {
		t.Errorf("went back to %+v, want %s", back.Rollback, *first.TargetServiceRevision.Arn)
	}
	services, err := c.DescribeServices(ctx, &awsecs.DescribeServicesInput{Services: []string{"go"}})
	if err != nil {
		t.Fatal(err)
	}
	if s := services.Services[0]; *s.TaskDefinition != *good || *s.CurrentServiceDeployment != *back.ServiceDeploymentArn ||
		*s.CurrentServiceRevisions[0].Arn != *first.TargetServiceRevision.Arn {
		t.Errorf("the service is on %s by %s with revision %s", *s.TaskDefinition, *s.CurrentServiceDeployment, *s.CurrentServiceRevisions[0].Arn)
	}
	revisions, err := c.DescribeServiceRevisions(ctx, &awsecs.DescribeServiceRevisionsInput{
		ServiceRevisionArns: []string{*first.TargetServiceRevision.Arn, *back.TargetServiceRevision.Arn}})
	if err != nil {
		t.Fatal(err)
	}
	if r := revisions.ServiceRevisions; len(r) != 2 || *r[0].TaskDefinition != *good || *r[1].TaskDefinition != *bad {
		t.Errorf("revisions %+v", r)
	}
}
