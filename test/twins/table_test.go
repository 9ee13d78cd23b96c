package twins

import "time"

// twins are the scenarios of the articles that can be played without a load balancer.
var twins = []*twin{
	// "A deep dive into Amazon ECS task health and task replacement".
	{
		file: "crashing",
		// A replacement runs within milliseconds of the crash, sooner than the next of the four has crashed.
		live: map[string]string{"min running = 4": "min running >= 4", "since crash, started at = 0s": "since crash, started = 4",
			"since crash, steady after = 42s": `since crash, event "has reached a steady state" seen`},
		also: []string{"min running <= 7", "finally running = 8"},
	},
	{
		file: "frozen",
		held: map[string]hold{"freeze": {"web:1", []string{"max unhealthy = 4", "finally running = 12"}}},
	},
	{
		file:   "overburdened",
		before: map[string][]string{scaling: {"started = 4", "max unhealthy = 8", "finally running = 12"}},
		held:   map[string]hold{"traffic": {"web:1", []string{"since scaling, started = 3"}}},
		// What is started for the two that the rule adds comes to RUNNING sooner than in the scenario; of what is too much then, some may
		// come to an end before that.
		live: map[string]string{"max running = 12": "max running >= 14", "cancelled = 3": "", "stopped = 5": "stopped >= 5",
			`event "has stopped 2 running tasks" = 1`: ""},
		unsaid: []string{"stopped pending tasks."},
	},
	{
		file:   "limited-maximum",
		before: map[string][]string{"two": {"started = 1", "finally healthy = 8"}},
		held:   map[string]hold{"two": {"web:1", []string{"since two, started = 1", "since two, max unhealthy = 1"}}},
	},
	{
		file:   "failure-in-rollout",
		before: map[string][]string{"freeze": {"finally running of web:2 = 4"}},
		held: map[string]hold{"deploy": {"web:2", []string{`stopped "Task failed container health checks" of web:1 = 3`,
			"finally running of web:2 = 7"}}},
	},
	{
		file:   "failure-in-rollout-2026",
		before: map[string][]string{"freeze": {"finally running of web:2 = 8"}},
		held:   map[string]hold{"deploy": {"web:2", []string{`stopped "Task failed container health checks" of web:1 = 3`}}},
	},
	{
		file: "external-failure",
		before: map[string][]string{
			"dependencyUp": {`stopped "Task failed container health checks" >= 8`, "max unhealthy = 8", "max running = 12"},
		},
		live: map[string]string{
			"until dependencyUp, started = 144":                                       "until dependencyUp, started >= 8",
			`until dependencyUp, stopped "Task failed container health checks" = 140`: "",
			"restarts = 144": "restarts >= 8",
		},
		also: calm,
	},
	{
		file: "runaway", weak: 2, unsaid: []string{"stopped pending tasks."},
		// Whether the two have recovered when healthy ones are there in their places is a matter of which check comes first.
		live:   map[string]string{`stopped "Task failed container health checks" = 0`: `stopped "Task failed container health checks" <= 2`},
		before: map[string][]string{scaling: {"started = 2", "max unhealthy = 2", "finally running = 10"}},
		held:   map[string]hold{"traffic": {"web:1", []string{"since scaling, started = 3"}}},
	},
	// "AWS ECS Restart Loops": the causes of loops.
	{
		file: "capacity-missing",
		before: map[string][]string{"fix": {`event "is unable to consistently start tasks successfully" = 1`,
			`event "has insufficient memory available" = 1`}},
		live: map[string]string{"since fix, steady after = 43s": `since fix, event "has reached a steady state" seen`},
	},
	{
		file: "exit-loop", hurry: 60, tags: [][2]string{{"ballast:healthy-after", "5s"}},
		live: map[string]string{
			`exited "Essential container in task exited" = 224`: `exited "Essential container in task exited" >= 10`,
			"started = 226": "", "restarts = 224": "restarts >= 10", "imagePulls = 226": "",
		},
	},
	{
		file: "breaker-exits", hurry: 10, tags: [][2]string{{"ballast:healthy-after", "2s"}},
		live: map[string]string{"exited of web:2 = 576": "exited of web:2 >= 12"},
	},
	{
		file: "faulty-check",
		live: map[string]string{
			"started of web:2 = 216": "started of web:2 >= 6",
			`stopped "Task failed container health checks" of web:2 = 214`: `stopped "Task failed container health checks" of web:2 >= 4`,
			"restarts = 214": "restarts >= 4",
		},
	},
	{
		file: "memory-leak", hurry: 1200,
		live: map[string]string{
			`exited "Essential container in task exited" = 9`: `exited "Essential container in task exited" >= 9`,
			"restarts = 9":    "restarts >= 9",
			"min running = 0": "min running <= 2",
			"started at = 39m19s, 1h19m21s, 1h59m23s": "",
		},
	},
	{
		file: "desired-zero", hurry: 20, tags: [][2]string{{"ballast:healthy-after", "5s"}},
		before: map[string][]string{"zero": {"exited >= 9"}},
		live: map[string]string{
			"until zero, started = 84":    "until zero, started >= 9",
			"until zero, exited = 81":     "",
			"since zero, max running = 3": "since zero, max running <= 3",
		},
	},
	{
		// After the waves that are waited for, the next comes when the tasks are healthy again.
		file: "environment", tags: [][2]string{{"ballast:throttle-base", "1s"}, {"ballast:throttle-max", "30s"}},
		before: map[string][]string{"imageBack": {"max unhealthy = 4", "failed >= 13"}},
		live: map[string]string{
			"since change, started at = 19s, 1m19s, 4m19s, 13m19s": "",
			"failed = 20":                   `failed "Task failed to start" >= 13`,
			"since back, steady after = 9s": `since back, event "has reached a steady state" seen`,
		},
	},
	// "Service throttle logic", in seconds instead of minutes. The first wave is tried again at once, with one task where the other has not
	// failed yet: one failure less than in the scenario is as good.
	{
		file: "throttle", tags: inSeconds,
		before: map[string][]string{"good": {"failed of web:2 >= 9"}},
		live: map[string]string{
			"since bad until good, started of web:2 at = 0s, 1m, 4m, 13m, 28m, 43m, 58m, 1h13m": "",
			"until good, failed of web:2 = 18":                                                  "until good, failed of web:2 <= 10",
			`since bad, event "is unable to consistently start tasks successfully" after = 0s`:  "",
			"since good, started of web:3 at = 0s":                                              "",
			"since good, steady after = 43s":                                                    "",
		},
		wavesOf: "web:2", waves: []time.Duration{2 * time.Second, 6 * time.Second, 18 * time.Second},
		also: []string{"since good, started of web:3 = 2"},
	},
	{
		file: "throttle-force", tags: inSeconds,
		before: map[string][]string{"force": {"failed of web:2 >= 7"}},
		live: map[string]string{
			"since deploy until force, started of web:2 at = 0s, 1m, 4m": "until force, failed of web:2 <= 8",
			"since force, started of web:2 at = 6m, 21m":                 "",
			"since force, failed of web:2 = 4":                           "since force, started of web:2 = 2",
		},
		wavesOf: "web:2", waves: []time.Duration{2 * time.Second, 6 * time.Second, 18 * time.Second},
	},
	{
		file: "throttle-image-back", tags: inSeconds,
		before: map[string][]string{
			"imageBack": {"failed of web:2 >= 7"},
			"crash":     {"finally healthy of web:2 = 2", "finally tasks of web:1 = 0"},
		},
		live: map[string]string{
			"since deploy until crash, started of web:2 at = 0s, 1m, 4m, 13m": "",
			"until imageBack, failed of web:2 = 8":                            "until imageBack, failed of web:2 <= 8",
			"since deploy until crash, steady after = 13m43s":                 "",
			"since crash, started of web:2 at = 0s":                           "since crash, started of web:2 = 1",
		},
		wavesOf: "web:2", waves: []time.Duration{2 * time.Second, 6 * time.Second, 18 * time.Second},
	},
}

// inSeconds has the throttle wait a second where it does half a minute: long enough for all tasks of a wave to have failed before the next.
var inSeconds = [][2]string{{"ballast:throttle-base", "2s"}, {"ballast:throttle-max", "30s"}}
