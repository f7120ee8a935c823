"""What the AWS module accepts for its variables and what it refuses by name; the function's own parser agrees."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest

from helseid_fn.errors import SettingsError
from helseid_fn.setting_table import EXAMPLES
from helseid_fn.settings import parse_settings
from tests.deployment.configuration import REQUIRED, read_variables
from tests.deployment.workspace import MODULES, ROOT, Refused, Workspace, Workspaces

NEEDED = {
    "helseid_issuer": "https://helseid-sts.test.nhn.no",
    "helseid_client_id": "9f5a1c6e-1c3b-4c62-9b4e-6f5d0d9d7a10",
    "helseid_scope": "nhn:test-public-samplecode/client-credentials",
    "api_url": "https://api.example.no/machine-clients/greetings",
}
SAME_NAME = (
    *NEEDED,
    *("api_methods", "api_headers", "api_correlation_header", "api_caller_headers", "api_max_megabytes"),
    *("token_endpoint_host", "deadline_seconds", "log_level", "result_to", "cursor_in"),
)
SETTINGS = {
    "parent_organization": "HELSEID_PARENT_ORGANIZATION",
    "child_organization": "HELSEID_CHILD_ORGANIZATION",
    "organizations": "HELSEID_ORGANIZATIONS",
    "sfm_journal_id": "HELSEID_SFM_JOURNAL_ID",
    **{name: name.upper() for name in SAME_NAME},
}
"""The variables that become settings: the module refuses what the function would refuse, and accepts what it would accept."""

LEFT_TO_EXTRA_ENVIRONMENT = ["SECRET_MANAGER_ENDPOINT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"]

LAYER = "arn:aws:lambda:eu-north-1:427196147048:layer:AWS-Parameters-and-Secrets-Lambda-Extension"
SELVBETJENING = "https://api.selvbetjening.test.nhn.no"

SUBNETS = {"subnet_ids": ["subnet-1", "subnet-2"], "vpc_id": "vpc-1"}

GOOD: list[dict[str, Any]] = [
    {"helseid_issuer": "https://samsvarstesting-sts-test.helseid.sky.nhn.no/3f0c/x"},
    {"helseid_issuer": "https://sts.example.no:8443"},
    {"helseid_issuer": "http://127.0.0.1:41469"},
    {"helseid_issuer": "http://localhost:8080/sts"},
    {"helseid_issuer": "http://[::1]:8080"},
    {"helseid_client_id": "urn:client~1/@b"},
    {"helseid_scope": " nhn:a/b  nhn:c!d~[] "},
    {"api_url": "https://api.example.no"},
    {"api_url": "https://api.example.no?next=//x/../y"},
    {"api_url": "https://api.example.no/a/.b/..c?next=@x"},
    {"api_url": "http://127.0.0.1:38681/machine-clients/greetings"},
    {"api_methods": ["DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"]},
    {"parent_organization": "999977774"},
    {"child_organization": "000000000"},
    {"sfm_journal_id": "4A5f8d0e-6f0b-4b9c-8a63-0f3f7f2f9f11"},
    {"organizations": ["999977774", "313745392:999977776", ":999977776", "*"]},
    *({"token_endpoint_host": each} for each in ("a_b.example.no", "A.no:08443", "127.0.0.1", "[::1]:65535")),
    {"api_caller_headers": ["Accept", "nhn-*", "x-correlation-id", "do*", "x-forwarded-for"]},
    *({"api_headers": each} for each in ({}, {"Api-Version": "3", "empty": ""}, {"nhn-x": 'A, "b"\t&~', "x": "y"})),
    {"api_correlation_header": "NHN-event-id2", "api_headers": {"api-version": "3"}},
    *({"api_max_megabytes": each} for each in (1, 64)),
    {"deadline_seconds": 0.5},
    {"log_level": "DEBUG"},
    *({"result_to": each} for each in ("log", "s3://a-b.c", "s3://abc/", "s3://abc/a.b/..c/d!_'()=@+,-/")),
    *({"result_to": f"arn:{each}"} for each in ("aws:sqs:eu-north-1:123456789012:a", "aws-cn:sqs:x:123456789012:a.fifo")),
    *({"cursor_in": each} for each in ("s3://abc/cursor", "s3://abc/a.b/.json")),
    {"cursor_unmoved_hours": 0.5, "result_to": "s3://abc/a"},
    {"cursor_unmoved_hours": 8760, "cursor_in": "s3://abc/a", "result_to": "log"},
    *(
        {"schedules": {"a": {"schedule": each}}}
        for each in ("cron(0/15 7-16 ? * MON-FRI *)", "cron(0 6 1 * ? *)", "cron(0 6 ? * 6L *)", "rate(90 days)")
    ),
    {"schedules": {}},
    {"schedules": {"summer": {"schedule": "cron(0 6 ? 6-8 MON *)"}}, "longest_gap_hours": 7000},
    {"schedules": {"years": {"schedule": "cron(0 6 1 1 ? 2027-2040)", "enabled": False}}},
    {
        "schedules": {
            "nightly": {"schedule": "rate(1 day)", "invocation": {"input": [1], "deliver": False}, "enabled": True},
            "x-1": {
                "schedule": "rate(2 hours)",
                "invocation": {
                    "organization": {"parent": "999977774"},
                    "scope": "nhn:a",
                    "request": {"query": {"a": [1, "2"]}},
                },
            },
        }
    },
    *({"longest_gap_hours": each} for each in (0, 0.05, 9000)),
    *({"jitter_minutes": each} for each in (0, 1440)),
    {"runbook_url": "https://git.example.no/a/b.md"},
    {"secrets_extension_layer_arn": f"{LAYER}:20", "architecture": "x86_64"},
    {"secrets_extension_layer_arn": f"{LAYER}-Arm64:20"},
    {"deadline_seconds": 890, "event_age_seconds": 2865},
    *({"archive": each} for each in ("build/a.zip", "/tmp/a.zip", "s3://our-artifacts/a/b.zip")),
    {"rollback_version": 7, "canary": {"weight": 0.5}},
    {"canary": {"weight": 0.001, "version": 7}},
    {
        "existing": {
            "secret": {"arn": "arn:aws:secretsmanager:eu-north-1:123456789012:secret:a/b_c-AbCdEf"},
            "function_role": {"arn": "arn:aws:iam::123456789012:role/a/b"},
            "log_group": {"name": "/aws/lambda/a"},
            "alerts_topic": {"arn": "arn:aws:sns:eu-north-1:123456789012:a"},
            "failed_runs": {"arn": "arn:aws:sqs:eu-north-1:123456789012:a"},
        }
    },
    {"code_signing_config_arn": f"arn:aws:lambda:eu-north-1:123456789012:code-signing-config:csc-{'0' * 17}"},
    {"snap_start": True, "python_version": "3.12"},
    {"alerts_kms_key_arn": "arn:aws:kms:eu-north-1:123456789012:key/mrk-0a1b"},
    {"vpc": {"subnet_ids": ["subnet-1"], "vpc_id": "vpc-1", "endpoints": ["secretsmanager", "sqs", "kms", "logs"]}},
    {"vpc": {"subnet_ids": ["subnet-1"], "vpc_id": "vpc-1", "endpoints": ["s3"], "route_table_ids": ["rtb-1"]}},
    {"vpc": {**SUBNETS, "dns_forwarding": {each: ["10.0.0.53"] for each in ("nhn.no", "a-b.nhn.no.")}}},
    {"vpc": {**SUBNETS, "nat_gateways": {"one": "nat-1"}}},
    {"reserved_concurrency": 1, "secret_recovery_days": 0, "key_expiry_alert_days": 1},
    {
        "function_url": {
            "principals": ["arn:aws:iam::123456789012:role/path/caller", "arn:aws-cn:iam::123456789012:user/a@b.no"]
        }
    },
    {"kms_key_arn": "arn:aws:kms:eu-north-1:123456789012:key/mrk-0a1b"},
    {
        "secret_administrators": [
            "arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/*/AWSReservedSSO_Deploy_*",
            "arn:aws-cn:iam::123456789012:user/a@b.no",
            "arn:aws:iam::123456789012:role/*/deploy",
        ]
    },
    {"rotation": {"selvbetjening_url": SELVBETJENING, "alg": "ES512", "due_fraction": 0.001, "schedule": "rate(24 hours)"}},
    {"extra_environment": {"HTTPS_PROXY": "http://proxy.example.no:3128", "AWS_ENDPOINT_URL_SECRETS_MANAGER": "https://x.no"}},
]
NO_INVOCATIONS: list[Any] = ["text", [], {"organisation": {}}]
NO_SCHEDULES: list[Any] = [
    *("rate(1 hour)", {}, None),
    *({"schedule": "rate(1 hour)", "when": "now"}, {"schedule": "rate(1 hour)", "enabled": "perhaps"}),
]
BAD: list[dict[str, Any]] = [
    *({"helseid_issuer": each} for each in ("https://sts.example.no/", "https://sts.example.no?a=b", "sts.example.no")),
    *(
        {"helseid_issuer": f"https://sts.example.no{each}"}
        for each in ("/.well-known/openid-configuration", "/Connect", ":65536")
    ),
    *(
        {"api_url": each}
        for each in ("http://api.example.no", "https://api.example.no/a/../b", "https://api.example.no/%2e%2E")
    ),
    *({"api_url": each} for each in ("https://api.example.no/a/.", "https://api.example.no//a", "https://api.example.no/#a")),
    *({"api_url": each} for each in ("https://api.example.no/a b", "https://a@api.example.no", "https://api.example.no/\\a")),
    *(
        {"api_url": each}
        for each in ("https://-a.no", "https://a..no", "https://a.no:0", "ftp://a.no", "https://", "https:///a")
    ),
    *({"api_url": each} for each in ("http://127.0.0.1.example.no", "http://localhost.example.no", "https://å.no", "")),
    *({"helseid_client_id": each} for each in ("", "a client", "x" * 201)),
    *({"helseid_scope": each} for each in ("", " ", 'a "b"', "a\\b", "æ", "nhn:a,nhn:b")),
    *({"api_methods": each} for each in (["get"], ["TRACE"])),
    *({"parent_organization": each} for each in ("99997777", "NO999977774", "9999777741")),
    {"child_organization": "99997777a"},
    *({"sfm_journal_id": each} for each in ("4a5f8d0e", "4a5f8d0e6f0b4b9c8a630f3f7f2f9f11")),
    *({"organizations": [each]} for each in ("99997777", "999977774:", "**")),
    *({"token_endpoint_host": each} for each in ("https://a.no", "a.no/", "a.no:0", "a.no:65536", "-a.no", "a..no", "x@a.no")),
    *({"api_caller_headers": [each]} for each in ("*", "n*n", "æ", "DPoP", "auth*", "te", "h*", "x_y")),
    *({"api_headers": {each: "x"}} for each in ("", "a b", "a_b", "æ", "DPoP", "Authorization", "Content-Type", "traceparent")),
    *({"api_headers": {"x": each}} for each in (" a", "a\n", "a\nb", "æ")),
    {"api_headers": {"x": "1", "X": "2"}},
    *({"api_correlation_header": each} for each in ("a b", "a_b", "nhn-*", "DPoP", "te", "Content-Type", "traceparent")),
    {"api_correlation_header": "X-Id", "api_headers": {"x-id": "1"}},
    *({"api_max_megabytes": each} for each in (0, 65, 1.5)),
    *({"deadline_seconds": each} for each in (0, -1)),
    *({"log_level": each} for each in ("info", "TRACE")),
    *(
        {"result_to": f"s3://{each}"}
        for each in ("", "a", "Abc", "abc-", "abc//a", "abc/a//b", "abc/a b", "abc/../a", "abc/.", "abc/æ")
    ),
    *({"result_to": each} for each in ("Log", "topic", "arn:aws:sqs:eu-north-1:1:a", "arn:aws:sns:eu-north-1:123456789012:a")),
    *({"cursor_in": each} for each in ("cursor.json", "s3://abc", "s3://abc/", "s3://abc/a/", "s3://abc/./a", "s3://abc//a")),
    *({"results_days": each} for each in (0, 1.5, 3651)),
    *({"cursor_unmoved_hours": each, "result_to": "bucket"} for each in (0, 8761)),
    *({"cursor_unmoved_hours": 24, **each} for each in ({}, {"result_to": "queue"}, {"result_to": "log"})),
    {"source_dir": "nowhere"},
    *({"archive": each} for each in ("", "s3://a", "s3://our-artifacts/", "gs://our-artifacts/a.zip", "https://a.no/a.zip")),
    {"code_signing_config_arn": "csc-0123456789abcdef0"},
    {"snap_start": True, "python_version": "3.11"},
    {"snap_start": True, "secrets_extension_layer_arn": f"{LAYER}-Arm64:20"},
    {"alerts_kms_key_arn": "alias/a"},
    *({"rollback_version": each} for each in (0, 1.5)),
    *({"canary": {"weight": each, "version": 7}} for each in (0, 1)),
    {"canary": {"weight": 0.5}},
    {"canary": {"weight": 0.5, "version": 0}},
    {"canary": {"weight": 0.5, "version": 7}, "rollback_version": 7},
    *(
        {"existing": {"secret": {"arn": f"arn:aws:{each}"}}}
        for each in ("secretsmanager:eu-north-1:123456789012:secret:a", "ssm:eu-north-1:123456789012:secret:a-AbCdEf")
    ),
    *({"existing": {each: {"arn": "a-role"}}} for each in ("function_role", "schedule_role", "rotator_role")),
    {"existing": {"log_group": {"name": "arn:aws:logs:eu-north-1:123456789012:log-group:a"}}},
    {"existing": {"alerts_topic": {"arn": "arn:aws:sns:eu-north-1:123456789012:a.fifo"}}},
    {"existing": {"failed_runs": {"arn": "arn:aws:sqs:eu-north-1:123456789012:a.fifo"}}},
    *({"name": each} for each in ("helseid_fn", "ab", "a" * 41, "1st", "helseid-")),
    {"architecture": "arm"},
    {"python_version": "3.10"},
    *({"memory_mb": each} for each in (128, 10241, 512.5)),
    *({"reserved_concurrency": each} for each in (0, 1.5)),
    *(
        {"schedules": {"a": {"schedule": each}}}
        for each in ("at(2027-01-01T00:00:00)", "rate(0 hours)", "rate(1 week)", "every hour", "cron(0 6 * * ?)", 3, None)
    ),
    *({"schedules": {"a": {"schedule": f"cron(0 6 {each})"}}} for each in ("* * MON-FRI *", "? * ? *", "1 * MON *")),
    *({"schedules": {each: {"schedule": "rate(1 hour)"}}} for each in ("Hourly", "a_b", "1", "a" * 41, "watch")),
    {"schedules": []},
    {"schedules": "rate(1 hour)"},
    *({"schedules": {"a": each}} for each in NO_SCHEDULES),
    *({"schedules": {"a": {"schedule": "rate(1 hour)", "invocation": each}}} for each in NO_INVOCATIONS),
    *(
        {"longest_gap_hours": None, "schedules": {"a": {"schedule": each}}}
        for each in ("cron(0 6 1 1,7 ? *)", "cron(0 6 1 * ? 2027)")  # of some months, and of one year
    ),
    *({"longest_gap_hours": each} for each in (-1, 0.01, 9001)),
    *({"jitter_minutes": each} for each in (-1, 1.5, 1441)),
    *({"runbook_url": each} for each in ("", "docs/operating.md", "https://a.no/b#failed", "https://a b")),
    {"time_zone": "Oslo time"},
    *({"event_age_seconds": each} for each in (59, 21601, 269)),
    {"secrets_extension_layer_arn": f"{LAYER}:20"},
    {"secrets_extension_layer_arn": f"{LAYER}-Arm64"},
    {"secrets_extension_layer_arn": "arn:aws:lambda:eu-north-1:427196147048:layer:Other-Arm64:20"},
    {"vpc": {"subnet_ids": [], "security_group_ids": ["sg-1"]}},
    {"vpc": {"subnet_ids": ["vpc-1"], "security_group_ids": ["sg-1"]}},
    {"vpc": {"subnet_ids": ["subnet-1"], "security_group_ids": []}},
    {"vpc": {"subnet_ids": ["subnet-1"]}},
    {"vpc": {"subnet_ids": ["subnet-1"], "vpc_id": "subnet-1"}},
    {"vpc": {"subnet_ids": ["subnet-1"], "security_group_ids": ["sg-1"], "endpoints": ["sqs"]}},
    {"vpc": {**SUBNETS, "endpoints": ["dynamodb"]}},
    {"vpc": {**SUBNETS, "endpoints": ["s3"]}},
    {"vpc": {**SUBNETS, "route_table_ids": ["rtb-1"]}},
    *({"vpc": {**SUBNETS, "dns_forwarding": {each: ["10.0.0.53"]}}} for each in ("no", "*.nhn.no", ".")),
    *({"vpc": {**SUBNETS, "dns_forwarding": {"nhn.no": each}}} for each in ([], ["dns.nhn.no"], ["::1"], ["10.0.0.0/8"])),
    {"vpc": {"subnet_ids": ["subnet-1"], "vpc_id": "vpc-1", "dns_forwarding": {"nhn.no": ["10.0.0.53"]}}},
    {"vpc": {**SUBNETS, "nat_gateways": {"one": "eip-1"}}},
    *({"kms_key_arn": each} for each in ("*", "alias/a", "arn:aws:kms:eu-north-1:123456789012:alias/a")),
    {"permissions_boundary_arn": "boundary"},
    *(
        {"secret_administrators": each}
        for each in (
            [],
            ["*"],
            ["arn:aws:iam::123456789012:root"],
            ["arn:aws:iam::123456789012:role/*"],
            ["arn:aws:iam::*:role/deploy"],
            ["arn:aws:sts::123456789012:assumed-role/deploy/somebody"],
        )
    ),
    *({"secret_recovery_days": each} for each in (1, 31)),
    *(
        {"function_url": {"principals": each}}
        for each in ([], ["*"], ["arn:aws:iam::123456789012:root"], ["lambda.amazonaws.com"])
    ),
    *({"function_url": {"principals": [f"arn:aws:iam::123456789012:role/{each}"]}} for each in ("*", "")),
    *({"log_retention_days": each} for each in (0, 31)),
    {"alert_emails": ["on-call"]},
    *({"failures_to_alert": each} for each in (0, 1.5)),
    {"key_expiry_alert_days": 0},
    {"rotation": {"selvbetjening_url": "http://api.selvbetjening.nhn.no"}},
    {"rotation": {"selvbetjening_url": f"{SELVBETJENING}/v1/client-secret"}},
    *(
        {"rotation": {"selvbetjening_url": SELVBETJENING, "schedule": each}}
        for each in ("daily", "rate(5 minutes)", "rate(3 hours)")
    ),
    {"rotation": {"selvbetjening_url": SELVBETJENING, "alg": "HS256"}},
    *({"rotation": {"selvbetjening_url": SELVBETJENING, "due_fraction": each}} for each in (0, 1)),
    *({"extra_environment": {each: "x"}} for each in ("HELSEID_KEY", "AWS_REGION", "lower")),
    *({"extra_environment": {"NOTE": each}} for each in ('{"kty":"RSA"}', "-----BEGIN PRIVATE KEY-----", "eyJhbGciOi")),
]
# What the function itself would take, but Lambda's limits or the alarms do not. The function trims white space around a value
# with a WARNING, since an environment is easily pasted; a variable is corrected before anything is deployed.
STRICTER: list[dict[str, Any]] = [
    {"helseid_issuer": " https://helseid-sts.test.nhn.no"},
    {"helseid_client_id": "a\n"},
    {"api_url": "https://api.example.no/a\r"},
    *({"organizations": [each]} for each in ("", "999977774 999977776")),
    *({"token_endpoint_host": each} for each in ("", "a.no:")),
    *({"api_caller_headers": each} for each in ([], ["accept,prefer"])),
    {"deadline_seconds": 891},
    {"log_level": "WARNING"},
    {"api_methods": []},
    {"api_methods": ["GET", ""]},
    *({"result_to": each} for each in ("gs://abc/a", "projects/p/topics/topic", "file:/tmp", " log", "s3://a_b", "s3://abc/*")),
    *({"cursor_in": each} for each in ("gs://abc/a", "file:/tmp/a", "s3://abc/a*")),
]


@pytest.fixture(scope="module")
def variables(workspaces: Workspaces) -> Workspace:
    """Only the variables and their rules, which need no provider."""
    workspace = workspaces.bare("aws")
    rules = {name: (workspace.folder / name).read_text() for name in ("settings.tf", "variables.tf", "schedule_gaps.tf")}
    shutil.rmtree(workspace.folder)
    workspace.folder.mkdir()
    for name, text in rules.items():
        (workspace.folder / name).write_text(text)
    return workspace


def plan(workspace: Workspace, values: dict[str, Any]) -> None:
    (workspace.folder / "terraform.tfvars.json").write_text(json.dumps(NEEDED | values))
    workspace.run("plan", "-no-color", "-input=false", "-lock=false")


def environment_with(values: dict[str, Any]) -> dict[str, str]:
    needed = {SETTINGS[name]: text for name, text in NEEDED.items()} | {"HELSEID_KEY": EXAMPLES["HELSEID_KEY"]}
    return needed | {SETTINGS[name]: text_of(value) for name, value in values.items() if name in SETTINGS}


def text_of(value: Any) -> str:
    if isinstance(value, dict):
        return json.dumps(value)
    return " ".join(value) if isinstance(value, list) else str(value)


def test_the_variables_for_settings_have_their_names() -> None:
    declared = {each.name: each for each in read_variables(ROOT / MODULES / "aws")}
    assert {name for name, each in declared.items() if each.default is REQUIRED} == NEEDED.keys()
    assert SETTINGS.keys() <= declared.keys()


@pytest.mark.parametrize("values", GOOD, ids=str)
def test_valid_inputs_are_accepted(variables: Workspace, values: dict[str, Any]) -> None:
    plan(variables, values)
    parse_settings(environment_with(values))


@pytest.mark.parametrize("values", [*BAD, *STRICTER], ids=str)
def test_invalid_inputs_are_refused_by_name(variables: Workspace, values: dict[str, Any]) -> None:
    name = next(iter(values))
    with pytest.raises(Refused) as refusal:
        plan(variables, values)
    report = str(refusal.value)
    assert report.count("Error: ") == 1
    assert [line for line in report.splitlines() if line.lstrip("│ ").startswith((f"{name} ", f"{name}."))]
    if name in SETTINGS and values not in STRICTER:
        with pytest.raises(SettingsError, match=SETTINGS[name]):
            parse_settings(environment_with(values))


def test_no_setting_and_no_name_of_lambdas_is_an_extra(variables: Workspace) -> None:
    plan(variables, {})
    others = ("AWS_REGION", "AWS_SESSION_TOKEN", "AWS_LAMBDA_FUNCTION_NAME", "LAMBDA_TASK_ROOT")
    names = json.dumps([*EXAMPLES, *others])
    is_taken = 'can(regex("${local.own_names}|${local.host_names}", each))'
    kept = variables.evaluate(f'join(" ", [for each in {names} : each if !{is_taken}])')
    assert json.loads(kept).split() == LEFT_TO_EXTRA_ENVIRONMENT


@pytest.mark.parametrize("name", NEEDED)
def test_missing_inputs_are_named(variables: Workspace, name: str) -> None:
    with pytest.raises(Refused, match=f'"{name}"|var.{name}|{name} '):
        plan(variables, {name: None})
