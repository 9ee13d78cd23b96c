package ecs

import (
	"maps"
	"strings"
)

// table says which members of an operation's input are served, by path: "tags[].key" is the key of each tag. Members that are
// not listed are refused when they are set to anything but their default.
type table map[string]rule

// rule is how far Ballast goes with a member.
type rule struct {
	only   []string // the values served, nil for all
	note   string   // for docs/compatibility.md
	partly bool     // it works, as far as the note says
	itself bool     // the operation itself refuses values that no version of the API knows
}

// within says whether the table lists anything below path.
func (t table) within(path string) bool {
	for p := range t {
		if strings.HasPrefix(p, path+".") {
			return true
		}
	}
	return false
}

var works = rule{}

// kept is for names of things outside Ballast's world and for what has no effect yet but is shown again.
func kept(note string) rule { return rule{note: note} }

// partly is for members that work in part; the operation itself refuses the rest.
func partly(note string) rule { return rule{note: note, partly: true} }

// itself is for enums whose unknown values ECS refuses in words of their own.
var itself = rule{itself: true}

// only is for members of which some values are served.
func only(values ...string) rule { return rule{only: values} }

// and puts tables together.
func and(tables ...table) table {
	all := table{}
	for _, t := range tables {
		maps.Copy(all, t)
	}
	return all
}

// longFormat is for the names of account settings.
var longFormat = only("serviceLongArnFormat", "taskLongArnFormat", "containerInstanceLongArnFormat")

var (
	tagFields     = table{"tags[].key": works, "tags[].value": works}
	settingFields = table{"settings[].name": works, "settings[].value": only("disabled")}
	pageFields    = table{"maxResults": works, "nextToken": works}
	percent       = table{
		"deploymentConfiguration.minimumHealthyPercent": works,
		"deploymentConfiguration.maximumPercent":        works,
		"deploymentConfiguration.strategy":              only("ROLLING"),
		"deploymentController.type":                     only("ECS"),
		"availabilityZoneRebalancing":                   only("DISABLED"),
	}
)

// reference is what referenceId comes to: it is part of no answer, so nothing is kept of it.
var reference = kept("checked for length; no answer of ECS shows it")

// overrideFields are the members of the overrides of a task.
var overrideFields = table{
	"overrides.cpu":                                           works,
	"overrides.memory":                                        works,
	"overrides.containerOverrides[].name":                     works,
	"overrides.containerOverrides[].command[]":                works,
	"overrides.containerOverrides[].environment[].name":       works,
	"overrides.containerOverrides[].environment[].value":      works,
	"overrides.containerOverrides[].environmentFiles[].type":  works,
	"overrides.containerOverrides[].environmentFiles[].value": works,
	"overrides.containerOverrides[].cpu":                      works,
	"overrides.containerOverrides[].memory":                   works,
	"overrides.containerOverrides[].memoryReservation":        works,
}

// served has the table of every operation that is served.
var served = map[string]table{
	"CreateCluster": and(tagFields, table{
		"clusterName": works,
	}, settingFields),
	"DescribeClusters": {"clusters[]": works, "include[]": works},
	"ListClusters":     pageFields,

	"UpdateCluster":         and(settingFields, table{"cluster": works}),
	"UpdateClusterSettings": and(settingFields, table{"cluster": works}),
	"DeleteCluster":         {"cluster": works},

	"DeregisterTaskDefinition":   {"taskDefinition": works},
	"DeleteTaskDefinitions":      {"taskDefinitions[]": works},
	"ListTaskDefinitionFamilies": and(pageFields, table{"familyPrefix": works, "status": works}),

	"RegisterTaskDefinition": and(tagFields, definitionFields),
	"DescribeTaskDefinition": {"taskDefinition": works, "include[]": works},
	"ListTaskDefinitions":    and(pageFields, table{"familyPrefix": works, "status": works, "sort": works}),

	"CreateService": and(tagFields, percent, breakerFields, earlyFields, alarmFields, balancerFields, registryFields, networkFields, table{
		"cluster":            works,
		"serviceName":        works,
		"taskDefinition":     works,
		"desiredCount":       works,
		"clientToken":        works,
		"launchType":         only("EC2"),
		"schedulingStrategy": only("REPLICA"),

		"healthCheckGracePeriodSeconds": works,

		"propagateTags":        works,
		"enableECSManagedTags": works,
	}),
	"DescribeServices": {"cluster": works, "services[]": works, "include[]": works},
	"UpdateService": and(percent, breakerFields, earlyFields, alarmFields, networkFields, table{
		"cluster":              works,
		"service":              works,
		"taskDefinition":       works,
		"desiredCount":         works,
		"forceNewDeployment":   works,
		"propagateTags":        works,
		"enableECSManagedTags": works,

		"healthCheckGracePeriodSeconds": works,
	}),
	"ListServices": and(pageFields, table{"cluster": works, "launchType": works, "schedulingStrategy": works,
		"resourceManagementType": works}),
	"DeleteService": {"cluster": works, "service": works, "force": works},

	"ListServiceDeployments": and(pageFields, table{"cluster": works, "service": works, "status[]": works,
		"createdAt.after": works, "createdAt.before": works}),
	"DescribeServiceDeployments": {"serviceDeploymentArns[]": works},
	"DescribeServiceRevisions":   {"serviceRevisionArns[]": works},
	"StopServiceDeployment":      {"serviceDeploymentArn": works, "stopType": only("ROLLBACK")},

	"RunTask": and(tagFields, overrideFields, networkFields, table{
		"cluster":              works,
		"taskDefinition":       works,
		"count":                works,
		"launchType":           only("EC2"),
		"group":                works,
		"startedBy":            works,
		"clientToken":          works,
		"propagateTags":        works,
		"enableECSManagedTags": works,
		"referenceId":          reference,
	}),
	"StartTask": and(tagFields, overrideFields, networkFields, table{
		"cluster":              works,
		"taskDefinition":       works,
		"containerInstances[]": works,
		"group":                works,
		"startedBy":            works,
		"propagateTags":        works,
		"enableECSManagedTags": works,
		"referenceId":          reference,
	}),
	"StopTask":      {"cluster": works, "task": works, "reason": works},
	"DescribeTasks": {"cluster": works, "tasks[]": works, "include[]": works},
	"ListTasks": and(pageFields, table{"cluster": works, "containerInstance": works, "desiredStatus": works, "family": works,
		"launchType": works, "serviceName": works, "startedBy": works}),

	"GetTaskProtection":    {"cluster": works, "tasks[]": works},
	"UpdateTaskProtection": {"cluster": works, "tasks[]": works, "protectionEnabled": works, "expiresInMinutes": works},

	"TagResource":         and(tagFields, table{"resourceArn": works}),
	"UntagResource":       {"resourceArn": works, "tagKeys[]": works},
	"ListTagsForResource": {"resourceArn": works},

	"ListAccountSettings": and(pageFields, table{"name": longFormat, "value": works, "effectiveSettings": works,
		"principalArn": kept("the settings are the same for every principal")}),
	"PutAccountSetting": {"name": longFormat, "value": only("enabled"),
		"principalArn": kept("the settings are the same for every principal")},
	"PutAccountSettingDefault": {"name": longFormat, "value": only("enabled")},
	"DeleteAccountSetting":     {"name": longFormat, "principalArn": kept("the settings are the same for every principal")},

	"DescribeContainerInstances": {"cluster": works, "containerInstances[]": works, "include[]": works},
	"ListContainerInstances":     and(pageFields, table{"cluster": works, "status": works}),

	"DeregisterContainerInstance": {"cluster": works, "containerInstance": works, "force": works},
}
