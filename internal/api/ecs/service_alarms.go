package ecs

import (
	"reflect"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/internal/ecs"
)

// whereAlarms says where deployment alarms are served: they need somebody who evaluates alarms.
const whereAlarms = "in `ballast simulate` only; refused by servers, which know of no alarms yet"

// alarmFields are the members of deployment alarms.
var alarmFields = table{
	"deploymentConfiguration.alarms.alarmNames[]": partly(whereAlarms),
	"deploymentConfiguration.alarms.enable":       partly(whereAlarms),
	"deploymentConfiguration.alarms.rollback":     partly(whereAlarms),
}

// mostAlarms bounds the alarms of a service.
const mostAlarms = 100

// alarmsOf gives the alarms that a deployment configuration asks for, nil where it says nothing of them.
func (a *API) alarmsOf(c *types.DeploymentConfiguration) (*ecs.DeploymentAlarms, error) {
	if c == nil || c.Alarms == nil {
		return nil, nil
	}
	in := c.Alarms
	switch {
	case !a.alarms && isDefault(reflect.ValueOf(*in)):
		return nil, nil
	case !a.alarms:
		return nil, notYet("deploymentConfiguration.alarms")
	case in.Enable && len(in.AlarmNames) == 0:
		return nil, ecs.Errorf(ecs.InvalidParameterException, "alarms that are enabled need alarmNames.")
	case len(in.AlarmNames) > mostAlarms:
		return nil, ecs.Errorf(ecs.InvalidParameterException, "alarmNames can have at most %d items.", mostAlarms)
	}
	return &ecs.DeploymentAlarms{Enabled: in.Enable, Rollback: in.Rollback, Names: in.AlarmNames}, nil
}

// showAlarms gives alarms as they were asked for, nil where nothing was said of them.
func showAlarms(a *ecs.DeploymentAlarms) *types.DeploymentAlarms {
	if a == nil {
		return nil
	}
	return &types.DeploymentAlarms{AlarmNames: a.Names, Enable: a.Enabled, Rollback: a.Rollback}
}

// showAlarmWatch gives what the alarms of a service deployment do, or came to.
func showAlarmWatch(s *ecs.Service, d *ecs.ServiceDeployment, a *ecs.DeploymentAlarms) *types.ServiceDeploymentAlarms {
	shown := &types.ServiceDeploymentAlarms{Status: types.ServiceDeploymentRollbackMonitorsStatusDisabled}
	if a == nil {
		return shown
	}
	shown.AlarmNames = a.Names
	switch {
	case !a.Enabled, d.Watch == nil && len(s.Deployments) > 0 && s.Deployments[0].Unwatched:
	case d.Watch == nil:
		shown.Status = types.ServiceDeploymentRollbackMonitorsStatusMonitoring
	case len(d.Watch.Raised) > 0:
		shown.Status, shown.TriggeredAlarmNames = types.ServiceDeploymentRollbackMonitorsStatusTriggered, d.Watch.Raised
	default:
		shown.Status = types.ServiceDeploymentRollbackMonitorsStatusMonitoringComplete
	}
	return shown
}
