"""Walks the ECS API as a boto3 user does, waiters and paginators included. Prints one line a step; any surprise is an exception."""
import json
import sys
import time

import boto3
from botocore.exceptions import ClientError

endpoint, folder = sys.argv[1], sys.argv[2]
access = dict(region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
ecs = boto3.client("ecs", endpoint_url=endpoint, **access)
sts = boto3.client("sts", endpoint_url=endpoint, **access)
logs = boto3.client("logs", endpoint_url=endpoint, **access)


def step(name):
    print(name, flush=True)


def refused(code, call, **kwargs):
    try:
        call(**kwargs)
    except ClientError as e:
        assert e.response["Error"]["Code"] == code, e
        assert e.response["Error"]["Message"], e
        assert e.response["ResponseMetadata"]["RequestId"], e
        return e.response["Error"]["Message"]
    raise AssertionError(f"{call} {kwargs} was not refused")


step("identity")
assert sts.get_caller_identity()["Account"] == "000000000000"

step("clusters")
arn = ecs.create_cluster(clusterName="boto")["cluster"]["clusterArn"]
assert arn == "arn:aws:ecs:us-east-1:000000000000:cluster/boto", arn
assert arn in [a for page in ecs.get_paginator("list_clusters").paginate() for a in page["clusterArns"]]
described = ecs.describe_clusters(clusters=["boto", "nowhere"])
assert described["clusters"][0]["status"] == "ACTIVE" and described["failures"][0]["reason"] == "MISSING", described

step("task definition")
definition = json.load(open(folder + "/task-definition.json"))
first = ecs.register_task_definition(**definition)["taskDefinition"]
again = ecs.describe_task_definition(taskDefinition=definition["family"])["taskDefinition"]
assert first["taskDefinitionArn"] == again["taskDefinitionArn"] and first["status"] == "ACTIVE"
assert again["containerDefinitions"][0]["name"] == definition["containerDefinitions"][0]["name"]
refused("ClientException", ecs.describe_task_definition, taskDefinition="no-such-family")
refused("InvalidParameterException", ecs.register_task_definition, family="x", containerDefinitions=[
    dict(name="x", image="x", memory=16, resourceRequirements=[dict(type="GPU", value="1")])])
wide = dict(name="x", image="x", memory=16, user="1000", readonlyRootFilesystem=True, dockerLabels=dict(a="b"),
            mountPoints=[dict(sourceVolume="data", containerPath="/data", readOnly=True)],
            ulimits=[dict(name="nofile", softLimit=1024, hardLimit=2048)],
            linuxParameters=dict(capabilities=dict(drop=["ALL"]), maxSwap=0, tmpfs=[dict(containerPath="/run", size=16)]),
            secrets=[dict(name="KEY", valueFrom="arn:aws:ssm:us-east-1:000000000000:parameter/key")],
            logConfiguration=dict(logDriver="awslogs", options={"awslogs-group": "x", "awslogs-region": "us-east-1"}))
volumes = [dict(name="data", host=dict(sourcePath="/srv/data"))]
shown = ecs.register_task_definition(family="wide", networkMode="awsvpc", executionRoleArn="x", volumes=volumes,
                                     containerDefinitions=[wide])["taskDefinition"]
assert shown["volumes"] == volumes and shown["networkMode"] == "awsvpc", shown
assert {k: shown["containerDefinitions"][0][k] for k in wide} == wide, shown
message = refused("ClientException", ecs.register_task_definition, family="wide", containerDefinitions=[wide])
assert message == "Unknown volume 'data'.", message

step("service and its waiter")
service = json.load(open(folder + "/service.json"))
service.update(serviceName="boto", taskDefinition=definition["family"], desiredCount=2,
               tags=[dict(key="ballast:healthy-after", value="0s")])
created = ecs.create_service(**service)["service"]
assert created["status"] == "ACTIVE" and created["deployments"][0]["rolloutState"] == "IN_PROGRESS", created
ecs.get_waiter("services_stable").wait(services=["boto"], WaiterConfig=dict(Delay=1, MaxAttempts=120))
shown = ecs.describe_services(services=["boto"], include=["TAGS"])["services"][0]
assert shown["runningCount"] == 2 and shown["tags"], shown
assert created["serviceArn"] in ecs.list_services()["serviceArns"]

step("tasks of the service")
arns = ecs.list_tasks(serviceName="boto")["taskArns"]
assert len(arns) == 2, arns
tasks = ecs.describe_tasks(tasks=arns)["tasks"]
assert all(t["lastStatus"] == "RUNNING" and t["group"] == "service:boto" and t["startedBy"].startswith("ecs-svc/") for t in tasks), tasks
assert all(t["containers"][0]["networkBindings"][0]["hostPort"] for t in tasks), tasks
instances = ecs.list_container_instances()["containerInstanceArns"]
assert tasks[0]["containerInstanceArn"] in instances
held = ecs.describe_container_instances(containerInstances=instances)["containerInstances"][0]
assert held["agentConnected"] and held["runningTasksCount"] >= 2, held

step("roll")
ecs.register_task_definition(**definition)
ecs.update_service(service="boto", taskDefinition=definition["family"])
ecs.get_waiter("services_stable").wait(services=["boto"], WaiterConfig=dict(Delay=1, MaxAttempts=120))
for _ in range(1200):  # the waiter looks at counts only; the checks of the containers take longer
    shown = ecs.describe_services(services=["boto"])["services"][0]
    if shown["deployments"][0]["rolloutState"] == "COMPLETED":
        break
    time.sleep(0.1)
assert shown["taskDefinition"].endswith(":" + str(first["revision"] + 1)), shown
assert any("has reached a steady state." in e["message"] for e in shown["events"]), shown

if hasattr(ecs, "list_service_deployments"):  # since botocore 1.35.50
    step("service deployments")
    pages = ecs.get_paginator("list_service_deployments").paginate(service="boto", PaginationConfig=dict(PageSize=1)) \
        if ecs.can_paginate("list_service_deployments") else [ecs.list_service_deployments(service="boto")]
    history = [d for page in pages for d in page["serviceDeployments"]]
    assert [d["status"] for d in history] == ["SUCCESSFUL", "SUCCESSFUL"], history
    assert history[0]["serviceDeploymentArn"] == shown["currentServiceDeployment"], shown
    told = ecs.describe_service_deployments(serviceDeploymentArns=[d["serviceDeploymentArn"] for d in history])["serviceDeployments"]
    assert told[0]["targetServiceRevision"]["runningTaskCount"] == 2 and told[0]["finishedAt"] >= told[0]["startedAt"], told
    assert told[0]["sourceServiceRevisions"][0]["arn"] == told[1]["targetServiceRevision"]["arn"], told
    revision = ecs.describe_service_revisions(serviceRevisionArns=[told[0]["targetServiceRevision"]["arn"]])["serviceRevisions"][0]
    assert revision["taskDefinition"] == shown["taskDefinition"] and revision["containerImages"], revision
    assert not ecs.list_service_deployments(service="boto", status=["STOPPED"])["serviceDeployments"]
    assert not ecs.list_service_deployments(service="boto", createdAt=dict(after=history[0]["createdAt"]))["serviceDeployments"]
    refused("ConflictException", ecs.stop_service_deployment, serviceDeploymentArn=history[0]["serviceDeploymentArn"])

step("run, wait, stop, wait")
ran = ecs.run_task(taskDefinition=definition["family"], count=2, startedBy="boto")
arns = [t["taskArn"] for t in ran["tasks"]]
assert len(arns) == 2 and not ran["failures"], ran
ecs.get_waiter("tasks_running").wait(tasks=arns, WaiterConfig=dict(Delay=1, MaxAttempts=120))
stopped = ecs.stop_task(task=arns[0], reason="enough")["task"]
assert stopped["stopCode"] == "UserInitiated" and stopped["desiredStatus"] == "STOPPED", stopped
ecs.stop_task(task=arns[1])
ecs.get_waiter("tasks_stopped").wait(tasks=arns, WaiterConfig=dict(Delay=1, MaxAttempts=120))
over = ecs.describe_tasks(tasks=arns)["tasks"]
assert [t["stoppedReason"] for t in over] == ["enough", "Task stopped by user"], over
assert all("exitCode" in t["containers"][0] and t["stoppedAt"] >= t["startedAt"] for t in over), over

step("logs")
groups = [g for page in logs.get_paginator("describe_log_groups").paginate(PaginationConfig=dict(PageSize=1)) for g in page["logGroups"]]
assert [g["logGroupName"] for g in groups] == ["/ballast/boto", "/ballast/default", "x"], groups
group = groups[1]["logGroupName"]
streams = [s for page in logs.get_paginator("describe_log_streams").paginate(
    logGroupName=group, orderBy="LastEventTime", descending=True, PaginationConfig=dict(PageSize=2)) for s in page["logStreams"]]
names = [s["logStreamName"] for s in streams]
assert len(names) == len(set(names)) >= 6, names
newest = [s.get("lastEventTimestamp", 0) for s in streams]  # a task that was stopped soon may have said nothing
assert newest == sorted(newest, reverse=True) and max(newest) > 0, streams
events = [e for page in logs.get_paginator("filter_log_events").paginate(
    logGroupName=group, logStreamNamePrefix="boto/", interleaved=True, PaginationConfig=dict(PageSize=3)) for e in page["events"]]
said = {s["logStreamName"] for s in streams if s["logStreamName"].startswith("boto/") and "lastEventTimestamp" in s}
assert {e["logStreamName"] for e in events} == said != set(), (events, streams)
assert [e["timestamp"] for e in events] == sorted(e["timestamp"] for e in events), events
assert len({e["eventId"] for e in events}) == len(events), events
one = logs.get_log_events(logGroupName=group, logStreamName=events[0]["logStreamName"], startFromHead=True)
assert one["events"][0]["message"] == events[0]["message"], one
assert not logs.get_log_events(logGroupName=group, logStreamName=events[0]["logStreamName"], nextToken=one["nextForwardToken"])["events"]
refused("ResourceNotFoundException", logs.filter_log_events, logGroupName="/ballast/nowhere")
refused("UnknownOperationException", logs.create_log_group, logGroupName="/mine")

step("delete and its waiter")
refused("InvalidParameterException", ecs.delete_service, service="boto")
assert ecs.delete_service(service="boto", force=True)["service"]["status"] == "DRAINING"
ecs.get_waiter("services_inactive").wait(services=["boto"], WaiterConfig=dict(Delay=1, MaxAttempts=120))
refused("ServiceNotActiveException", ecs.update_service, service="boto", desiredCount=1)

step("refusals")
refused("ClusterNotFoundException", ecs.list_tasks, cluster="nowhere")
refused("ServiceNotFoundException", ecs.update_service, service="nowhere", desiredCount=1)
refused("InvalidParameterException", ecs.stop_task, task="00000000000000000000000000000000")
message = refused("InvalidParameterException", ecs.create_service, serviceName="lb", taskDefinition=definition["family"], desiredCount=1,
                  loadBalancers=[dict(containerName="x", containerPort=1, targetGroupArn="arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/x/1")])
assert "loadBalancers" in message, message
assert refused("UnknownOperationException", ecs.list_attributes, targetType="container-instance")
print("done")
