"""The AWS module taken into roots of their own, as teams do: by git, several times, beside and with what exists."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.deployment.workspace import MODULES, Workspace, Workspaces

SETTINGS = """
  archive           = "archive.zip"
  helseid_issuer    = "https://helseid-sts.test.nhn.no"
  helseid_client_id = "9f5a1c6e-1c3b-4c62-9b4e-6f5d0d9d7a10"
  helseid_scope     = "nhn:test-public-samplecode/client-credentials"
  api_url           = "https://api.example.no/machine-clients/greetings"
  alert_emails      = ["on-call@example.no"]
"""
EVERYTHING = """
  result_to    = "bucket"
  function_url = { principals = ["arn:aws:iam::123456789012:role/caller"] }
  rotation     = { selvbetjening_url = "https://api.selvbetjening.test.nhn.no" }
"""
PROVIDERS = 'terraform {\n  required_providers {\n    aws = { source = "hashicorp/aws" }\n  }\n}\n'


def mocks(region: str = "eu-north-1", alias: str | None = None) -> str:
    named = "" if alias is None else f'  alias = "{alias}"\n'
    return f"""
mock_provider "aws" {{
{named}
  mock_data "aws_caller_identity" {{
    defaults = {{ account_id = "123456789012", arn = "arn:aws:sts::123456789012:assumed-role/deploy/somebody" }}
  }}

  mock_data "aws_partition" {{
    defaults = {{ partition = "aws", dns_suffix = "amazonaws.com" }}
  }}

  mock_data "aws_region" {{
    defaults = {{ id = "{region}" }}
  }}

  mock_data "aws_iam_policy_document" {{
    defaults = {{ json = "{{}}" }}
  }}
}}
"""


def root_of(workspaces: Workspaces, configuration: str) -> Workspace:
    """Return an initialised root beside a copy of the module, which it names `../aws`, with an archive of its own."""
    workspaces.shared("aws")  # fails where there are no providers
    copy = workspaces.bare("aws")
    root = Workspace(copy.program, copy.tree, "root")
    root.folder.mkdir()
    (root.folder / "main.tf").write_text(PROVIDERS + configuration)
    (root.folder / "archive.zip").write_text("an archive")
    root.run("init", "-no-color", "-input=false", "-backend=false")
    return root


def created(plan: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """Return what a plan creates of a type, with the values that are known before."""
    changes = [each for each in plan["resource_changes"] if each["type"] == kind and each["mode"] == "managed"]
    assert all(each["change"]["actions"] == ["create"] for each in changes)
    return [each["change"]["after"] for each in changes]


def test_a_reference_to_git_and_an_archive_are_enough(workspaces: Workspaces) -> None:
    tree = workspaces.bare("aws").tree
    git(tree, "init", "-q")
    git(tree, "add", str(MODULES / "aws"))  # and nothing else of the repository
    git(tree, "-c", "user.name=a", "-c", "user.email=a@example.no", "commit", "-q", "-m", "The module")
    git(tree, "tag", "v0.2.0")
    source = f"git::file://{tree}//infra/terraform/aws?ref=v0.2.0"
    root = root_of(workspaces, f'module "greetings" {{\n  source = "{source}"\n{SETTINGS}}}\n')
    (function,) = created(root.plan(mocks()), "aws_lambda_function")
    assert function["filename"] == "archive.zip"


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True)


def test_several_deployments_share_no_name(workspaces: Workspaces) -> None:
    each = f'for_each = toset(["one", "two"])\n  source = "../aws"\n  name = each.key\n{SETTINGS}{EVERYTHING}'
    plan = root_of(workspaces, f'module "greetings" {{\n  {each}}}\n').plan(mocks())
    one, other = (
        {
            (change["type"], after[name])
            for change in plan["resource_changes"]
            for after in [change["change"]["after"]]
            for name in ("name", "bucket", "function_name", "alarm_name")
            if f'["{key}"]' in change["address"] and change["mode"] == "managed" and after.get(name)
        }
        for key in ("one", "two")
    )
    within_another = {
        ("aws_lambda_alias", "live"),
        ("aws_scheduler_schedule", "hourly"),
        *(each for each in one if each[0] == "aws_iam_role_policy"),
    }
    assert len(one) == len(other) > 20
    assert one & other == within_another


def test_a_change_that_it_depends_on_replaces_nothing(workspaces: Workspaces) -> None:
    configuration = f"""
variable "upstream" {{
  type = number
}}

resource "terraform_data" "upstream" {{
  input = var.upstream
}}

module "greetings" {{
  source = "../aws"
{SETTINGS}{EVERYTHING}
  vpc = {{ subnet_ids = ["subnet-1"], vpc_id = "vpc-1", endpoints = ["secretsmanager", "s3"], route_table_ids = ["rtb-1"] }}

  depends_on = [terraform_data.upstream]
}}
"""
    runs = 'variables {\n  upstream = 1\n}\n\nrun "first" {\n}\n\n'
    runs += 'run "second" {\n  command = plan\n\n  variables {\n    upstream = 2\n  }\n}\n'
    root = root_of(workspaces, configuration)
    (root.folder / "twice.tftest.hcl").write_text(mocks() + runs)
    events = [json.loads(line) for line in root.run("test", "-json", "-verbose").splitlines()]
    plan = next(event["test_plan"] for event in events if event["type"] == "test_plan")
    changed = {
        (change["type"], name)
        for change in plan["resource_changes"]
        if change["mode"] == "managed" and change["change"]["actions"] != ["no-op"]
        for name, unknown in change["change"]["after_unknown"].items()
        if unknown is True
    }
    # What is computed from data that are read again: all of it is changed in place, if at all.
    assert changed == {
        ("terraform_data", "output"),
        ("aws_cloudwatch_dashboard", "dashboard_body"),
        ("aws_cloudwatch_event_rule", "event_pattern"),
        ("aws_iam_role", "assume_role_policy"),
        *((kind, "policy") for kind in ("aws_iam_role_policy", "aws_s3_bucket_policy", "aws_sns_topic_policy")),
        ("aws_secretsmanager_secret_policy", "policy"),
    }


def test_parts_that_are_made_in_the_same_apply_are_used(workspaces: Workspaces) -> None:
    configuration = f"""
resource "aws_secretsmanager_secret" "theirs" {{
  name = "their-key"
}}

resource "aws_iam_role" "theirs" {{
  name               = "their-role"
  assume_role_policy = "{{}}"
}}

resource "aws_cloudwatch_log_group" "theirs" {{
  name = "their-log"
}}

resource "aws_sns_topic" "theirs" {{
  name = "their-topic"
}}

resource "aws_sqs_queue" "theirs" {{
  name = "their-queue"
}}

module "greetings" {{
  source = "../aws"
{SETTINGS}{EVERYTHING}
  existing = {{
    secret        = {{ arn = aws_secretsmanager_secret.theirs.arn }}
    function_role = {{ arn = aws_iam_role.theirs.arn }}
    schedule_role = {{ arn = aws_iam_role.theirs.arn }}
    rotator_role  = {{ arn = aws_iam_role.theirs.arn }}
    log_group     = {{ name = aws_cloudwatch_log_group.theirs.name }}
    alerts_topic  = {{ arn = aws_sns_topic.theirs.arn }}
    failed_runs   = {{ arn = aws_sqs_queue.theirs.arn }}
  }}
}}
"""
    plan = root_of(workspaces, configuration).plan(mocks())
    assert [each["name"] for each in created(plan, "aws_secretsmanager_secret")] == ["their-key"]
    assert [each["name"] for each in created(plan, "aws_iam_role")] == ["their-role"]
    assert [each["name"] for each in created(plan, "aws_sns_topic")] == ["their-topic"]
    assert [each["name"] for each in created(plan, "aws_sqs_queue")] == ["their-queue"]
    assert {each["name"] for each in created(plan, "aws_cloudwatch_log_group")} == {
        "their-log",
        "/aws/lambda/helseid-fn-rotate",
    }
    assert created(plan, "aws_secretsmanager_secret_policy") == created(plan, "aws_iam_role_policy") == []


def test_a_network_that_is_made_in_the_same_apply_is_used(workspaces: Workspaces) -> None:
    configuration = f"""
resource "aws_vpc" "theirs" {{
  cidr_block = "10.0.0.0/16"
}}

resource "aws_subnet" "theirs" {{
  count = 2

  vpc_id     = aws_vpc.theirs.id
  cidr_block = "10.0.${{count.index}}.0/24"
}}

resource "aws_nat_gateway" "theirs" {{
  subnet_id = aws_subnet.theirs[0].id
}}

module "greetings" {{
  source = "../aws"
{SETTINGS}{EVERYTHING}
  vpc = {{
    subnet_ids      = aws_subnet.theirs[*].id
    vpc_id          = aws_vpc.theirs.id
    endpoints       = ["secretsmanager", "s3"]
    route_table_ids = [aws_vpc.theirs.main_route_table_id]
    dns_forwarding  = {{ "nhn.no" = ["10.1.0.53"] }}
    nat_gateways    = {{ one = aws_nat_gateway.theirs.id }}
  }}
}}
"""
    plan = root_of(workspaces, configuration).plan(mocks())
    assert len(created(plan, "aws_vpc_endpoint")) == 2
    assert [each["domain_name"] for each in created(plan, "aws_route53_resolver_rule")] == ["nhn.no"]


@pytest.mark.parametrize("place", ["bucket", "queue"])
def test_a_customers_key_that_is_made_in_the_same_apply_is_used(workspaces: Workspaces, place: str) -> None:
    configuration = f"""
resource "aws_kms_key" "theirs" {{
}}

module "greetings" {{
  source             = "../aws"
  kms_key_arn        = aws_kms_key.theirs.arn
  alerts_kms_key_arn = aws_kms_key.theirs.arn
{SETTINGS}{EVERYTHING.replace("bucket", place)}
}}
"""
    plan = root_of(workspaces, configuration).plan(mocks())
    unknown = {
        each["address"].partition(".")[2].partition(".")[2] or each["address"]: each["change"]["after_unknown"]
        for each in plan["resource_changes"]
    }
    encrypted = {address for address, values in unknown.items() if values.get("kms_master_key_id") or values.get("kms_key_id")}
    assert {"aws_secretsmanager_secret.key[0]", "aws_sns_topic.alerts[0]", "aws_sqs_queue.failed_runs[0]"} <= encrypted


def test_another_region_is_its_providers(workspaces: Workspaces) -> None:
    providers = (
        'provider "aws" {\n  region = "eu-north-1"\n}\n\nprovider "aws" {\n  alias  = "ireland"\n  region = "eu-west-1"\n}\n'
    )
    module = f'module "greetings" {{\n  source    = "../aws"\n  providers = {{ aws = aws.ireland }}\n{SETTINGS}{EVERYTHING}}}\n'
    output = 'output "greet" {\n  value = module.greetings.greet\n}\n'
    plan = root_of(workspaces, providers + module + output).plan(mocks() + mocks("eu-west-1", "ireland"))
    assert "--region eu-west-1 " in plan["output_changes"]["greet"]["after"]
