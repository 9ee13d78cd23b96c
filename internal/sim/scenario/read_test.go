package scenario

import (
	"strings"
	"testing"
)

const small = `scenario: Small
until: 5m
instances:
  - {count: 2}
taskDefinitions:
  - family: web
    containerDefinitions:
      - {name: app, image: "app:1", memory: 64}
services:
  - {serviceName: web, taskDefinition: "web:1", desiredCount: 2}
behaviour:
  web:1: {startTime: 2s}
timeline:
  - at: 1m
    crash: {tasks: 1}
expect:
  - started = 1
`

// group gives target groups with one that has such members.
func group(members string) string {
	return "targetGroups:\n  - {TargetGroupArn: \"arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/web/0123456789abcdef\", " +
		members + "}\nservices:"
}

const registryArn = `Arn: "arn:aws:servicediscovery:us-east-1:000000000000:service/srv-0123456789abcdef"`

// registries gives service registries with one that has such members.
func registries(members string) string { return "serviceRegistries:\n  - {" + members + "}" }

// TestMistakes has each mistake be told with its line.
func TestMistakes(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{"scenario: Small\n", "scenario: Small\nscenarioo: x\n", `file.yaml:2: a scenario has no field "scenarioo"; it has begin, behaviour`},
		{"until: 5m", "until: 5 minutes", `file.yaml:2: want a duration such as 90s or 2m30s, not "5 minutes"`},
		{"until: 5m\n", "", `file.yaml:1: "until" is missing`},
		{"until: 5m", "until: 1m", "file.yaml:14: 1m0s is not before the end, 1m0s"},
		{"{count: 2}", "{count: 0}", `file.yaml:4: want a whole number from 1 to 200, not "0"`},
		{"{count: 2}", "{count: 2, zones: a}", `file.yaml:4: an instance has no field "zones"`},
		{"memory: 64", "memory: 64, memry: 1", `file.yaml:8: RegisterTaskDefinition: "containerDefinitions[0].memry" is nothing that the API knows`},
		{"memory: 64", "memory: big", "file.yaml:8: RegisterTaskDefinition: "},
		{`image: "app:1", `, "", ""}, // found by the API when it is played
		{"desiredCount: 2", "desiredCount: 2, desiredCount: 3", `file.yaml:10: "desiredCount" is there twice`},
		{"web:1: {startTime", "web:2: {startTime", `file.yaml:12: there is no task definition "web:2"; there are web:1`},
		{"web:1: {startTime", "web:1/side: {startTime", `file.yaml:12: task definition web:1 has no container "side"`},
		{"startTime: 2s", "startTime: soon", `file.yaml:12: want a duration such as 1.5s, not "soon"`},
		{"startTime: 2s", "health: well", `file.yaml:12: want healthy, unhealthy or hangs, not "well", not "well"`},
		{"startTime: 2s", "capacity: 9..1", `file.yaml:12: want requests a second such as 100 or 90..110, not "9..1"`},
		{"crash: {tasks: 1}", "explode: {tasks: 1}", `file.yaml:15: an event has no field "explode"`},
		{"crash: {tasks: 1}", "crash: {}", `file.yaml:15: crash: "tasks" is missing: how many, or all`},
		{"crash: {tasks: 1}", "crash: {tasks: 1, of: web:9}", `file.yaml:14: there is no task definition "web:9"`},
		{"crash: {tasks: 1}", "crash: {tasks: 1}\n    freeze: {tasks: 1}", "file.yaml:16: want one thing to happen, not both crash and freeze"},
		{"crash: {tasks: 1}", "loseInstances: {numbers: [3]}", "file.yaml:14: loseInstances: there is no such instance"},
		{"crash: {tasks: 1}", "dependencyDown: db", `file.yaml:14: no behaviour needs "db"`},
		{"crash: {tasks: 1}", `imageMissing: "ap:1"`, `file.yaml:14: no container has the image "ap:1"`},
		{"crash: {tasks: 1}", `imageBack: "app:1"`, ""},
		{"crash: {tasks: 1}", "raiseAlarm: errors", `file.yaml:14: no service names the alarm "errors"`},
		{"crash: {tasks: 1}", "UpdateService: {service: web, deploymentConfiguration: {alarms: {alarmNames: [errors], enable: true, rollback: true}}}\n" +
			"  - at: 2m\n    raiseAlarm: errors", ""},
		{"timeline:\n  - at: 1m\n    crash: {tasks: 1}\nexpect:\n  - ", "expect:\n  - since crash, ",
			`file.yaml:14: nothing is called "crash": nothing happens in the timeline`},
		{small, "", "file.yaml: it is empty"},
		{small, "# nothing", "file.yaml: it is empty"},
		{"until: 5m", "until: 9000h", "file.yaml:2: 9000h is more than 31 days"},
		{"crash: {tasks: 1}", "UpdateService: {servce: web}", `file.yaml:15: UpdateService: "servce" is nothing that the API knows`},
		{"crash: {tasks: 1}", "traffic: {service: db, rate: 1}", `file.yaml:15: service "db": want one of web`},
		{"started = 1", "started == 1", `file.yaml:17: "started == 1" is no expectation; see docs/simulate.md`},
		{"started = 1", "started from before = 0", ""},
		{"started = 1", `event "x" from before = 0`, "file.yaml:17: events are not of a revision, nor of tasks"},
		{"started = 1", "restarts from before = 0", "file.yaml:17: restarts is counted over the whole scenario"},
		{"started = 1", "max speed = 1", `file.yaml:17: there is no "speed"; there are desired, healthy`},
		{"started = 1", "fallen = 1", `file.yaml:17: there is no "fallen"; there are started`},
		{"started = 1", "since lunch, started = 1", `file.yaml:17: nothing is called "lunch"; there are crash`},
		{"started = 1", "since crash, restarts = 1", "file.yaml:17: restarts is counted over the whole scenario"},
		{"started = 1", "finally healthy of db:1 = 1", `file.yaml:17: there is no task definition "db:1"`},
		{"- {count: 2}", "- &a {count: 2}\n  - *a", "file.yaml:4: anchors and aliases are not taken"},
		{"until: 5m", "until: [", "file.yaml:"},
		{"desiredCount: 2", "desiredCount: 2, loadBalancers: [{targetGroupArn: x, containerName: app, containerPort: 80}]",
			`file.yaml:10: there is no target group "x" in targetGroups`},
		{"services:", "targetGroups:\n  - {TargetGroupArn: web}\nservices:", "file.yaml:10: TargetGroupArn: want an ARN such as arn:aws:elastic"},
		{"services:", group("HealthCheckIntervalSeconds: 4"), `file.yaml:10: want a whole number from 5 to 300, not "4"`},
		{"services:", group("HealthCheckIntervalSeconds: 10, HealthCheckTimeoutSeconds: 10"), "file.yaml:10: Health check interval must be greater"},
		{"services:", group("Matcher: {HttpCode: 600}"), `file.yaml:10: matcher "600": 600 is not between 200 and 499`},
		{"services:", group("Name: web"), `file.yaml:10: a target group has no field "Name"; it has HealthCheckInterval`},
		{"startTime: 2s", "answers: 20", `file.yaml:12: answers: want a code, refused or silent, not "20"`},
		{"startTime: 2s", `answers: "200@5s"`, `file.yaml:12: answers: "200@5s": want the first without a time`},
		{"startTime: 2s", `answers: "200,503@5s,200@5s"`, `file.yaml:12: answers: "200,503@5s,200@5s": want the first without a time`},
		{"crash: {tasks: 1}", "stopDeployment: {service: db}", `file.yaml:15: service "db": want one of web`},
		{"started = 1", "finally service deployment = DONE", "file.yaml:17: service deployments are never DONE"},
		{"crash: {tasks: 1}", "cutTargets: {numbers: [3]}", "file.yaml:14: cutTargets: there is no such instance"},
		{"- started = 1\n", "- started = 1\n---\nmore: 1\n", "file.yaml:18: want one document in a file"},
		{"services:", registries("Arn: srv-1") + "\nservices:", "file.yaml:10: Arn: want one such as arn:aws:servicediscovery:"},
		{"services:", registries(registryArn+", HealthCheckConfig: {FailureThreshold: 11}") + "\nservices:",
			`file.yaml:10: want a whole number from 1 to 10, not "11"`},
		{"services:", registries(registryArn+"}\n  - {"+registryArn) + "\nservices:", "file.yaml:11: service registry arn:"},
		{"services:", registries(registryArn+", Name: web") + "\nservices:", `file.yaml:10: a service registry has no field "Name"`},
		{"desiredCount: 2", "desiredCount: 2, serviceRegistries: [{registryArn: x}]",
			`file.yaml:10: there is no service registry "x" in serviceRegistries`},
	} {
		if !strings.Contains(small, c.old) {
			t.Fatalf("%q is not there", c.old)
		}
		_, err := Parse("file.yaml", []byte(strings.Replace(small, c.old, c.new, 1)))
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%q: %v", c.new, err)
		case c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want)):
			t.Errorf("%q:\ngot  %v\nwant %s", c.new, err, c.want)
		}
	}
}

// TestRefusals has what the API refuses, or what cannot be done at that moment, be told with its line.
func TestRefusals(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{`image: "app:1", `, "", "file.yaml:6: ClientException: Container.image should not be null or empty."},
		{"desiredCount: 2", "desiredCount: 20000", "file.yaml:10: InvalidParameterException: desiredCount must be between 0 and 5000."},
		{"crash: {tasks: 1}", "crash: {tasks: 3}", "file.yaml:15: at this moment 2 such tasks run, not 3"},
		{"crash: {tasks: 1}", "stopDeployment: {stopType: ABORT}",
			"file.yaml:15: InvalidParameterException: stopType ABORT is not supported by this version of Ballast yet; use ROLLBACK. See docs/compatibility.md."},
		{"crash: {tasks: 1}", "stopDeployment: {stopType: SOON}",
			"file.yaml:15: InvalidParameterException: stopType SOON should be one of [ABORT,ROLLBACK]"},
		{"crash: {tasks: 1}", "stopDeployment: {}", "file.yaml:15: ConflictException: "},
		{"crash: {tasks: 1}", "UpdateService: {service: db}", "file.yaml:15: ServiceNotFoundException: Service not found."},
		{"services:\n  - {", group("HealthCheckIntervalSeconds: 10") + "\n  - {loadBalancers: [{targetGroupArn: \"arn:aws:elasticloadbalancing:us-east-1:" +
			"000000000000:targetgroup/web/0123456789abcdef\", containerName: app, containerPort: 80}], ",
			"file.yaml:12: InvalidParameterException: The container app did not have a container port 80 defined."},
		{"memory: 64", "memory: 64000", `file.yaml: the services are not steady within 1h0m0s (web: 2 tasks wait until 1:13:10.0: none of the last 8 waves`},
	} {
		s, err := Parse("file.yaml", []byte(strings.Replace(small, c.old, c.new, 1)))
		if err != nil {
			t.Errorf("%q: %v", c.new, err)
			continue
		}
		if _, err := s.Play(Options{}); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%q:\ngot  %v\nwant %s", c.new, err, c.want)
		}
	}
}

// FuzzParse sees that no file brings the parser down.
func FuzzParse(f *testing.F) {
	f.Add([]byte(small))
	f.Add([]byte("scenario: [1, {a: &b c}]"))
	f.Add([]byte("- at: 1e99\n..."))
	f.Fuzz(func(t *testing.T, body []byte) {
		s, err := Parse("file.yaml", body)
		if (s == nil) == (err == nil) {
			t.Errorf("scenario %v and error %v", s != nil, err)
		}
	})
}
