package ecs_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ballast/internal/control"
	"ballast/internal/ecs"
)

// mode makes a definition of one container in a network mode.
func mode(mode, members string) string {
	return strings.Replace(container(members), `{`, `{"networkMode":"`+mode+`",`, 1)
}

// linux makes a definition of one container with linuxParameters.
func linux(members string) string { return container(`"linuxParameters":{` + members + `}`) }

// logging makes a definition of one container that logs through a driver.
func logging(driver, options string) string {
	return container(`"logConfiguration":{"logDriver":"` + driver + `","options":{` + options + `}}`)
}

// withVolumes makes a definition of one container with volumes.
func withVolumes(volumes, members string) string {
	return strings.Replace(container(members), `{`, `{"volumes":[`+volumes+`],`, 1)
}

const (
	group  = `"awslogs-group":"g","awslogs-region":"r"`
	secret = `"secrets":[{"name":"S","valueFrom":"s"}]`
	inLog  = "Log driver awslogs option "
)

func repeat(n int, format string) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = fmt.Sprintf(format, i)
	}
	return strings.Join(parts, ",")
}

func TestRegisterRefusesParts(t *testing.T) {
	codes := strings.TrimSuffix(strings.Repeat("1,", 51), ",")
	cases := map[string][]struct{ request, want string }{
		"restart policies": {
			{container(`"restartPolicy":{"restartAttemptPeriod":60}`), inApp + "restartPolicy.enabled should not be null or empty."},
			{container(`"restartPolicy":{"ignoredExitCodes":[0]}`), inApp + "restartPolicy.enabled should not be null or empty."},
			{container(`"restartPolicy":{"enabled":true,"restartAttemptPeriod":59}`), "The 'restartAttemptPeriod' setting for container 'app' must be between 60 and 1800."},
			{container(`"restartPolicy":{"enabled":false,"restartAttemptPeriod":1801}`), "The 'restartAttemptPeriod' setting for container 'app' must be between 60 and 1800."},
			{container(`"restartPolicy":{"enabled":true,"ignoredExitCodes":[` + codes + `]}`), "The 'ignoredExitCodes' setting for container 'app' can have at most 50 exit codes."},
		},
		"secrets": {
			{container(`"secrets":[{"valueFrom":"s"}]`), inApp + "secrets[0].name should not be null or empty."},
			{container(`"secrets":[{"name":"a=b","valueFrom":"s"}]`), inApp + "secrets[0].name contains invalid characters."},
			{container(`"secrets":[{"name":"S"}]`), inApp + "secrets[0].valueFrom should not be null or empty."},
			{container(`"secrets":[{"name":"S","valueFrom":"\u0000"}]`), inApp + "secrets[0].valueFrom contains invalid characters."},
			{container(`"secrets":[{"name":"S","valueFrom":"arn:aws:s3:::bucket/key"}]`), "Invalid arn syntax."},
			{container(`"secrets":[{"name":"S","valueFrom":"arn:aws:ssm:us-east-1:123456789012:parameter/"}]`), "Invalid arn syntax."},
			{container(`"secrets":[{"name":"S","valueFrom":"arn:aws:secretsmanager:us-east-1:123456789012:s"}]`), "Invalid arn syntax."},
			{container(`"secrets":[{"name":"S","valueFrom":"s"},{"name":"T","valueFrom":"s"},{"name":"S","valueFrom":"s"},{"name":"T","valueFrom":"s"},{"name":"S","valueFrom":"s"}]`), "Duplicate secret names found: S, T. Each secret name must be unique."},
			{container(`"environment":[{"name":"S","value":"v"}],` + secret), "The secret name must be unique and not shared with any new or existing environment variables set on the container, such as 'S'."},
			{container(secret), "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'."},
			{container(`"repositoryCredentials":{"credentialsParameter":"arn:aws:ssm:us-east-1:123456789012:parameter/p"}`), "Invalid arn syntax."},
			{container(`"repositoryCredentials":{"credentialsParameter":"\u0000"}`), inApp + "repositoryCredentials.credentialsParameter contains invalid characters."},
		},
		"environment files": {
			{container(`"environmentFiles":[` + repeat(11, `{"type":"s3","value":"arn:aws:s3:::b/%d.env"}`) + `]`), "The maximum number of environment files was exceeded. Specify ten or less and try again."},
			{container(`"environmentFiles":[{"type":"s3","value":"s3://b/a.env"}]`), "Invalid arn syntax."},
			{container(`"environmentFiles":[{"type":"s3"}]`), "Invalid arn syntax."},
			{container(`"environmentFiles":[{"value":"arn:aws:s3:::b/a.env"}]`), "environmentFiles[0].type should not be null or empty."},
			{container(`"environmentFiles":[{"type":"s3","value":"arn:aws:s3:::b"}]`), "Invalid arn syntax."},
			{container(`"environmentFiles":[{"type":"s3","value":"arn:aws:sqs:::b/a.env"}]`), "Invalid arn syntax."},
			{container(`"environmentFiles":[{"type":"s3","value":"arn:aws:s3:::b/a.txt"}]`), "The environment file 'arn:aws:s3:::b/a.txt' must have the file extension .env."},
			{container(`"environmentFiles":[{"type":"file","value":"arn:aws:s3:::b/a.env"}]`), "containerDefinitions[0].environmentFiles[0].type file should be one of [s3]"},
		},
		"network modes": {
			{mode("none", `"portMappings":[{"containerPort":80}]`), "Port mappings are not supported when networkMode=none."},
			{mode("none", `"links":["x"]`), "Links are not supported when networkMode=none."},
			{mode("host", `"links":["x"]`), "Links are not supported when networkMode=host."},
			{mode("awsvpc", `"links":["x"]`), "Links are not supported when networkMode=awsvpc."},
			{mode("awsvpc", `"hostname":"h"`), "hostname is not supported on container when networkMode=awsvpc."},
			{mode("awsvpc", `"extraHosts":[{"hostname":"h","ipAddress":"10.0.0.1"}]`), "Extra hosts are not supported on container when networkMode=awsvpc."},
			{mode("awsvpc", `"dnsServers":["10.0.0.1"]`), "DNS servers are not supported on container when networkMode=awsvpc."},
			{mode("awsvpc", `"dnsSearchDomains":["d"]`), "DNS search domains are not supported on container when networkMode=awsvpc."},
			{mode("awsvpc", `"disableNetworking":true`), "Disable Networking is not supported on container when networkMode=awsvpc."},
			{mode("awsvpc", `"portMappings":[{"containerPort":80,"hostPort":0}]`), "When networkMode=awsvpc, the host ports and container ports in port mappings must match."},
			{mode("host", `"portMappings":[{"containerPort":80,"hostPort":0}]`), "When networkMode=host, the host ports and container ports in port mappings must match."},
			{mode("awsvpc", `"portMappings":[{"containerPort":80,"hostPort":81}]`), "When networkMode=awsvpc, the host ports and container ports in port mappings must match."},
			{mode("awsvpc", `"portMappings":[{"containerPort":80},{"containerPort":80}]`), "TCP container port '80' is used multiple times in task when networkMode=awsvpc."},
			{mode("awsvpc", `"portMappings":[{"containerPort":80,"name":"n"},{"containerPort":81,"name":"n"}]`), "When networkMode=awsvpc, port mapping name is already used"},
		},
		"port ranges": {
			{container(`"portMappings":[{"containerPortRange":"80-90","containerPort":80}]`), "Invalid port mapping for container 'app', cannot specify both single port and port range."},
			{container(`"portMappings":[{"containerPortRange":"80-90","hostPort":80}]`), "Invalid port mapping for container 'app', cannot specify both single port and port range."},
			{mode("host", `"portMappings":[{"containerPortRange":"80-90"}]`), "Port ranges are not supported when networkMode=host."},
			{container(`"portMappings":[{"containerPortRange":"80"}]`), "Invalid 'containerPortRange' setting for container 'app'."},
			{container(`"portMappings":[{"containerPortRange":"90-80"}]`), "Invalid 'containerPortRange' setting for container 'app'."},
			{container(`"portMappings":[{"containerPortRange":"80-80"}]`), "Invalid 'containerPortRange' setting for container 'app'."},
			{container(`"portMappings":[{"containerPortRange":"0-80"}]`), "Invalid 'containerPortRange' setting for container 'app'."},
			{container(`"portMappings":[{"containerPortRange":"80-65536"}]`), "Invalid 'containerPortRange' setting for container 'app'."},
			{container(`"portMappings":[{"containerPortRange":"80-90-95"}]`), "Invalid 'containerPortRange' setting for container 'app'."},
			{container(`"portMappings":[` + repeat(101, `{"containerPortRange":"1%d-1%[1]d9"}`) + `]`), inApp + "A container can have at most 100 port ranges."},
			{container(`"portMappings":[{"containerPortRange":"80-90"},{"containerPortRange":"85-95"}]`), "TCP container port '85' is used multiple times in container 'app'."},
			{container(`"portMappings":[{"containerPortRange":"80-90","protocol":"udp"},{"containerPort":85,"hostPort":8085,"protocol":"udp"}]`), "UDP container port '85' is used multiple times in container 'app'."},
			{container(`"portMappings":[{"containerPort":85,"hostPort":8085},{"containerPortRange":"80-90"}]`), "TCP container port '85' is used multiple times in container 'app'."},
			{mode("awsvpc", `"portMappings":[{"containerPortRange":"8080-8090"},{"containerPortRange":"8085-8095"}]`), "TCP container port '8085' is used multiple times in task when networkMode=awsvpc."},
		},
		"logs": {
			{container(`"logConfiguration":{"options":{"max-size":"1m"}}`), inApp + "logConfiguration.logDriver should not be null or empty."},
			{logging("awslogs", ``), "Log driver awslogs requires options: awslogs-region, awslogs-group"},
			{logging("awslogs", `"awslogs-region":"r"`), "Log driver awslogs requires options: awslogs-group"},
			{logging("awslogs", group+`,"log_key":"k"`), "Log driver awslogs disallows options: log_key"},
			{logging("awslogs", group+`,"max-size":"1m","awslogs-endpoint":"e"`), "Log driver awslogs disallows options: awslogs-endpoint, max-size"},
			{logging("json-file", `"awslogs-group":"g"`), "Log driver json-file disallows options: awslogs-group"},
			{logging("awslogs", `"awslogs-group":"","awslogs-region":"r"`), inLog + "'awslogs-group' should not be null or empty."},
			{logging("awslogs", `"awslogs-group":"a b","awslogs-region":"r"`), inLog + "'awslogs-group' should be 1 to 512 letters, numbers and characters of .-_/#."},
			{logging("awslogs", group+`,"awslogs-create-group":"false"`), inLog + "'awslogs-create-group' should only be set to 'true', else omit option."},
			{logging("awslogs", group+`,"awslogs-stream-prefix":"a:b"`), inLog + "'awslogs-stream-prefix' should be at most 255 characters without : and *."},
			{logging("awslogs", group+`,"mode":"fast"`), inLog + "'mode' should be blocking or non-blocking."},
			{logging("awslogs", group+`,"max-buffer-size":"0"`), inLog + "'max-buffer-size' should be a positive number of bytes, or of another unit with k, m or g behind it, that is less than 2^63 bytes."},
			{logging("json-file", `"max-size":"1kk"`), "Log driver json-file option 'max-size' should be a positive number of bytes, or of another unit with k, m or g behind it, that is less than 2^63 bytes."},
			{logging("json-file", `"max-size":"m"`), "Log driver json-file option 'max-size' should be a positive number of bytes, or of another unit with k, m or g behind it, that is less than 2^63 bytes."},
			{logging("json-file", `"max-size":"99999999999g"`), "Log driver json-file option 'max-size' should be a positive number of bytes, or of another unit with k, m or g behind it, that is less than 2^63 bytes."},
			{logging("awslogs", group+`,"max-buffer-size":"99999999999g"`), inLog + "'max-buffer-size' should be a positive number of bytes, or of another unit with k, m or g behind it, that is less than 2^63 bytes."},
			{logging("json-file", `"max-file":"0"`), "Log driver json-file option 'max-file' should be a positive number."},
		},
		"volumes": {
			{definition(`"volumes":[{"host":{"sourcePath":"/x"}}]`), "Volume.name should not be null or empty."},
			{definition(`"volumes":[{"name":"a b"}]`), "Volume.name contains invalid characters."},
			{definition(`"volumes":[{"name":"a"},{"name":"a"}]`), "Volume names must be unique within a task definition; 'a' is used more than once."},
			{definition(`"volumes":[{"name":"a","host":{"sourcePath":"/x"},"dockerVolumeConfiguration":{"scope":"task"}}]`), "Invalid setting for volume 'a'. Only one of host.sourcePath and dockerVolumeConfiguration can be specified."},
			{definition(`"volumes":[{"name":"a","host":{"sourcePath":"x"}}]`), "Invalid setting for volume 'a'. host.sourcePath must be an absolute path."},
			{definition(`"volumes":[{"name":"a","dockerVolumeConfiguration":{"scope":"task","autoprovision":false}}]`), "When 'scope' parameter is 'task', 'autoprovision' must either not be specified or set to 'True'."},
			{definition(`"volumes":[{"name":"a","dockerVolumeConfiguration":{"driverOpts":{"a":"\u0000"}}}]`), "Invalid setting for volume 'a'. dockerVolumeConfiguration contains invalid characters."},
			{definition(`"volumes":[{"name":"a","dockerVolumeConfiguration":{"scope":"world"}}]`), "volumes[0].dockerVolumeConfiguration.scope world should be one of [task,shared]"},
			{container(`"mountPoints":[{"sourceVolume":"nope","containerPath":"/x"}]`), "Unknown volume 'nope'."},
			{container(`"mountPoints":[{"containerPath":"/x"}]`), "Unknown volume 'null'."},
			{withVolumes(`{"name":"v"}`, `"mountPoints":[{"sourceVolume":"v"}]`), inApp + "mountPoints[0].containerPath should not be null or empty."},
			{withVolumes(`{"name":"v"}`, `"mountPoints":[{"sourceVolume":"v","containerPath":"x"}]`), inApp + "mountPoints[0].containerPath must be an absolute path."},
			{withVolumes(`{"name":"v"}`, `"mountPoints":[{"sourceVolume":"v","containerPath":"/x"},{"sourceVolume":"v","containerPath":"/x/"}]`), inApp + "The path '/x' is mounted more than once."},
			{withVolumes(`{"name":"v"}`, `"mountPoints":[{"sourceVolume":"v","containerPath":"/x"}],"linuxParameters":{"tmpfs":[{"containerPath":"/x","size":1}]}`), inApp + "The path '/x' is mounted more than once."},
			{container(`"volumesFrom":[{"sourceContainer":"nope"}]`), "Invalid 'volumesFrom' setting. Unknown container: 'nope'."},
			{container(`"volumesFrom":[{"readOnly":true}]`), "Invalid 'volumesFrom' setting. Unknown container: 'null'."},
			{two(`"volumesFrom":[{"sourceContainer":"b"}]`, `"volumesFrom":[{"sourceContainer":"a"}]`), "The dependencies of the containers form a circle."},
		},
		"links": {
			{container(`"links":["a b"]`), "Invalid 'links' setting for container 'app'."},
			{container(`"links":["b:"]`), "Invalid 'links' setting for container 'app'."},
			{container(`"links":["b:c:d"]`), "Invalid 'links' setting for container 'app'."},
			{container(`"links":["b:c"]`), "Invalid 'links' setting. Unknown container: 'b'."},
			{two(`"links":["b"]`, `"links":["a:x"]`), "Container links should not have a cycle"},
			{two(`"links":["b"]`, `"dependsOn":[{"containerName":"a","condition":"START"}]`), "The dependencies of the containers form a circle."},
		},
		"isolation": {
			{container(`"user":"\u0000"`), inApp + "user contains invalid characters."},
			{container(`"hostname":"\u0000"`), inApp + "hostname contains invalid characters."},
			{container(`"dnsSearchDomains":["\u0000"]`), inApp + "dnsSearchDomains contains invalid characters."},
			{container(`"dnsSearchDomains":[""]`), "Invalid 'dnsSearchDomains' setting for container 'app'."},
			{container(`"dnsServers":["dns.example"]`), "Invalid 'dnsServers' setting for container 'app'."},
			{container(`"dockerLabels":{"a":"\u0000"}`), inApp + "dockerLabels contains invalid characters."},
			{container(`"dockerLabels":{"":"a"}`), inApp + "The name of a docker label should not be null or empty."},
			{container(`"dockerSecurityOptions":["seccomp:x"]`), "Invalid 'dockerSecurityOptions' setting for container 'app'."},
			{container(`"dockerSecurityOptions":["apparmor:"]`), "Invalid 'dockerSecurityOptions' setting for container 'app'."},
			{container(`"dockerSecurityOptions":["apparmor:a\u0000"]`), inApp + "dockerSecurityOptions contains invalid characters."},
			{container(`"extraHosts":[{"ipAddress":"10.0.0.1"}]`), inApp + "extraHosts[0].hostname should not be null or empty."},
			{container(`"extraHosts":[{"hostname":"h"}]`), inApp + "extraHosts[0].ipAddress should not be null or empty."},
			{container(`"extraHosts":[{"hostname":"h","ipAddress":"here"}]`), "Invalid 'extraHosts' setting for container 'app'."},
			{container(`"extraHosts":[{"hostname":"h:i","ipAddress":"10.0.0.1"}]`), "Invalid 'extraHosts' setting for container 'app'."},
			{container(`"systemControls":[{"value":"1"}]`), inApp + "systemControls[0].namespace should not be null or empty."},
			{container(`"systemControls":[{"namespace":"net.core.somaxconn"}]`), inApp + "systemControls[0].value should not be null or empty."},
			{container(`"systemControls":[{"namespace":"net.core.somaxconn","value":"\u0000"}]`), inApp + "systemControls[0] contains invalid characters."},
			{container(`"systemControls":[{"namespace":"kernel.panic","value":"1"}]`), "Unrecognized system control namespace kernel.panic"},
			{container(`"systemControls":[{"namespace":"net.a","value":"1"},{"namespace":"net.a","value":"2"}]`), "Duplicate system control namespaces found: net.a. Each namespace must be unique."},
			{mode("host", `"systemControls":[{"namespace":"net.core.somaxconn","value":"1"}]`), "Network namespace system controls are not supported when networkMode=host."},
			{strings.Replace(container(`"systemControls":[{"namespace":"kernel.sem","value":"1"}]`), `{`, `{"ipcMode":"host",`, 1), "IPC namespace system controls are not supported when ipcMode=host."},
			{container(`"ulimits":[{"softLimit":1,"hardLimit":1}]`), inApp + "ulimits[0].name should not be null or empty."},
			{container(`"ulimits":[{"name":"memory","softLimit":1,"hardLimit":1}]`), "Unrecognized ulimit name memory"},
			{container(`"ulimits":[{"name":"nofile","softLimit":2,"hardLimit":1}]`), "Soft limit exceeds hard limit for ulimit nofile"},
			{container(`"ulimits":[{"name":"nofile","softLimit":-1,"hardLimit":1}]`), "Soft limit exceeds hard limit for ulimit nofile"},
			{container(`"ulimits":[{"name":"nofile","softLimit":-2,"hardLimit":1}]`), "Limits must be -1 or more for ulimit nofile"},
			{container(`"ulimits":[{"name":"nofile","softLimit":1,"hardLimit":1},{"name":"nofile","softLimit":1,"hardLimit":1}]`), "Duplicate ulimit names found: nofile. Each ulimit name must be unique."},
			{definition(`"pidMode":"none"`), "pidMode none should be one of [host,task]"},
			{definition(`"ipcMode":"some"`), "ipcMode some should be one of [host,task,none]"},
			{container(`"versionConsistency":"often"`), "containerDefinitions[0].versionConsistency often should be one of [enabled,disabled]"},
			{definition(`"runtimePlatform":{"cpuArchitecture":"Z80"}`), "runtimePlatform.cpuArchitecture Z80 should be one of [X86_64,ARM64]"},
		},
		"linux parameters": {
			{linux(`"maxSwap":-1`), inApp + "linuxParameters.maxSwap must be 0 or a positive integer."},
			{linux(`"swappiness":101`), inApp + "linuxParameters.swappiness must be between 0 and 100."},
			{linux(`"swappiness":-1`), inApp + "linuxParameters.swappiness must be between 0 and 100."},
			{linux(`"sharedMemorySize":-1`), inApp + "linuxParameters.sharedMemorySize must be at least 0 MiB and at most 67108864 MiB."},
			{linux(`"capabilities":{"add":["CAP_SYS_ADMIN"]}`), "Unrecognized kernel capability CAP_SYS_ADMIN"},
			{linux(`"capabilities":{"drop":["all"]}`), "Unrecognized kernel capability all"},
			{linux(`"devices":[{"containerPath":"/dev/x"}]`), inApp + "linuxParameters.devices[0].hostPath should not be null or empty."},
			{linux(`"devices":[{"hostPath":"x"}]`), inApp + "linuxParameters.devices[0].hostPath must be an absolute path."},
			{linux(`"devices":[{"hostPath":"/dev/x","containerPath":"x"}]`), inApp + "linuxParameters.devices[0].containerPath must be an absolute path."},
			{linux(`"devices":[{"hostPath":"/dev/x","permissions":["all"]}]`), "containerDefinitions[0].linuxParameters.devices[0].permissions[0] all should be one of [read,write,mknod]"},
			{linux(`"tmpfs":[{"size":1}]`), inApp + "linuxParameters.tmpfs[0].containerPath should not be null or empty."},
			{linux(`"tmpfs":[{"size":1,"containerPath":"x"}]`), inApp + "linuxParameters.tmpfs[0].containerPath must be an absolute path."},
			{linux(`"tmpfs":[{"size":0,"containerPath":"/x"}]`), "The container has an invalid tmpfs size value specified. It must be a non-zero, non-negative integer."},
			{linux(`"tmpfs":[{"size":1,"containerPath":"/x","mountOptions":["fast"]}]`), "Unrecognized tmpfs mount option fast"},
			{linux(`"tmpfs":[{"size":1,"containerPath":"/x","mountOptions":["mode=1,size=2"]}]`), "Unrecognized tmpfs mount option mode=1,size=2"},
		},
	}
	for name, tests := range cases {
		t.Run(name, func(t *testing.T) {
			for _, test := range tests {
				_, err := newWorld().call("RegisterTaskDefinition", test.request)
				if got := refusal(t, err); got != "ClientException: "+test.want {
					t.Errorf("%.300s\ngot  %s\nwant ClientException: %s", test.request, got, test.want)
				}
			}
		})
	}
}

// parsed gives the one container of a definition as it is acted on.
func parsed(t *testing.T, request string) (ecs.TaskDefinition, ecs.ContainerDefinition) {
	t.Helper()
	w := newWorld()
	w.must(t, "RegisterTaskDefinition", request)
	d := w.last.(control.RegisterTaskDefinition).Definition
	return d, d.Containers[0]
}

func TestParsedRestartPolicies(t *testing.T) {
	tests := []struct {
		given string
		want  *ecs.RestartPolicy
	}{
		{`{"enabled":true}`, &ecs.RestartPolicy{AttemptPeriod: 300 * time.Second}},
		{`{"enabled":true,"ignoredExitCodes":[0,143],"restartAttemptPeriod":60}`, &ecs.RestartPolicy{IgnoredExitCodes: []int32{0, 143}, AttemptPeriod: time.Minute}},
		{`{"enabled":true,"restartAttemptPeriod":1800}`, &ecs.RestartPolicy{AttemptPeriod: 30 * time.Minute}},
		{`{"enabled":false,"ignoredExitCodes":[1]}`, nil},
		{`{}`, nil},
	}
	for _, test := range tests {
		_, got := parsed(t, container(`"restartPolicy":`+test.given))
		if diff := cmp.Diff(test.want, got.RestartPolicy); diff != "" {
			t.Errorf("%s: %s", test.given, diff)
		}
	}
}

func TestParsedPorts(t *testing.T) {
	const ranges = `"portMappings":[{"containerPortRange":"8000-8010","name":"r","hostPort":0},{"containerPort":9000,"protocol":"udp"}]`
	tests := []struct {
		request string
		mode    ecs.NetworkMode
		want    []ecs.PortMapping
	}{
		{container(ranges), ecs.NetworkBridge, []ecs.PortMapping{{Name: "r", ContainerPort: 8000, LastPort: 8010}, {ContainerPort: 9000, UDP: true}}},
		{mode("awsvpc", ranges), ecs.NetworkAwsvpc, []ecs.PortMapping{{Name: "r", ContainerPort: 8000, HostPort: 8000, LastPort: 8010}, {ContainerPort: 9000, HostPort: 9000, UDP: true}}},
		{mode("none", `"user":""`), ecs.NetworkNone, nil},
		// One container port on several host ports, and on any free one.
		{container(`"portMappings":[{"containerPort":80,"hostPort":8080},{"containerPort":80,"hostPort":8081},{"containerPort":80}]`), ecs.NetworkBridge,
			[]ecs.PortMapping{{ContainerPort: 80, HostPort: 8080}, {ContainerPort: 80, HostPort: 8081}, {ContainerPort: 80}}},
	}
	for _, test := range tests {
		d, c := parsed(t, test.request)
		if diff := cmp.Diff(test.want, c.Ports); diff != "" || d.NetworkMode != test.mode {
			t.Errorf("%s: %s %s", test.request, d.NetworkMode, diff)
		}
	}
}

// TestNothingAskedIsNothing checks that values that mean the default ask for nothing that a driver would have to give.
func TestNothingAskedIsNothing(t *testing.T) {
	d, c := parsed(t, strings.Replace(container(`"user":"","hostname":"","privileged":false,"readonlyRootFilesystem":false,"interactive":false,"pseudoTerminal":false,
		"disableNetworking":false,"links":[],"dnsServers":[],"dnsSearchDomains":[],"extraHosts":[],"dockerSecurityOptions":[],"dockerLabels":{},"systemControls":[],"ulimits":[],
		"linuxParameters":{"capabilities":{"add":[],"drop":[]},"devices":[],"tmpfs":[],"initProcessEnabled":false,"sharedMemorySize":0,"swappiness":60},"mountPoints":[],"volumesFrom":[],
		"secrets":[],"environmentFiles":[],"logConfiguration":{},"repositoryCredentials":{},"restartPolicy":{},"versionConsistency":"enabled"`), `{`, `{"pidMode":"","ipcMode":"","volumes":[],"runtimePlatform":{"operatingSystemFamily":"LINUX"},`, 1))
	want := ecs.ContainerDefinition{Name: "app", Image: "nginx", Essential: true, Memory: 64}
	if diff := cmp.Diff(want, c); diff != "" || d.PIDMode != 0 || d.IPCMode != 0 || d.Volumes != nil {
		t.Errorf("%v %v %v %s", d.PIDMode, d.IPCMode, d.Volumes, diff)
	}
}

// every uses every member of containers and volumes that separates, mounts, logs or restarts.
const every = `{"family":"every","executionRoleArn":"ecsTaskExecutionRole","pidMode":"task","ipcMode":"none",
"runtimePlatform":{"cpuArchitecture":"X86_64","operatingSystemFamily":"LINUX"},
"volumes":[{"name":"made"},{"name":"own","host":{"sourcePath":"/srv/own"}},
{"name":"kept","dockerVolumeConfiguration":{"scope":"shared","autoprovision":true,"driver":"local","driverOpts":{"type":"nfs","o":"ro"},"labels":{"a":"b"}}},
{"name":"gone","dockerVolumeConfiguration":{"autoprovision":true}}],
"containerDefinitions":[
{"name":"app","image":"nginx","memory":64,"versionConsistency":"disabled",
"user":"1000:1000","privileged":true,"readonlyRootFilesystem":true,"interactive":true,"pseudoTerminal":true,"hostname":"h","disableNetworking":true,
"links":["side:s"],"dnsServers":["10.0.0.2"],"dnsSearchDomains":["example.com"],
"extraHosts":[{"hostname":"db","ipAddress":"10.0.0.3"},{"hostname":"host","ipAddress":"host-gateway"}],
"dockerSecurityOptions":["no-new-privileges","label:level:s0"],"dockerLabels":{"b":"2","a":"1"},
"systemControls":[{"namespace":"net.core.somaxconn","value":"1024"},{"namespace":"fs.mqueue.msg_max","value":"10"}],
"ulimits":[{"name":"nofile","softLimit":1024,"hardLimit":-1},{"name":"core","softLimit":0,"hardLimit":0}],
"linuxParameters":{"capabilities":{"add":["SYS_PTRACE"],"drop":["ALL"]},"initProcessEnabled":true,"maxSwap":0,"swappiness":10,"sharedMemorySize":64,
"devices":[{"hostPath":"/dev/fuse","containerPath":"/dev/f","permissions":["mknod","read"]},{"hostPath":"/dev/kvm"}],
"tmpfs":[{"containerPath":"/run","size":16,"mountOptions":["noexec","mode=1777"]}]},
"mountPoints":[{"sourceVolume":"made","containerPath":"/made"},{"sourceVolume":"own","containerPath":"/own","readOnly":true}],
"volumesFrom":[{"sourceContainer":"side","readOnly":true}],
"restartPolicy":{"enabled":true,"ignoredExitCodes":[0]},
"secrets":[{"name":"S","valueFrom":"arn:aws:secretsmanager:us-east-1:123456789012:secret:s-AbCdEf:key::"},{"name":"P","valueFrom":"/app/p"}],
"environmentFiles":[{"type":"s3","value":"arn:aws:s3:::bucket/dir/a.env"}],
"repositoryCredentials":{"credentialsParameter":"arn:aws:secretsmanager:us-east-1:123456789012:secret:login"},
"logConfiguration":{"logDriver":"awslogs","options":{"awslogs-region":"us-east-1","awslogs-group":"/ecs/app","awslogs-create-group":"True","awslogs-stream-prefix":"app","mode":"non-blocking","max-buffer-size":"25m"}}},
{"name":"side","image":"busybox","memory":4,"essential":false,"logConfiguration":{"logDriver":"json-file","options":{"max-size":"10m","max-file":"3"}}}]}`

func TestParsedEverything(t *testing.T) {
	got, _ := parsed(t, every)
	got.Document = nil
	zero, ten := 0, 10
	want := ecs.TaskDefinition{Family: "every", PIDMode: ecs.SharingTask, IPCMode: ecs.SharingNone,
		Volumes: []ecs.Volume{{Name: "made"}, {Name: "own", HostPath: "/srv/own"},
			{Name: "kept", Docker: &ecs.DockerVolume{Shared: true, Autoprovision: true, Driver: "local",
				Options: []ecs.Variable{{Name: "o", Value: "ro"}, {Name: "type", Value: "nfs"}}, Labels: []ecs.Variable{{Name: "a", Value: "b"}}}},
			{Name: "gone", Docker: &ecs.DockerVolume{}}},
		Containers: []ecs.ContainerDefinition{
			{Name: "app", Image: "nginx", Essential: true, Memory: 64,
				RestartPolicy: &ecs.RestartPolicy{IgnoredExitCodes: []int32{0}, AttemptPeriod: 300 * time.Second},
				Secrets: []ecs.Secret{{Name: "S", ValueFrom: "arn:aws:secretsmanager:us-east-1:123456789012:secret:s-AbCdEf:key::"},
					{Name: "P", ValueFrom: "/app/p"}},
				EnvironmentFiles:    []string{"arn:aws:s3:::bucket/dir/a.env"},
				RegistryCredentials: "arn:aws:secretsmanager:us-east-1:123456789012:secret:login",
				Logging: &ecs.Logging{Driver: "awslogs", Options: []ecs.Variable{{Name: "awslogs-create-group", Value: "true"},
					{Name: "awslogs-group", Value: "/ecs/app"}, {Name: "awslogs-region", Value: "us-east-1"}, {Name: "awslogs-stream-prefix", Value: "app"},
					{Name: "max-buffer-size", Value: "25m"}, {Name: "mode", Value: "non-blocking"}}},
				Isolation: &ecs.Isolation{User: "1000:1000", Hostname: "h", Privileged: true, ReadonlyRoot: true, Interactive: true, PseudoTerminal: true,
					DisableNetwork: true, Init: true, SharedMemory: 64, MaxSwap: &zero, Swappiness: &ten, Links: []string{"side:s"},
					DNSServers: []string{"10.0.0.2"}, DNSSearch: []string{"example.com"}, SecurityOptions: []string{"no-new-privileges", "label:level:s0"},
					CapAdd: []string{"SYS_PTRACE"}, CapDrop: []string{"ALL"},
					Hosts:   []ecs.Variable{{Name: "db", Value: "10.0.0.3"}, {Name: "host", Value: "host-gateway"}},
					Sysctls: []ecs.Variable{{Name: "net.core.somaxconn", Value: "1024"}, {Name: "fs.mqueue.msg_max", Value: "10"}},
					Labels:  []ecs.Variable{{Name: "a", Value: "1"}, {Name: "b", Value: "2"}},
					Ulimits: []ecs.Ulimit{{Name: "nofile", Soft: 1024, Hard: -1}, {Name: "core"}},
					Devices: []ecs.Device{{HostPath: "/dev/fuse", ContainerPath: "/dev/f", Permissions: "rm"}, {HostPath: "/dev/kvm"}},
					Tmpfs:   []ecs.Tmpfs{{ContainerPath: "/run", Size: 16, Options: []string{"noexec", "mode=1777"}}}},
				Mounts:      []ecs.MountPoint{{Volume: "made", ContainerPath: "/made"}, {Volume: "own", ContainerPath: "/own", ReadOnly: true}},
				VolumesFrom: []ecs.VolumeFrom{{Container: "side", ReadOnly: true}}},
			{Name: "side", Image: "busybox", Memory: 4, Logging: &ecs.Logging{Driver: "json-file",
				Options: []ecs.Variable{{Name: "max-file", Value: "3"}, {Name: "max-size", Value: "10m"}}}},
		}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestShapeOfEverything(t *testing.T) {
	w := newWorld()
	w.must(t, "RegisterTaskDefinition", every)
	golden(t, "definition_every", w.must(t, "DescribeTaskDefinition", `{"taskDefinition":"every"}`))
}

func TestOverriddenEnvironmentFiles(t *testing.T) {
	w := furnished(t)
	files := func(value string) string {
		return run(`"overrides":{"containerOverrides":[{"name":"app","environmentFiles":[{"type":"s3","value":"` + value + `"}]}]}`)
	}
	answer := w.must(t, "RunTask", files("arn:aws:s3:::b/a.env"))
	if want := `"environmentFiles":[{"type":"s3","value":"arn:aws:s3:::b/a.env"}]`; !strings.Contains(answer, want) {
		t.Errorf("no %s in %s", want, answer)
	}
	if diff := cmp.Diff([]string{"arn:aws:s3:::b/a.env"}, w.last.(control.RunTask).Overrides.Containers[0].EnvironmentFiles); diff != "" {
		t.Error(diff)
	}
	for value, want := range map[string]string{"b/a.env": "Invalid arn syntax.",
		"arn:aws:s3:::b/a.txt": "The environment file 'arn:aws:s3:::b/a.txt' must have the file extension .env."} {
		_, err := w.call("RunTask", files(value))
		if got := refusal(t, err); got != "InvalidParameterException: "+want {
			t.Errorf("%s: got %s", value, got)
		}
	}
}
