"""What the Google Cloud module accepts for its variables and what it refuses by name; the function's own parser agrees."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from helseid_fn.errors import SettingsError
from helseid_fn.setting_table import EXAMPLES
from helseid_fn.settings import parse_settings
from tests.deployment.workspace import Refused, Workspace, Workspaces

REQUIRED = {
    "project_id": "my-project-123",
    "helseid_issuer": "https://helseid-sts.test.nhn.no",
    "helseid_client_id": "9f5a1c6e-1c3b-4c62-9b4e-6f5d0d9d7a10",
    "helseid_scope": "nhn:test-public-samplecode/client-credentials",
    "api_url": "https://api.example.no/machine-clients/greetings",
}
SETTINGS = {
    "helseid_issuer": "HELSEID_ISSUER",
    "helseid_client_id": "HELSEID_CLIENT_ID",
    "helseid_scope": "HELSEID_SCOPE",
    "parent_organization": "HELSEID_PARENT_ORGANIZATION",
    "child_organization": "HELSEID_CHILD_ORGANIZATION",
    "sfm_journal_id": "HELSEID_SFM_JOURNAL_ID",
    "api_url": "API_URL",
    "api_methods": "API_METHODS",
    "organizations": "HELSEID_ORGANIZATIONS",
    "token_endpoint_host": "TOKEN_ENDPOINT_HOST",
    "api_caller_headers": "API_CALLER_HEADERS",
    "api_headers": "API_HEADERS",
    "api_correlation_header": "API_CORRELATION_HEADER",
    "api_max_megabytes": "API_MAX_MEGABYTES",
    "deadline_seconds": "DEADLINE_SECONDS",
    "log_level": "LOG_LEVEL",
    "result_to": "RESULT_TO",
    "cursor_in": "CURSOR_IN",
}
"""The variables that become settings; the module refuses what the function would refuse, before anything is deployed."""

LEFT_TO_EXTRA_ENVIRONMENT = ["SECRET_MANAGER_ENDPOINT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"]

CONNECTOR = {"connector": "projects/p/locations/r/connectors/c"}
NETWORK = {"network": "projects/p/global/networks/n", "subnetwork": "projects/p/regions/europe-north1/subnetworks/s"}

GOOD: list[tuple[str, Any]] = [
    ("helseid_issuer", "https://samsvarstesting-sts-test.helseid.sky.nhn.no/3f0c/x"),
    ("helseid_issuer", "https://sts.example.no:8443"),
    ("helseid_client_id", "urn:client~1"),
    ("helseid_scope", "nhn:a/b  nhn:c!d"),
    ("parent_organization", "999977774"),
    ("child_organization", "999977776"),
    ("sfm_journal_id", "4a5f8d0e-6f0b-4b9c-8a63-0f3f7f2f9f11"),
    ("api_url", "https://api.example.no"),
    ("api_url", "https://api.example.no/a/b?next=//x/../y"),
    ("api_methods", ["DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"]),
    ("organizations", ["999977774", "313745392:999977776", ":999977776", "*"]),
    *(("token_endpoint_host", each) for each in ("a_b.example.no", "A.no:08443", "127.0.0.1", "[::1]:65535")),
    ("api_caller_headers", ["Accept", "nhn-*", "x-correlation-id", "do*", "x-forwarded-for"]),
    *(("api_headers", each) for each in ({}, {"Api-Version": "3", "empty": ""}, {"nhn-x": 'A, "b"\t&~', "x": "y"})),
    ("api_correlation_header", "NHN-event-id2"),
    *(("api_max_megabytes", each) for each in (1, 64)),
    ("deadline_seconds", 1),
    ("deadline_seconds", 40.5),
    ("log_level", "DEBUG"),
    *(
        ("result_to", each)
        for each in ("log", "gs://a-b.c_d", "gs://abc/", "gs://abc/a.b/..c/d!_*'()=@+,-/", "projects/a.no:p/topics/t%+")
    ),
    *(("cursor_in", each) for each in ("gs://abc/cursor", "gs://abc/a.b/.json")),
    ("extra_environment", {"HER_ID": "8141253", "GREETING": "hei"}),
    ("cursor_unmoved_hours", None),
    ("schedules", {}),
    ("schedules", {"a1": {"schedule": "*/15 7-16 * JAN,FEB mon-FRI", "invocation": {"input": [1], "deliver": True}}}),
    ("schedules", {"all": {"schedule": "0 0-23/2,5 1,31 1-12 0-7/3", "enabled": False}}),
    *(("longest_gap_hours", each) for each in (0, 9000)),
    ("runbook_url", "https://git.example.no/operating.md"),
    ("region", "europe-west12"),
    ("archive", "gs://releases/helseid-fn/google-3.13.zip"),
    ("python_version", "3.14"),
    ("log_retention_days", 3650),
    ("existing", {"secret": "projects/p/secrets/s", "run_account": "a@b-c.iam.gserviceaccount.com", "source_bucket": "abc"}),
    ("vpc", CONNECTOR),
    ("vpc", NETWORK),
    ("vpc", NETWORK | {"egress": "ALL_TRAFFIC", "nat": True, "tags": ["a"]}),
    ("additional_invokers", ["user:a@example.no", "serviceAccount:b@my-project-123.iam.gserviceaccount.com"]),
    ("pubsub", {}),
    ("rotation", {"selvbetjening_url": "https://api.selvbetjening.nhn.no", "alg": "ES512", "due_fraction": 0.001}),
]
BAD: list[tuple[str, Any]] = [
    ("project_id", "My Project"),
    ("project_id", "123456789012"),
    ("region", "Finland"),
    ("name", "helseid_fn"),
    ("name", "a-name-that-is-too-long"),
    ("name", "ends-with-"),
    ("labels", {"Team": "x"}),
    ("labels", {"team": "Integration"}),
    ("helseid_issuer", "http://helseid-sts.test.nhn.no"),
    ("helseid_issuer", "https://helseid-sts.test.nhn.no/"),
    ("helseid_issuer", "https://helseid-sts.test.nhn.no?x=1"),
    ("helseid_issuer", "https://helseid-sts.test.nhn.no/a/%2E./b"),
    ("helseid_issuer", "https://user@helseid-sts.test.nhn.no"),
    ("helseid_issuer", "helseid-sts.test.nhn.no"),
    *(
        ("helseid_issuer", f"https://sts.example.no{each}")
        for each in ("/.well-known/openid-configuration", "/Connect", ":65536")
    ),
    ("helseid_issuer", "https://sts..example.no"),
    ("helseid_client_id", "a client"),
    ("helseid_client_id", ""),
    ("helseid_client_id", "x" * 201),
    ("helseid_scope", ""),
    ("helseid_scope", " "),
    ("helseid_scope", 'a "b"'),
    ("helseid_scope", "nhn:a,nhn:b"),
    ("parent_organization", "99997777"),
    ("parent_organization", "NO999977774"),
    ("child_organization", "9999777760"),
    ("sfm_journal_id", "4a5f8d0e"),
    ("api_url", "http://api.example.no"),
    ("api_url", "https://api.example.no/a/../b"),
    ("api_url", "https://api.example.no/a/."),
    ("api_url", "https://api.example.no//a"),
    ("api_url", "https://api.example.no/#a"),
    ("api_url", "https://api.example.no/a b"),
    ("api_methods", ["get"]),
    ("api_methods", ["TRACE"]),
    *(("organizations", [each]) for each in ("99997777", "999977774:", "**")),
    *(("token_endpoint_host", each) for each in ("https://a.no", "a.no/", "a.no:0", "a.no:65536", "-a.no", "a..no", "x@a.no")),
    *(("api_caller_headers", [each]) for each in ("*", "n*n", "æ", "DPoP", "auth*", "te", "h*", "x_y")),
    *(("api_headers", {each: "x"}) for each in ("", "a b", "a_b", "æ", "DPoP", "Authorization", "Content-Type", "traceparent")),
    *(("api_headers", {"x": each}) for each in (" a", "a\n", "a\nb", "æ")),
    ("api_headers", {"x": "1", "X": "2"}),
    *(("api_correlation_header", each) for each in ("a b", "a_b", "nhn-*", "DPoP", "te", "Content-Type", "traceparent")),
    *(("api_max_megabytes", each) for each in (0, 65, 1.5)),
    ("deadline_seconds", 0),
    ("log_level", "info"),
    *(
        ("result_to", f"gs://{each}")
        for each in ("", "a", "Abc", "abc-", "abc//a", "abc/a//b", "abc/a b", "abc/../a", "abc/.", "abc/æ")
    ),
    *(("result_to", each) for each in ("Log", "queue", "projects/p/topics/1", "projects/p/topics/goog/x", "https://a.no")),
    *(("cursor_in", each) for each in ("cursor.json", "gs://abc", "gs://abc/", "gs://abc/a/", "gs://abc/./a", "gs://abc//a")),
    *(("results_days", each) for each in (0, 1.5, 3651)),
    *(("extra_environment", {each: "x"}) for each in ("API_URL", "GOOGLE_CLOUD_PROJECT", "lower")),
    ("extra_environment", {"NOTE": '{"kty":"RSA"}'}),
    ("source_dir", "nowhere"),
    *(("schedules", {"hourly": {"schedule": each}}) for each in ("every 1 hours", "0 6 * *", "0 6 * * MON-XXX", "0 6 L * *")),
    *(
        ("schedules", {"a": {"schedule": each}})
        for each in ("60 6 * * *", "0 7-24 * * *", "0 6 1,32 * *", "0 6 1 13 *", "0 6 * * 8")
    ),
    *(("schedules", {each: {"schedule": "0 6 * * *"}}) for each in ("rotate", "Hourly", "1", "a" * 41)),
    ("schedules", []),
    ("schedules", "0 6 * * *"),
    ("schedules", {"a": "0 6 * * *"}),
    ("schedules", {"a": {}}),
    ("schedules", {"a": {"schedule": "0 6 * * *", "body": {}}}),
    ("schedules", {"a": {"schedule": "0 6 * * *", "invocation": []}}),
    ("schedules", {"a": {"schedule": "0 6 * * *", "invocation": "{}"}}),
    ("schedules", {"a": {"schedule": "0 6 * * *", "invocation": {"method": "GET"}}}),
    ("schedule_region", "Norway"),
    ("additional_invokers", ["allUsers"]),
    ("additional_invokers", ["allAuthenticatedUsers"]),
    ("additional_invokers", ["domain:example.no"]),
    ("ingress", "ALL"),
    ("pubsub", {"publishers": ["allUsers"]}),
    ("pubsub", {"max_delivery_attempts": 4}),
    ("pubsub", {"max_delivery_attempts": 101}),
    ("key_delivery", "environment"),
    ("min_instances", -1),
    ("min_instances", 2),
    ("max_instances", 0),
    ("max_instances", 101),
    ("concurrency", 0),
    ("concurrency", 81),
    ("memory", "512"),
    ("cpu", "3"),
    ("region", "europe-west2"),
    ("schedule_region", "europe-west6"),
    ("archive", "nowhere.zip"),
    ("archive", "gs://releases"),
    ("python_version", "3.10"),
    *(("log_retention_days", each) for each in (0, 3651, 1.5)),
    ("existing", {"secrets": "projects/p/secrets/s"}),
    ("existing", {"secret": "s"}),
    ("existing", {"secret": "projects/p/secrets/s; true"}),
    ("existing", {"secret": "projects/$(true)/secrets/s"}),
    ("existing", {"log_bucket": "projects/p/locations/europe-north1/buckets/`true`"}),
    ("existing", {"log_bucket": 'projects/p/locations/europe-north1/buckets/b" || "a'}),
    ("existing", {"repository": "projects/p/locations/europe-north1/repositories/a b"}),
    ("existing", {"worker_pool": "projects/p/locations/europe-north1/workerPools/a b"}),
    ("existing", {"run_account": "a@example.no"}),
    ("vpc", {}),
    ("vpc", {"connector": "egress"}),
    ("vpc", CONNECTOR | {"egress": "ALL"}),
    ("vpc", CONNECTOR | {"tags": ["a"]}),
    ("vpc", CONNECTOR | {"egress": "ALL_TRAFFIC", "nat": True}),
    ("vpc", NETWORK | {"connector": CONNECTOR["connector"]}),
    ("vpc", {"network": NETWORK["network"]}),
    ("vpc", NETWORK | {"network": "hub"}),
    ("vpc", NETWORK | {"subnetwork": "projects/p/regions/europe-west1/subnetworks/s"}),
    ("vpc", NETWORK | {"nat": True}),
    ("dns_forwarding", {"nhn.no": ["10.0.0.53"]}),
    ("kms_key", "my-key"),
    ("alert_emails", ["on-call"]),
    ("notification_channels", ["on-call@example.no"]),
    *(("longest_gap_hours", each) for each in (-1, 1.5, 9001)),
    ("runbook_url", "docs/operating.md"),
    ("runbook_url", "https://git.example.no/operating.md#a"),
    ("key_expiry_alert_days", 0),
    ("rotation", {"selvbetjening_url": "http://api.selvbetjening.nhn.no"}),
    ("rotation", {"selvbetjening_url": "https://api.selvbetjening.nhn.no/v1/client-secret"}),
    ("rotation", {"selvbetjening_url": "https://a.no", "schedule": "daily"}),
    ("rotation", {"selvbetjening_url": "https://a.no", "alg": "HS256"}),
    ("rotation", {"selvbetjening_url": "https://a.no", "due_fraction": 1}),
    ("rotation", {"selvbetjening_url": "https://a.no", "grace_hours": 0}),
    ("rotation", {"selvbetjening_url": "https://a.no", "destroy_after_days": 4000}),
]
# Values that the function itself would accept, but this deployment has a reason to refuse. The function trims white space
# around a value with a WARNING, since an environment is easily pasted; a variable is corrected before anything is deployed.
STRICTER = [
    ("helseid_issuer", " https://helseid-sts.test.nhn.no"),
    ("helseid_client_id", "a\n"),
    ("helseid_scope", "nhn:a/b "),
    ("api_url", "https://api.example.no/a\r"),
    *(("organizations", [each]) for each in ("", "999977774 999977776")),
    *(("token_endpoint_host", each) for each in ("", "a.no:")),
    *(("api_caller_headers", each) for each in ([], ["accept,prefer"])),
    ("deadline_seconds", 1781),
    ("log_level", "WARNING"),
    ("api_methods", []),
    *(("result_to", each) for each in ("s3://abc/a", "arn:aws:sqs:eu-north-1:123456789012:a", "file:/tmp", " log")),
    *(("cursor_in", each) for each in ("s3://abc/a", "file:/tmp/a")),
]


@pytest.fixture(scope="module")
def variables(workspaces: Workspaces) -> Workspace:
    """Only the variables and their rules, which need no provider."""
    workspace = workspaces.bare("google")
    rules = (workspace.folder / "variables.tf").read_text()
    shutil.rmtree(workspace.folder)
    workspace.folder.mkdir()
    (workspace.folder / "variables.tf").write_text(rules)
    return workspace


def put(workspace: Workspace, values: dict[str, Any]) -> str:
    file = Path(workspace.folder) / "values.tfvars.json"
    file.write_text(json.dumps(REQUIRED | values))
    return workspace.run("plan", "-no-color", "-input=false", f"-var-file={file}")


@pytest.mark.parametrize(("name", "value"), GOOD, ids=str)
def test_valid_inputs_are_accepted(variables: Workspace, name: str, value: Any) -> None:
    put(variables, {name: value})
    if name in SETTINGS:
        parse_settings(environment_with(name, value))


@pytest.mark.parametrize(("name", "value"), [*BAD, *STRICTER], ids=str)
def test_invalid_inputs_are_refused_by_name(variables: Workspace, name: str, value: Any) -> None:
    with pytest.raises(Refused) as refusal:
        put(variables, {name: value})
    report = str(refusal.value).replace("Invalid value for variable", "")
    assert report.count("Error: ") == 1
    assert any(line.startswith((f"{name} ", f"{name}.")) for line in report.splitlines())
    if name in SETTINGS and (name, value) not in STRICTER:
        with pytest.raises(SettingsError, match=SETTINGS[name]):
            parse_settings(environment_with(name, value))


@pytest.mark.parametrize("name", REQUIRED)
def test_missing_inputs_are_named(variables: Workspace, name: str) -> None:
    with pytest.raises(Refused, match=name):
        put(variables, {name: None})


def test_no_setting_and_no_name_of_googles_is_an_extra(variables: Workspace) -> None:
    put(variables, {})
    others = ("FUNCTION_TARGET", "GOOGLE_CLOUD_PROJECT", "K_SERVICE", "LOG_EXECUTION_ID", "PORT", "X_GOOGLE_A")
    names = json.dumps([*EXAMPLES, *others])
    is_taken = 'can(regex("${local.own_names}|${local.host_names}", each))'
    kept = variables.evaluate(f'join(" ", [for each in {names} : each if !{is_taken}])')
    assert json.loads(kept).split() == LEFT_TO_EXTRA_ENVIRONMENT


def test_concurrent_calls_need_a_whole_processor(variables: Workspace) -> None:
    put(variables, {"cpu": "0.583", "concurrency": 1})
    with pytest.raises(Refused, match="concurrency must be between"):
        put(variables, {"cpu": "0.583", "concurrency": 2})


def test_pubsub_waits_for_less_time_than_the_scheduler(variables: Workspace) -> None:
    put(variables, {"deadline_seconds": 1780})
    put(variables, {"deadline_seconds": 580, "pubsub": {}})
    with pytest.raises(Refused, match="580 with pubsub"):
        put(variables, {"deadline_seconds": 581, "pubsub": {}})


def test_other_regions_are_allowed_on_request(variables: Workspace) -> None:
    put(variables, {"region": "us-central1", "schedule_region": "us-east1", "allow_outside_eea": True})


def test_an_archive_has_its_own_job(variables: Workspace) -> None:
    (variables.folder / "main.py").touch()
    with pytest.raises(Refused, match="archive contains a job already"):
        put(variables, {"archive": "gs://abc/a.zip", "source_dir": "."})


def test_a_log_bucket_is_made_or_exists(variables: Workspace) -> None:
    existing = {"log_bucket": "projects/p/locations/europe-north1/buckets/b"}
    put(variables, {"existing": existing})
    with pytest.raises(Refused, match="log_retention_days is a property of the bucket"):
        put(variables, {"existing": existing, "log_retention_days": 30})


def test_name_servers_are_asked_through_a_network(variables: Workspace) -> None:
    for zones in ({"nhn.no": ["10.0.0.53"]}, {"nhn.no.": ["10.0.0.53", "10.0.1.53"], "example.no": ["192.0.2.1"]}):
        put(variables, {"dns_forwarding": zones, "vpc": NETWORK})
    faults: list[dict[str, list[str]]] = [
        {"": ["10.0.0.53"]},
        {"nhn.no": []},
        {"nhn.no": ["ns.nhn.no"]},
        {"nhn no": ["10.0.0.53"]},
    ]
    for zones in faults:
        with pytest.raises(Refused, match="dns_forwarding must be"):
            put(variables, {"dns_forwarding": zones, "vpc": NETWORK})
    with pytest.raises(Refused, match=r"dns_forwarding needs vpc\.network"):
        put(variables, {"dns_forwarding": {"nhn.no": ["10.0.0.53"]}, "vpc": CONNECTOR})


def test_an_alert_on_the_cursor_needs_a_cursor(variables: Workspace) -> None:
    for place in ({"result_to": "bucket"}, {"result_to": "gs://abc"}, {"cursor_in": "gs://abc/a", "result_to": "topic"}):
        put(variables, {"cursor_unmoved_hours": 24, **place})
    for nowhere in ({}, {"result_to": "topic"}, {"result_to": "log"}):
        with pytest.raises(Refused, match="cursor_unmoved_hours needs a cursor"):
            put(variables, {"cursor_unmoved_hours": 24, **nowhere})
    for hours in (0, 8761):
        with pytest.raises(Refused, match="cursor_unmoved_hours must be above 0"):
            put(variables, {"cursor_unmoved_hours": hours, "result_to": "bucket"})


def environment_with(name: str, value: Any) -> dict[str, str]:
    required = ("HELSEID_ISSUER", "HELSEID_CLIENT_ID", "HELSEID_SCOPE", "HELSEID_KEY", "API_URL")
    text = " ".join(value) if isinstance(value, list) else json.dumps(value) if isinstance(value, dict) else str(value)
    return {setting: EXAMPLES[setting] for setting in required} | {SETTINGS[name]: text}
