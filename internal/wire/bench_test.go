package wire

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// hundredTasks is what DescribeTasks answers for its maximum of 100 tasks, one container each.
func hundredTasks() *sdk.DescribeTasksOutput {
	out := &sdk.DescribeTasksOutput{Failures: []types.Failure{}}
	at := aws.Time(time.UnixMilli(1767323045123))
	for i := range 100 {
		arn := func(kind string) *string {
			return aws.String(fmt.Sprintf("arn:aws:ecs:us-east-1:123456789012:%s/production/%032x", kind, i))
		}
		out.Tasks = append(out.Tasks, types.Task{
			TaskArn: arn("task"), ClusterArn: arn("cluster"), TaskDefinitionArn: arn("task-definition"), ContainerInstanceArn: arn("container-instance"),
			AvailabilityZone: aws.String("us-east-1a"), Connectivity: types.ConnectivityConnected, ConnectivityAt: at, CreatedAt: at, StartedAt: at, PullStartedAt: at,
			PullStoppedAt: at, Cpu: aws.String("256"), Memory: aws.String("512"), DesiredStatus: aws.String("RUNNING"), LastStatus: aws.String("RUNNING"),
			Group: aws.String("service:web"), HealthStatus: types.HealthStatusHealthy, LaunchType: types.LaunchTypeEc2, StartedBy: aws.String("ecs-svc/1234567890123456789"),
			Version: 3, Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("shop")}}, Attributes: []types.Attribute{{Name: aws.String("ecs.cpu-architecture"), Value: aws.String("x86_64")}},
			//lint:ignore SA1019 deprecated, and still part of every answer of ECS
			Overrides: &types.TaskOverride{ContainerOverrides: []types.ContainerOverride{{Name: aws.String("web")}}, InferenceAcceleratorOverrides: []types.InferenceAcceleratorOverride{}},
			Containers: []types.Container{{
				ContainerArn: arn("container"), TaskArn: arn("task"), Name: aws.String("web"), Image: aws.String("registry.example/web:1.2.3"), RuntimeId: arn("runtime"),
				LastStatus: aws.String("RUNNING"), HealthStatus: types.HealthStatusHealthy, Cpu: aws.String("256"), Memory: aws.String("512"), NetworkInterfaces: []types.NetworkInterface{},
				NetworkBindings: []types.NetworkBinding{{BindIP: aws.String("0.0.0.0"), ContainerPort: aws.Int32(80), HostPort: aws.Int32(32768), Protocol: types.TransportProtocolTcp}},
			}},
		})
	}
	return out
}

func BenchmarkDescribeTasks(b *testing.B) {
	out := hundredTasks()
	b.Run("wire", func(b *testing.B) {
		var buf []byte
		b.ReportAllocs()
		for b.Loop() {
			var err error
			if buf, err = AppendJSON(buf[:0], out); err != nil {
				b.Fatal(err)
			}
		}
		b.SetBytes(int64(len(buf)))
	})
	b.Run("encodingjson", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := json.Marshal(out); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// aDefinition is a RegisterTaskDefinition request of about 2.4 kB.
func aDefinition(b *testing.B) []byte {
	in := &sdk.RegisterTaskDefinitionInput{Family: aws.String("web"), NetworkMode: types.NetworkModeBridge, Cpu: aws.String("512"), Memory: aws.String("1024"),
		RequiresCompatibilities: []types.Compatibility{types.CompatibilityEc2}, ExecutionRoleArn: aws.String("arn:aws:iam::123456789012:role/execution")}
	for i := range 3 {
		c := types.ContainerDefinition{Name: aws.String(fmt.Sprint("container-", i)), Image: aws.String("registry.example/team/image:1.2.3"), Cpu: 128, Memory: aws.Int32(256),
			Essential: aws.Bool(true), Command: []string{"/bin/server", "--listen", "0.0.0.0:8080", "--verbose"}, DockerLabels: map[string]string{"team": "shop", "tier": "front"},
			PortMappings:     []types.PortMapping{{ContainerPort: aws.Int32(8080), HostPort: aws.Int32(0), Protocol: types.TransportProtocolTcp, Name: aws.String("http")}},
			HealthCheck:      &types.HealthCheck{Command: []string{"CMD-SHELL", "curl -f http://localhost:8080/healthz || exit 1"}, Interval: aws.Int32(10), Retries: aws.Int32(3)},
			LogConfiguration: &types.LogConfiguration{LogDriver: types.LogDriverAwslogs, Options: map[string]string{"awslogs-group": "/ecs/web", "awslogs-region": "us-east-1"}}}
		for e := range 5 {
			c.Environment = append(c.Environment, types.KeyValuePair{Name: aws.String(fmt.Sprint("VARIABLE_", e)), Value: aws.String("some value")})
		}
		in.ContainerDefinitions = append(in.ContainerDefinitions, c)
	}
	text, err := AppendJSON(nil, in)
	if err != nil {
		b.Fatal(err)
	}
	return text
}

func BenchmarkRegisterTaskDefinition(b *testing.B) {
	body := aDefinition(b)
	b.Run("wire", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			var in sdk.RegisterTaskDefinitionInput
			if err := DecodeJSON(body, &in); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encodingjson", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var in sdk.RegisterTaskDefinitionInput
			if err := json.Unmarshal(body, &in); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkMissing(b *testing.B) {
	var in sdk.RegisterTaskDefinitionInput
	if err := DecodeJSON(aDefinition(b), &in); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, missing := Missing(&in); missing {
			b.Fatal("something is missing")
		}
	}
}
