package ecs_test

import (
	"strings"
	"testing"
)

// container puts members into the one container of a definition.
func container(members string) string {
	return `{"family":"web","containerDefinitions":[{"name":"app","image":"nginx","memory":64,` + members + `}]}`
}

// definition puts members into a definition.
func definition(members string) string {
	return `{"family":"web","containerDefinitions":[{"name":"app","image":"nginx","memory":64}],` + members + `}`
}

func service(members string) string {
	return `{"serviceName":"back","taskDefinition":"web","desiredCount":1,` + members + `}`
}

func run(members string) string { return `{"taskDefinition":"web",` + members + `}` }

const later = " is not supported by this version of Ballast yet; remove it. See docs/compatibility.md."

func TestRefusals(t *testing.T) {
	const register, create, update, runTask = "RegisterTaskDefinition", "CreateService", "UpdateService", "RunTask"
	tests := []struct{ operation, request, want string }{
		{register, logging("syslog", ``), "containerDefinitions[0].logConfiguration.logDriver syslog is not supported by this version of Ballast yet; use awslogs or json-file. See docs/compatibility.md."},
		{register, logging("awsfirelens", ``), "containerDefinitions[0].logConfiguration.logDriver awsfirelens is not supported by this version of Ballast yet; use awslogs or json-file. See docs/compatibility.md."},
		{register, two(``, `"logConfiguration":{"logDriver":"awslogs","options":{"awslogs-multiline-pattern":"x","awslogs-datetime-format":"y"}}`), "containerDefinitions[1].logConfiguration.options.awslogs-datetime-format" + later},
		{register, logging("json-file", `"compress":"true"`), "containerDefinitions[0].logConfiguration.options.compress" + later},
		{register, container(`"logConfiguration":{"logDriver":"awslogs","secretOptions":[{"name":"a","valueFrom":"b"}]}`), "containerDefinitions[0].logConfiguration.secretOptions" + later},
		{register, container(`"firelensConfiguration":{"type":"fluentbit"}`), "containerDefinitions[0].firelensConfiguration" + later},
		{register, container(`"resourceRequirements":[{"type":"GPU","value":"1"}]`), "containerDefinitions[0].resourceRequirements" + later},
		{register, container(`"credentialSpecs":["credentialspec:arn:aws:s3:::a/b"]`), "containerDefinitions[0].credentialSpecs" + later},
		{register, container(`"dockerSecurityOptions":["no-new-privileges","credentialspec:file://a"]`), "containerDefinitions[0].dockerSecurityOptions[1] credentialspec" + later},
		{register, definition(`"volumes":[{"name":"a"},{"name":"b","efsVolumeConfiguration":{"fileSystemId":"fs-1"}}]`), "volumes[1].efsVolumeConfiguration" + later},
		{register, definition(`"volumes":[{"name":"a","fsxWindowsFileServerVolumeConfiguration":{"fileSystemId":"fs-1"}}]`), "volumes[0].fsxWindowsFileServerVolumeConfiguration" + later},
		{register, definition(`"volumes":[{"name":"a","s3filesVolumeConfiguration":{"fileSystemArn":"x"}}]`), "volumes[0].s3filesVolumeConfiguration" + later},
		{register, definition(`"volumes":[{"name":"a","configuredAtLaunch":true}]`), "volumes[0].configuredAtLaunch" + later},
		{register, definition(`"runtimePlatform":{"operatingSystemFamily":"WINDOWS_SERVER_2022_CORE"}`), "runtimePlatform.operatingSystemFamily WINDOWS_SERVER_2022_CORE is not supported by this version of Ballast yet; use LINUX. See docs/compatibility.md."},
		{register, definition(`"placementConstraints":[{"type":"memberOf","expression":"x"}]`), "placementConstraints" + later},
		{register, definition(`"ephemeralStorage":{"sizeInGiB":21}`), "ephemeralStorage" + later},
		{register, definition(`"proxyConfiguration":{"containerName":"app"}`), "proxyConfiguration" + later},
		{register, definition(`"inferenceAccelerators":[{"deviceName":"a","deviceType":"b"}]`), "inferenceAccelerators" + later},
		{register, definition(`"enableFaultInjection":true`), "enableFaultInjection" + later},
		{register, definition(`"requiresCompatibilities":["EC2","FARGATE"]`), "requiresCompatibilities[1] FARGATE is not supported by this version of Ballast yet; use EC2 or EXTERNAL. See docs/compatibility.md."},
		{create, service(`"loadBalancers":[{"containerName":"app"}]`), "loadBalancers" + later},
		{create, service(`"serviceRegistries":[{"registryArn":"x"}]`), "serviceRegistries" + later},
		{create, service(`"deploymentConfiguration":{"alarms":{"alarmNames":["a"],"enable":true}}`), "deploymentConfiguration.alarms" + later},
		{create, service(`"deploymentConfiguration":{"strategy":"BLUE_GREEN"}`), "deploymentConfiguration.strategy BLUE_GREEN is not supported by this version of Ballast yet; use ROLLING. See docs/compatibility.md."},
		{create, service(`"deploymentController":{"type":"CODE_DEPLOY"}`), "deploymentController.type CODE_DEPLOY is not supported by this version of Ballast yet; use ECS. See docs/compatibility.md."},
		{create, service(`"schedulingStrategy":"DAEMON"`), "schedulingStrategy DAEMON is not supported by this version of Ballast yet; use REPLICA. See docs/compatibility.md."},
		{create, service(`"launchType":"FARGATE"`), "launchType FARGATE is not supported by this version of Ballast yet; use EC2. See docs/compatibility.md."},
		{create, service(`"availabilityZoneRebalancing":"ENABLED"`), "availabilityZoneRebalancing ENABLED is not supported by this version of Ballast yet; use DISABLED. See docs/compatibility.md."},
		{create, service(`"placementConstraints":[{"type":"distinctInstance"}]`), "placementConstraints" + later},
		{create, service(`"placementStrategy":[{"type":"random"}]`), "placementStrategy" + later},
		{create, service(`"capacityProviderStrategy":[{"capacityProvider":"FARGATE"}]`), "capacityProviderStrategy" + later},
		{create, service(`"serviceConnectConfiguration":{"enabled":true}`), "serviceConnectConfiguration" + later},
		{create, service(`"volumeConfigurations":[{"name":"v"}]`), "volumeConfigurations" + later},
		{create, service(`"role":"r"`), "role" + later},
		{create, service(`"platformVersion":"LATEST"`), "platformVersion" + later},
		{update, `{"service":"front","deploymentConfiguration":{"lifecycleHooks":[{"hookTargetArn":"x"}]}}`, "deploymentConfiguration.lifecycleHooks" + later},
		{runTask, run(`"placementStrategy":[{"type":"random"}]`), "placementStrategy" + later},
		{runTask, run(`"enableExecuteCommand":true`), "enableExecuteCommand" + later},
		{runTask, run(`"overrides":{"taskRoleArn":"r"}`), "overrides.taskRoleArn" + later},
		{runTask, run(`"overrides":{"containerOverrides":[{"name":"app"},{"name":"app","resourceRequirements":[{"type":"GPU","value":"1"}]}]}`), "overrides.containerOverrides[1].resourceRequirements" + later},
		{"CreateCluster", `{"capacityProviders":["FARGATE"]}`, "capacityProviders" + later},
		{"CreateCluster", `{"configuration":{"executeCommandConfiguration":{"logging":"DEFAULT"}}}`, "configuration" + later},
		{"ListContainerInstances", `{"filter":"attribute:x exists"}`, "filter" + later},
		{"ListTasks", `{"daemonName":"d"}`, "daemonName" + later},
	}
	for _, test := range tests {
		t.Run(test.operation+" "+strings.Fields(test.want)[0], func(t *testing.T) {
			_, err := furnished(t).call(test.operation, test.request)
			if got := refusal(t, err); got != "InvalidParameterException: "+test.want {
				t.Errorf("got  %s\nwant InvalidParameterException: %s", got, test.want)
			}
		})
	}
}

// TestDefaultsPass sends members that are not served with the values that mean the default: SDKs and templates do.
func TestDefaultsPass(t *testing.T) {
	tests := []struct{ operation, request string }{
		{"RegisterTaskDefinition", container(`"privileged":false,"user":"","dependsOn":[],"dockerLabels":{},"mountPoints":[],"volumesFrom":[],"secrets":[],"linuxParameters":{"initProcessEnabled":false},"startTimeout":0`)},
		{"RegisterTaskDefinition", definition(`"volumes":[],"placementConstraints":[],"pidMode":"","runtimePlatform":{},"enableFaultInjection":false,"inferenceAccelerators":[],"cpu":"","memory":"","taskRoleArn":"","executionRoleArn":""`)},
		{"CreateService", service(`"loadBalancers":[],"serviceRegistries":[],"deploymentConfiguration":{"deploymentCircuitBreaker":{"enable":false,"rollback":false},"alarms":{"alarmNames":[],"enable":false,"rollback":false},"strategy":"ROLLING","bakeTimeInMinutes":0},"deploymentController":{"type":"ECS"},"healthCheckGracePeriodSeconds":0,"placementStrategy":[],"capacityProviderStrategy":[],"networkConfiguration":{},"serviceConnectConfiguration":{"enabled":false},"platformVersion":"","launchType":"EC2","availabilityZoneRebalancing":"DISABLED","schedulingStrategy":"REPLICA"`)},
		{"UpdateService", `{"service":"front","loadBalancers":[],"placementConstraints":[],"deploymentController":{"type":"ECS"}}`},
		{"RunTask", run(`"networkConfiguration":{"awsvpcConfiguration":{"subnets":[]}},"overrides":{"containerOverrides":[{}],"inferenceAcceleratorOverrides":[]},"launchType":"EC2"`)},
		{"CreateCluster", `{"clusterName":"x","capacityProviders":[],"defaultCapacityProviderStrategy":[],"configuration":{}}`},
	}
	for _, test := range tests {
		furnished(t).must(t, test.operation, test.request)
	}
}

func TestEnums(t *testing.T) {
	tests := []struct{ operation, request, want string }{
		{"RegisterTaskDefinition", definition(`"networkMode":"moon"`), "ClientException: networkMode moon should be one of [bridge,host,awsvpc,none]"},
		{"RegisterTaskDefinition", container(`"portMappings":[{"containerPort":80,"appProtocol":"HTTP"}]`), "ClientException: containerDefinitions[0].portMappings[0].appProtocol HTTP should be one of [http,http2,grpc]"},
		{"CreateService", service(`"propagateTags":"ALL"`), "InvalidParameterException: propagateTags ALL should be one of [TASK_DEFINITION,SERVICE,NONE]"},
		{"DescribeServices", `{"services":["front"],"include":["TAGS","EVENTS"]}`, "InvalidParameterException: include[1] EVENTS should be one of [TAGS]"},
		{"DescribeClusters", `{"include":["X"]}`, "InvalidParameterException: include[0] X should be one of [ATTACHMENTS,CONFIGURATIONS,SETTINGS,STATISTICS,TAGS]"},
		{"ListTasks", `{"desiredStatus":"DEAD"}`, "InvalidParameterException: desiredStatus DEAD should be one of [RUNNING,PENDING,STOPPED]"},
		{"ListTaskDefinitions", `{"sort":"UP"}`, "InvalidParameterException: sort UP should be one of [ASC,DESC]"},
	}
	for _, test := range tests {
		_, err := furnished(t).call(test.operation, test.request)
		if got := refusal(t, err); got != test.want {
			t.Errorf("%s %s:\ngot  %s\nwant %s", test.operation, test.request, got, test.want)
		}
	}
}
