"""The AWS module deployed to an emulator on loopback: applied, run by its schedule, inspected, and destroyed."""

from __future__ import annotations

import json
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from demo.lambda_runtime.target import HERE
from demo.processes import Process, start_standin
from helseid_fn.keys.endorsement import endorse
from helseid_fn.keys.generate import generate_jwk
from helseid_fn.keys.signing_key import parse_signing_key
from infra.lambda_zip import build
from tests.deployment import aws_command
from tests.deployment.aws_provider import own_copy
from tests.deployment.ministack import ACCOUNT, REGION, Aws
from tests.deployment.workspace import Refused, Workspace, Workspaces

SCHEDULE_SECONDS = 150.0
EVERYTHING = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
BUCKET = f"helseid-fn-results-{ACCOUNT}"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/helseid-fn"

# The emulator lacks saved queries and its own rotations (the tests do what Secrets Manager would). Its `aws:PrincipalArn` is
# a role's session; on AWS it is the role. It has no `lambda:SourceFunctionArn`; the session, whose name is the function's,
# stands for it. It has no TLS, without which the bucket's policy denies everything; and the bucket goes with its results.
OVERRIDE = f"""
resource "aws_cloudwatch_query_definition" "queries" {{
  for_each = {{}}
}}

resource "aws_secretsmanager_secret_rotation" "key" {{
  count = 0
}}

resource "aws_s3_bucket_policy" "results" {{
  count = 0
}}

resource "aws_s3_bucket" "results" {{
  force_destroy = true
}}

locals {{
  key_readers  = ["{SESSION}/helseid-fn", "{SESSION}-rotate/helseid-fn-rotate"]
  key_rotators = ["{SESSION}-rotate/helseid-fn-rotate"]
}}

resource "aws_iam_role_policy" "function" {{
  policy = replace(
    replace(data.aws_iam_policy_document.function.json, "lambda:SourceFunctionArn", "aws:PrincipalArn"),
    local.function_arn, "{SESSION}/helseid-fn"
  )
}}

resource "aws_iam_role_policy" "rotator" {{
  policy = replace(
    replace(data.aws_iam_policy_document.rotator[0].json, "lambda:SourceFunctionArn", "aws:PrincipalArn"),
    local.rotator_arn, "{SESSION}-rotate/helseid-fn-rotate"
  )
}}
"""


@dataclass
class Deployment:
    """The deployment, and the credentials of those who use it."""

    aws: Aws
    administrator: dict[str, str]
    colleague: dict[str, str]
    workspace: Workspace
    outputs: dict[str, str]
    standin: Process
    folder: Path

    def paste(self, output: str) -> dict[str, Any]:
        """Run the command that an output shows, as an administrator."""
        return aws_command.run(self.outputs[output], lambda service: self.aws.client(service, self.administrator), self.folder)

    def role(self, name: str) -> dict[str, str]:
        """Return credentials of a role, in a session that is named as Lambda names it."""
        arn = f"arn:aws:iam::{ACCOUNT}:role/{name}"
        key = self.aws.client("sts").assume_role(RoleArn=arn, RoleSessionName=name)["Credentials"]
        return {
            "aws_access_key_id": key["AccessKeyId"],
            "aws_secret_access_key": key["SecretAccessKey"],
            "aws_session_token": key["SessionToken"],
        }

    def log(self, group: str = "/aws/lambda/helseid-fn") -> list[dict[str, Any]]:
        """Return a function's own lines."""
        events = self.aws.client("logs").filter_log_events(logGroupName=group)["events"]
        return [json.loads(each["message"]) for each in events if each["message"].startswith("{")]


@pytest.fixture(scope="module")
def deployment(workspaces: Workspaces, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Apply the module and add the key to its secret; at the end destroy it, which must leave nothing behind."""
    workspace = own_copy(workspaces)
    folder = tmp_path_factory.mktemp("deployment")
    archive = build(HERE, folder)
    standin, environment = start_standin("--key-file", str(folder / "client.jwk.json"))
    try:
        with Aws() as aws:
            (workspace.folder / "provider_override.tf").write_text(aws.provider())
            (workspace.folder / "emulator_override.tf").write_text(OVERRIDE)
            variables = {
                "helseid_issuer": environment["HELSEID_ISSUER"],
                "helseid_client_id": environment["HELSEID_CLIENT_ID"],
                "helseid_scope": environment["HELSEID_SCOPE"],
                "parent_organization": environment["HELSEID_PARENT_ORGANIZATION"],
                "child_organization": environment["HELSEID_CHILD_ORGANIZATION"],
                "api_url": environment["API_URL"],
                "archive": str(archive),
                "architecture": HERE.arch,
                "python_version": HERE.python,
                "schedules": {
                    "minutely": {"schedule": "rate(1 minute)", "invocation": {"scope": environment["HELSEID_SCOPE"]}},
                    "paused": {"schedule": "rate(1 minute)", "enabled": False},
                },
                "secret_recovery_days": 0,
                "alert_emails": ["operator@example.no"],
                "function_url": {"principals": [f"arn:aws:iam::{ACCOUNT}:role/caller"]},
                "rotation": {"selvbetjening_url": environment["SELVBETJENING_URL"]},
                "secret_administrators": [f"arn:aws:iam::{ACCOUNT}:user/admin*"],
                "result_to": "bucket",
                "cursor_unmoved_hours": 24,
            }
            (workspace.folder / "terraform.tfvars.json").write_text(json.dumps(variables))
            workspace = apply(workspace, folder / "another job")
            outputs = {name: each["value"] for name, each in json.loads(workspace.run("output", "-json")).items()}
            users = (user_of(aws, "administrator"), user_of(aws, "colleague"))
            deployment = Deployment(aws, *users, workspace, outputs, standin, folder)
            deployment.paste("add_key")
            yield deployment
            workspace.run("destroy", "-auto-approve", "-no-color")
            assert workspace.run("state", "list") == ""
            assert remains(aws) == []
    finally:
        standin.stop()


def apply(planner: Workspace, tree: Path) -> Workspace:
    """Plan, and apply the plan in another copy, as a pipeline's two jobs do; return that copy.

    Apply again if the emulator's response to a permission was lost: the provider then reports that it exists.
    """
    planner.run("plan", "-out=plan", "-no-color")
    shutil.copytree(planner.tree, tree, symlinks=True)
    workspace = Workspace(planner.program, tree, planner.name)
    try:
        workspace.run("apply", "-no-color", "plan")
    except Refused as refusal:
        if "The statement id" not in str(refusal):
            raise
        workspace.run("apply", "-auto-approve", "-no-color")
    return workspace


def user_of(aws: Aws, name: str) -> dict[str, str]:
    """Create a user who may do everything that is not denied, and return the credentials."""
    iam = aws.client("iam")
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="all", PolicyDocument=json.dumps(EVERYTHING))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}


def remains(aws: Aws) -> list[str]:
    """Return the names of everything that a deployment could leave behind."""
    return [
        *(each["Name"] for each in aws.client("secretsmanager").list_secrets(IncludePlannedDeletion=True)["SecretList"]),
        *(each["FunctionName"] for each in aws.client("lambda").list_functions()["Functions"]),
        *(each["RoleName"] for each in aws.client("iam").list_roles()["Roles"]),
        *(each["Name"] for each in aws.client("scheduler").list_schedules()["Schedules"]),
        *aws.client("sqs").list_queues().get("QueueUrls", []),
        *(each["Name"] for each in aws.client("s3").list_buckets()["Buckets"]),
        *(each["TopicArn"] for each in aws.client("sns").list_topics()["Topics"]),
        *(each["logGroupName"] for each in aws.client("logs").describe_log_groups()["logGroups"]),
        *(each["Name"] for each in aws.client("events").list_rules()["Rules"]),
        *(each["AlarmName"] for each in aws.client("cloudwatch").describe_alarms()["MetricAlarms"]),
        *(each["DashboardName"] for each in aws.client("cloudwatch").list_dashboards()["DashboardEntries"]),
    ]


def code_of(call: Callable[[], object]) -> str:
    """Return the code with which AWS refuses a call."""
    with pytest.raises(ClientError) as refusal:
        call()
    return str(refusal.value.response["Error"]["Code"])


def test_the_greet_command_delivers_the_greeting(deployment: Deployment) -> None:
    report = json.loads(deployment.paste("greet")["Payload"].read())
    assert report["status"] == "ok", report
    place = report["delivered"]["last"]
    assert place.startswith(f"{deployment.outputs['result_to']}/")
    stored = deployment.aws.client("s3").get_object(Bucket=BUCKET, Key=place.removeprefix(f"s3://{BUCKET}/"))
    assert json.loads(stored["Body"].read())["greeting"].startswith("Hello from the Sample API")


def test_a_second_plan_is_empty(deployment: Deployment) -> None:
    try:
        deployment.workspace.run("plan", "-detailed-exitcode", "-no-color")
    except Refused as difference:
        pytest.fail(str(difference))


def test_a_rollback_brings_the_version_before_back(deployment: Deployment) -> None:
    def apply_and_read(*options: str) -> tuple[str, str]:
        deployment.workspace.run("apply", "-auto-approve", "-no-color", *options)
        live = deployment.aws.client("lambda").get_function_configuration(FunctionName="helseid-fn", Qualifier="live")
        return live["Version"], live["Environment"]["Variables"]["DEADLINE_SECONDS"]

    assert deployment.outputs["live_version"] == "1"
    assert apply_and_read("-var=deadline_seconds=30") == ("2", "30")
    assert apply_and_read("-var=deadline_seconds=30", "-var=rollback_version=1") == ("1", "25")


def test_the_state_does_not_contain_the_key(deployment: Deployment) -> None:
    private = json.loads((deployment.folder / "client.jwk.json").read_text())["d"]
    state = (deployment.workspace.folder / "terraform.tfstate").read_text()
    assert deployment.outputs["secret_arn"] in state
    assert private not in state


def test_the_functions_role_reads_only_its_own_key(deployment: Deployment) -> None:
    other = deployment.aws.client("secretsmanager").create_secret(Name="other", SecretString="hush")["ARN"]
    role = deployment.aws.client("secretsmanager", deployment.role("helseid-fn"))
    try:
        assert "kid" in json.loads(role.get_secret_value(SecretId=deployment.outputs["secret_arn"])["SecretString"])
        assert code_of(lambda: role.get_secret_value(SecretId=other)) == "AccessDeniedException"
    finally:
        deployment.aws.client("secretsmanager").delete_secret(SecretId=other, ForceDeleteWithoutRecovery=True)


def test_the_functions_role_cannot_change_its_key(deployment: Deployment) -> None:
    role = deployment.aws.client("secretsmanager", deployment.role("helseid-fn"))
    put = {"SecretId": deployment.outputs["secret_arn"], "SecretString": "{}"}
    assert code_of(lambda: role.put_secret_value(**put)) == "AccessDeniedException"


def test_the_functions_role_moves_its_cursors_alone(deployment: Deployment) -> None:
    role = deployment.aws.client("s3", deployment.role("helseid-fn"))
    for cursor in ({"Bucket": BUCKET, "Key": "cursor.json"}, {"Bucket": BUCKET, "Key": "cursor-999977774.json"}):
        assert code_of(partial(role.get_object, **cursor)) == "NoSuchKey"
        etag = role.put_object(**cursor, Body=b"{}", IfNoneMatch="*")["ETag"]
        role.put_object(**cursor, Body=b"[]", IfMatch=etag)
        assert role.get_object(**cursor)["Body"].read() == b"[]"
    assert code_of(lambda: role.put_object(Bucket=BUCKET, Key="other.json", Body=b"")) == "AccessDenied"
    assert code_of(lambda: role.delete_object(Bucket=BUCKET, Key="cursor.json")) == "AccessDenied"


def test_the_functions_role_does_not_read_results(deployment: Deployment) -> None:
    role = deployment.aws.client("s3", deployment.role("helseid-fn"))
    role.put_object(Bucket=BUCKET, Key="results/a", Body=b"")
    assert code_of(lambda: role.get_object(Bucket=BUCKET, Key="results/a")) == "AccessDenied"
    assert code_of(lambda: role.list_objects_v2(Bucket=BUCKET)) == "AccessDenied"


def test_an_administrator_cannot_read_the_key(deployment: Deployment) -> None:
    client = deployment.aws.client("secretsmanager", deployment.administrator)
    assert client.describe_secret(SecretId=deployment.outputs["secret_arn"])["Name"] == "helseid-fn-key"
    refused = code_of(lambda: client.get_secret_value(SecretId=deployment.outputs["secret_arn"]))
    assert refused == "AccessDeniedException"


WRITES: dict[str, dict[str, str]] = {
    "put_secret_value": {"SecretString": "{}"},
    "update_secret": {"SecretString": "{}"},
    "update_secret_version_stage": {"VersionStage": "AWSCURRENT"},
    "put_resource_policy": {"ResourcePolicy": json.dumps({"Version": "2012-10-17", "Statement": []})},
    "delete_resource_policy": {},
    "delete_secret": {},
    "rotate_secret": {},
}


@pytest.mark.parametrize("operation", WRITES)
def test_a_colleague_cannot_change_the_secret(deployment: Deployment, operation: str) -> None:
    client = deployment.aws.client("secretsmanager", deployment.colleague)
    assert client.describe_secret(SecretId=deployment.outputs["secret_arn"])["Name"] == "helseid-fn-key"
    write = getattr(client, operation)
    refused = code_of(lambda: write(SecretId=deployment.outputs["secret_arn"], **WRITES[operation]))
    assert refused == "AccessDeniedException"


@pytest.mark.parametrize("operation", sorted(WRITES.keys() - {"put_secret_value", "update_secret_version_stage"}))
def test_the_rotating_role_cannot_change_the_secret(deployment: Deployment, operation: str) -> None:
    write = getattr(deployment.aws.client("secretsmanager", deployment.role("helseid-fn-rotate")), operation)
    refused = code_of(lambda: write(SecretId=deployment.outputs["secret_arn"], **WRITES[operation]))
    assert refused == "AccessDeniedException"


def test_an_administrator_changes_the_policy(deployment: Deployment) -> None:
    client = deployment.aws.client("secretsmanager", deployment.administrator)
    policy = client.get_resource_policy(SecretId=deployment.outputs["secret_arn"])["ResourcePolicy"]
    client.put_resource_policy(SecretId=deployment.outputs["secret_arn"], ResourcePolicy=policy)


def cloudtrail_event(secret: str, operation: str = "GetSecretValue", **identity: object) -> str:
    """Return an event as CloudTrail sends it to EventBridge:
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
    """
    return json.dumps(
        {
            "id": "1",
            "account": ACCOUNT,
            "region": REGION,
            "time": "2026-11-27T03:00:00Z",
            "source": "aws.secretsmanager",
            "detail-type": "AWS API Call via CloudTrail",
            "resources": [],
            "detail": {
                "eventSource": "secretsmanager.amazonaws.com",
                "eventName": operation,
                "userIdentity": identity,
                "requestParameters": {"secretId": secret},
            },
        }
    )


def session_of(role: str) -> dict[str, Any]:
    return {"type": "AssumedRole", "sessionContext": {"sessionIssuer": {"type": "Role", "arn": role}}}


OWN = {"function": session_of(f"{SESSION}/helseid-fn"), "rotator": session_of(f"{SESSION}-rotate/helseid-fn-rotate")}
OTHERS: dict[str, dict[str, Any]] = {
    "role": session_of(f"arn:aws:iam::{ACCOUNT}:role/other"),
    "user": {"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/administrator"},
    "root": {"type": "Root", "arn": f"arn:aws:iam::{ACCOUNT}:root"},
}


def is_told(deployment: Deployment, event: str) -> bool:
    events = deployment.aws.client("events")
    pattern = events.describe_rule(Name="helseid-fn-secret-access")["EventPattern"]
    return bool(events.test_event_pattern(EventPattern=pattern, Event=event)["Result"])


@pytest.mark.parametrize("identity", OTHERS)
def test_anybody_elses_use_of_the_secret_is_told(deployment: Deployment, identity: str) -> None:
    secret = deployment.outputs["secret_arn"]
    names = (secret, secret[: -len("-AbCdEf")], "helseid-fn-key")
    events = [
        cloudtrail_event(name, each, **OTHERS[identity]) for name in names for each in ("GetSecretValue", "PutSecretValue")
    ]
    assert all(is_told(deployment, event) for event in events)


def test_only_uses_of_this_secret_by_others_are_told(deployment: Deployment) -> None:
    secret = deployment.outputs["secret_arn"]
    assert not any(is_told(deployment, cloudtrail_event(secret, **identity)) for identity in OWN.values())
    assert not is_told(deployment, cloudtrail_event("helseid-fn-key-2", **OTHERS["user"]))
    assert not is_told(deployment, cloudtrail_event(secret, "DescribeSecret", **OTHERS["user"]))


def test_uses_of_the_secret_go_to_the_alerts(deployment: Deployment) -> None:
    targets = deployment.aws.client("events").list_targets_by_rule(Rule="helseid-fn-secret-access")["Targets"]
    assert [each["Arn"] for each in targets] == [deployment.outputs["alerts_topic_arn"]]


def test_only_the_scheduler_assumes_the_schedules_role(deployment: Deployment) -> None:
    assert code_of(lambda: deployment.role("helseid-fn-schedule")) == "AccessDenied"


def test_the_rotating_function_rotates_the_key(deployment: Deployment) -> None:
    secrets = deployment.aws.client("secretsmanager", deployment.administrator)
    secret = deployment.outputs["secret_arn"]
    secrets.rotate_secret(SecretId=secret)  # the emulator only turns rotation on
    version = str(uuid.uuid4())
    in_use = parse_signing_key((deployment.folder / "client.jwk.json").read_text())
    client_id = json.loads((deployment.workspace.folder / "terraform.tfvars.json").read_text())["helseid_client_id"]
    key = endorse(
        generate_jwk("PS256", time.time()), in_use, f"{client_id} {secret}"
    )  # as createSecret does when the key is due
    secrets.put_secret_value(SecretId=secret, ClientRequestToken=version, SecretString=key, VersionStages=["AWSPENDING"])
    rotator = deployment.aws.client("lambda", deployment.administrator)
    for step in ("createSecret", "setSecret", "testSecret", "finishSecret"):
        event = json.dumps({"Step": step, "SecretId": secret, "ClientRequestToken": version})
        response = rotator.invoke(FunctionName="helseid-fn-rotate", Payload=event)
        assert "FunctionError" not in response, response["Payload"].read()
    assert "AWSCURRENT" in secrets.describe_secret(SecretId=secret)["VersionIdsToStages"][version]
    lines = deployment.log("/aws/lambda/helseid-fn-rotate")
    assert [line["rotation"] for line in lines] == ["created", "registered", "tested", "rotated"]
    assert lines[-1]["kid"] == json.loads(key)["kid"]
    assert lines[-1]["key_expires_in_days"] > 0


def test_the_rotating_role_writes_only_its_own_key(deployment: Deployment) -> None:
    other = deployment.aws.client("secretsmanager").create_secret(Name="another", SecretString="hush")["ARN"]
    role = deployment.aws.client("secretsmanager", deployment.role("helseid-fn-rotate"))
    try:
        role.put_secret_value(SecretId=deployment.outputs["secret_arn"], SecretString="{}", VersionStages=["TRIED"])
        assert code_of(lambda: role.put_secret_value(SecretId=other, SecretString="{}")) == "AccessDeniedException"
    finally:
        deployment.aws.client("secretsmanager").delete_secret(SecretId=other, ForceDeleteWithoutRecovery=True)


def test_the_command_shows_a_failed_run_and_keeps_it(deployment: Deployment) -> None:
    queue = deployment.aws.client("sqs").get_queue_url(QueueName="helseid-fn-failed-runs")["QueueUrl"]
    role = deployment.aws.client("sqs", deployment.role("helseid-fn"))
    role.send_message(QueueUrl=queue, MessageBody="a run that was given up")
    shown = [deployment.paste("read_failed_runs")["Messages"] for _ in range(2)]
    assert [[each["Body"] for each in messages] for messages in shown] == [["a run that was given up"]] * 2


def test_the_schedule_runs_the_job_and_its_success_is_logged(deployment: Deployment) -> None:
    group = deployment.aws.client("scheduler").list_schedules(GroupName="helseid-fn")["Schedules"]
    assert {each["Name"]: each["State"] for each in group} == {"minutely": "ENABLED", "paused": "DISABLED"}

    def scheduled() -> list[dict[str, Any]]:
        return [line for line in deployment.log() if line.get("trigger") == "schedule" and line["outcome"] == "ok"]

    # Every minute since the deployment, so the tests before have usually waited for it.
    ends_at = time.monotonic() + SCHEDULE_SECONDS
    while not scheduled() and time.monotonic() < ends_at:
        time.sleep(1)
    runs = scheduled()
    assert {line["message"] for line in runs} == {"The API responded with 200."}
    assert len([line for line in deployment.standin.lines if "greetings" in json.dumps(line)]) >= len(runs)
