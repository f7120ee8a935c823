from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import certifi
import pytest

from helseid_fn.delivery.address import Bucket, CursorAddress
from helseid_fn.errors import SettingsError
from helseid_fn.setting_parsers import API_METHODS, LOG_LEVELS
from helseid_fn.setting_table import EXAMPLES, SETTINGS
from helseid_fn.settings import RotationSettings, find_warnings, parse_settings
from tests.support.parts import REQUIRED, make_settings

ALL_BAD = {
    "HELSEID_ISSUER": "ftp://HUSH-HUSH",
    "HELSEID_CLIENT_ID": "HUSH HUSH",
    "HELSEID_SCOPE": 'HUSH"HUSH',
    "HELSEID_KEY": "HUSH-HUSH",
    "HELSEID_PARENT_ORGANIZATION": "HUSH-HUSH",
    "HELSEID_CHILD_ORGANIZATION": "HUSH-HUSH",
    "HELSEID_SFM_JOURNAL_ID": "HUSH-HUSH",
    "API_URL": "HUSH-HUSH",
    "API_METHODS": "HUSH-HUSH",
    "API_CALLER_HEADERS": "HUSH HUSH:HUSH",
    "API_HEADERS": '{"nhn-a": "HUSH-HUSH", "HUSH HUSH": "HUSH"}',
    "API_CORRELATION_HEADER": "HUSH HUSH",
    "API_MAX_MEGABYTES": "HUSH",
    "RESULT_TO": "HUSH-HUSH",
    "CURSOR_IN": "HUSH-HUSH",
    "HELSEID_ORGANIZATIONS": "HUSH",
    "TOKEN_ENDPOINT_HOST": "HUSH HUSH",
    "DEADLINE_SECONDS": "HUSH-HUSH",
    "LOG_LEVEL": "HUSH-HUSH",
    "LOG_FORMAT": "HUSH-HUSH",
    "SECRET_MANAGER_ENDPOINT": "HUSH-HUSH",
    "SELVBETJENING_URL": "HUSH-HUSH",
    "HELSEID_PENDING_KEY": "projects/HUSH-HUSH/secrets/s/versions/1",
    "ROTATION_ALG": "HUSH-HUSH",
    "ROTATION_DUE_FRACTION": "HUSH-HUSH",
    "ROTATION_GRACE_HOURS": "HUSH-HUSH",
    "ROTATION_DESTROY_AFTER_DAYS": "HUSH-HUSH",
    "REQUESTS_CA_BUNDLE": "/HUSH-HUSH",
}


BUNDLES = {"REQUESTS_CA_BUNDLE": certifi.where(), "CURL_CA_BUNDLE": certifi.where()}
"""Where a bundle certainly is; the example's path is not on every machine."""


def faults_of(environ: dict[str, str]) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as raised:
        parse_settings(environ)
    return raised.value.faults


def test_reads_every_setting() -> None:
    settings = parse_settings(
        EXAMPLES | BUNDLES | {"API_METHODS": "GET, POST", "DEADLINE_SECONDS": "12.5", "LOG_LEVEL": "DEBUG"}
    )
    assert dataclasses.asdict(settings) == {
        "issuer": EXAMPLES["HELSEID_ISSUER"],
        "client_id": EXAMPLES["HELSEID_CLIENT_ID"],
        "scopes": frozenset({EXAMPLES["HELSEID_SCOPE"]}),
        "key_address": EXAMPLES["HELSEID_KEY"],
        "organization": {
            "parent": "999977774",
            "child": "999977776",
            "sfm_journal_id": EXAMPLES["HELSEID_SFM_JOURNAL_ID"],
        },
        "api_url": EXAMPLES["API_URL"],
        "api_methods": frozenset({"GET", "POST"}),
        "api_caller_headers": ("accept", "content-type", "nhn-*"),
        "api_headers": {"nhn-source-system": "My-EPJ, v1.0.2", "api-version": "3"},
        "api_correlation_header": "nhn-event-id",
        "api_max_bytes": 35 * 1024 * 1024,
        "result_to": Bucket("gs", "my-bucket", "greetings/"),
        "cursor_in": CursorAddress(Bucket("gs", "my-bucket", "greetings/"), "cursor.json"),
        "token_endpoint_host": "helseid-token.example.no",
        "allowed_organizations": frozenset({"999977774", "313745392:999977776", "999977774:999977776"}),
        "deadline_seconds": 12.5,
        "log_level": "DEBUG",
        "log_format": "json",
        "secret_manager_endpoint": "127.0.0.1:8085",
        "google_project": "my-project",
        "rotation": RotationSettings(
            selvbetjening_url=EXAMPLES["SELVBETJENING_URL"],
            pending_secret=EXAMPLES["HELSEID_PENDING_KEY"],
            alg="PS256",
            due_fraction=0.67,
            grace_hours=24.0,
            destroy_after_days=30.0,
        ),
    }


def test_five_settings_are_enough() -> None:
    settings = parse_settings(REQUIRED)
    optional = ("api_methods", "deadline_seconds", "log_level", "secret_manager_endpoint")
    assert [getattr(settings, name) for name in optional] == [frozenset({"GET"}), 25.0, "INFO", None]
    assert settings.organization.numbers() == {"parent": None, "child": None}


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        parse_settings(REQUIRED).issuer = "https://other.example"  # type: ignore[misc]


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_is_itself_valid(name: str) -> None:
    assert parse_settings(REQUIRED | {name: (EXAMPLES | BUNDLES)[name]})


def test_names_every_bad_variable_at_once() -> None:
    with pytest.raises(SettingsError) as raised:
        parse_settings(ALL_BAD)
    faults = raised.value.faults
    assert {fault.split(" ")[0] for fault in faults} == set(ALL_BAD)
    assert all(fault in str(raised.value) for fault in faults)
    assert [fault for fault in faults if f"(for example {EXAMPLES[fault.split(' ')[0]]})" not in fault] == []


def test_names_every_missing_variable_at_once() -> None:
    assert [fault.split(" (")[0] for fault in faults_of({})] == [f"{name} is missing" for name in REQUIRED]


@pytest.mark.parametrize("name", ALL_BAD)
def test_a_value_is_never_echoed(name: str) -> None:
    assert "HUSH" not in " ".join(faults_of({**REQUIRED, name: ALL_BAD[name]}))


@pytest.mark.parametrize("name", REQUIRED)
def test_an_empty_required_variable_is_missing(name: str) -> None:
    assert [fault.split(" (")[0] for fault in faults_of({**REQUIRED, name: ""})] == [f"{name} is missing"]


def test_an_empty_optional_variable_is_absent() -> None:
    optional = dict.fromkeys(set(EXAMPLES) - set(REQUIRED), "")
    assert parse_settings(REQUIRED | optional) == parse_settings(REQUIRED)


BAD = [
    ("HELSEID_ISSUER", "https://helseid-sts.nhn.no/", "ends with a slash"),
    ("HELSEID_ISSUER", "https://helseid-sts.nhn.no?x=1", "has a query"),
    ("HELSEID_ISSUER", "http://helseid-sts.nhn.no", "must be https"),
    ("HELSEID_ISSUER", "helseid-sts.nhn.no", "is not an https URL"),
    (
        "HELSEID_ISSUER",
        "https://helseid-sts.nhn.no/.well-known/openid-configuration",
        "leave out /.well-known and what follows",
    ),
    ("HELSEID_ISSUER", "https://helseid-sts.nhn.no/connect/token", "leave out /connect and what follows"),
    ("HELSEID_ISSUER", "https://helseid-sts.nhn.no/tenant/connect/token/", "leave out /connect and what follows"),
    ("SELVBETJENING_URL", "https://api.selvbetjening.nhn.no/v1/client-secret", "leave out /v1 and what follows"),
    ("SELVBETJENING_URL", "https://api.selvbetjening.nhn.no/v1", "leave out /v1 and what follows"),
    ("HELSEID_ISSUER", "https://user@helseid-sts.nhn.no", "user name"),
    ("HELSEID_CLIENT_ID", "a b", "is not a client id"),
    ("HELSEID_CLIENT_ID", "æ", "is not a client id"),
    ("HELSEID_CLIENT_ID", '{"kty":"EC"}', "is not a client id"),
    ("HELSEID_KEY", 'file:{"kty":"EC"}', "is a key and not the address of one"),
    ("HELSEID_SCOPE", "   ", "is missing"),
    ("HELSEID_SCOPE", 'a "b"', "characters"),
    ("HELSEID_SCOPE", "a\\b", "characters"),
    ("HELSEID_SCOPE", "ælv", "characters"),
    ("HELSEID_SCOPE", "nhn:a/b,nhn:c/d", "has a comma; separate scopes with spaces"),
    ("HELSEID_SCOPE", "nhn:a/b, nhn:c/d", "has a comma; separate scopes with spaces"),
    ("HELSEID_KEY", "file:", "has no path after file:"),
    ("HELSEID_KEY", "file:a\0b", "has no path after file:"),
    ("HELSEID_KEY", "file:~/key.json", "begins with ~, which is not expanded"),
    ("HELSEID_KEY", "file:$HOME/key.json", "begins with $, which is not expanded"),
    ("HELSEID_KEY", "file:'/run/key.json'", "has quotes around its path"),
    ("HELSEID_KEY", "file://run/key.json", "has a host after file://"),
    *(
        ("HELSEID_KEY", path, "is a path; write file: in front of it")
        for path in ("key.json", "keys/client.jwk", "/run/key", "./key", "../key", "~/key", "C:\\keys\\key.json", "my key.pem")
    ),
    ("HELSEID_KEY", "projects/p/secrets/s", "no version of it; add /versions/latest"),
    ("HELSEID_KEY", "gs://bucket/key.json", "is not of the form projects/"),
    ("HELSEID_KEY", "helseid-key", "is not of the form projects/"),
    ("HELSEID_KEY", "projects/p/secrets/s/versions/", "is not of the form projects/"),
    ("HELSEID_KEY", "projects/p/secrets/s/versions/latest/", "is not of the form projects/"),
    ("HELSEID_KEY", "projects/P Q/secrets/s/versions/1", "is not of the form projects/"),
    ("HELSEID_KEY", "arn:aws:s3:::bucket", "is not of the form arn:aws:secretsmanager"),
    ("HELSEID_KEY", "arn:aws:secretsmanager:eu-north-1:123456789012:secret:name", "six characters"),
    ("HELSEID_PARENT_ORGANIZATION", "99997777", "is not nine digits"),
    ("HELSEID_PARENT_ORGANIZATION", "9999777744", "is not nine digits"),
    ("HELSEID_PARENT_ORGANIZATION", "999 977 774", "is not nine digits"),
    ("HELSEID_PARENT_ORGANIZATION", "999\u200b977774", "has an invisible character within it"),
    ("HELSEID_PARENT_ORGANIZATION", "٩٩٩٩٧٧٧٧٤", "is not nine digits"),
    ("HELSEID_CHILD_ORGANIZATION", "NO999977774", "is not nine digits"),
    ("HELSEID_SFM_JOURNAL_ID", "4a5f8d0e6f0b4b9c8a630f3f7f2f9f11", "is not a UUID"),
    ("HELSEID_SFM_JOURNAL_ID", "{4a5f8d0e-6f0b-4b9c-8a63-0f3f7f2f9f11}", "is not a UUID"),
    ("API_URL", "http://api.example.no", "must be https"),
    ("API_URL", "/machine-clients", "is not an https URL"),
    ("API_URL", "https://api.example.no/a/../b", "empty, . or .. segment"),
    ("API_METHODS", "get", "in capitals"),
    ("API_METHODS", "GET TRACE", "is not a list of"),
    ("API_METHODS", ",", "is not a list of"),
    ("API_HEADERS", "nhn-source-system: a", "is not a JSON object of headers"),
    ("API_HEADERS", '["a"]', "is not a JSON object of headers"),
    ("API_HEADERS", '{"a": "1", "A": "2"}', "names a header twice"),
    ("API_HEADERS", '{"api-version": 3}', "is not visible ASCII in quotes"),
    ("API_HEADERS", '{"a": "\\r\\nb: c"}', "is not visible ASCII in quotes"),
    ("API_HEADERS", '{"a": "æ"}', "is not visible ASCII in quotes"),
    ("API_HEADERS", '{"": "a"}', "has a name with other characters than letters, digits and hyphens"),
    ("API_HEADERS", '{"Content_Length": "1"}', "has a name with other characters than letters, digits and hyphens"),
    ("API_HEADERS", '{"DPoP": "a"}', "would set dpop, which only the function may set"),
    ("API_HEADERS", '{"Host": "a"}', "would set host, which only the function may set"),
    ("API_HEADERS", '{"Content-Type": "text/plain"}', "would set content-type, which belongs to each call"),
    ("API_HEADERS", '{"traceparent": "a"}', "would set traceparent, which belongs to each call"),
    ("API_CORRELATION_HEADER", "nhn-*", "is not a header's name"),
    ("API_CORRELATION_HEADER", "authorization", "which only the function may set"),
    ("API_CORRELATION_HEADER", "Content-Type", "which belongs to each call"),
    ("API_CALLER_HEADERS", "nhn_*", "is not a list of header names"),
    ("HELSEID_ORGANIZATIONS", "999977774,313745392", "is not a list of parent, parent:child or :child"),
    ("HELSEID_ORGANIZATIONS", "999977774:", "is not a list of parent, parent:child or :child"),
    ("HELSEID_ORGANIZATIONS", "99997777", "is not a list of parent, parent:child or :child"),
    ("TOKEN_ENDPOINT_HOST", "https://helseid.example.no", "is not a host such as"),
    ("TOKEN_ENDPOINT_HOST", "user@helseid.example.no", "is not a host such as"),
    ("API_MAX_MEGABYTES", "0", "is not a whole number from 1 to 64"),
    ("API_MAX_MEGABYTES", "65", "is not a whole number from 1 to 64"),
    ("API_MAX_MEGABYTES", "1.5", "is not a whole number from 1 to 64"),
    ("API_MAX_MEGABYTES", "-1", "is not a whole number from 1 to 64"),
    ("API_CALLER_HEADERS", "accept host", "only the function may set"),
    ("DEADLINE_SECONDS", "0", "above 0"),
    ("DEADLINE_SECONDS", "-1", "above 0"),
    ("DEADLINE_SECONDS", "nan", "above 0"),
    ("DEADLINE_SECONDS", "inf", "up to 3600"),
    ("DEADLINE_SECONDS", "3601", "up to 3600"),
    ("DEADLINE_SECONDS", "25s", "is not a number"),
    ("DEADLINE_SECONDS", "2,5", "has a comma; write a decimal point"),
    ("ROTATION_DUE_FRACTION", "0,67", "has a comma; write a decimal point"),
    ("ROTATION_ALG", "ps256", "must be in capitals"),
    ("LOG_LEVEL", "info", "must be in capitals"),
    ("LOG_LEVEL", "TRACE", "is not one of DEBUG"),
    ("SECRET_MANAGER_ENDPOINT", "127.0.0.1", "is not host:port"),
    ("SECRET_MANAGER_ENDPOINT", "http://127.0.0.1:1", "is not host:port"),
    ("SECRET_MANAGER_ENDPOINT", "127.0.0.1:123456", "is not host:port"),
]


@pytest.mark.parametrize(("name", "value", "words"), BAD, ids=[f"{name}={value!r}" for name, value, _ in BAD])
def test_says_what_is_wrong_with_a_value(name: str, value: str, words: str) -> None:
    (fault,) = faults_of({**REQUIRED, name: value})
    assert (fault.split(" ")[0], words in fault) == (name, True)


@pytest.mark.parametrize(
    "value",
    [
        '{"kty":"RSA","d":"HUSH-HUSH"}',
        ' \n{"kty":"RSA","d":"HUSH-HUSH"}',
        '\ufeff{"kty":"RSA","d":"HUSH-HUSH"}',
        "-----BEGIN PRIVATE KEY-----\nHUSH-HUSH",
        "eyJrdHkiOiJSU0EiLCJkIjoiSFVTSC1IVVNIIn0",
    ],
    ids=["JWK", "JWK after white space", "JWK after a BOM", "PEM", "base64 of a JWK"],
)
def test_a_key_in_place_of_its_address_is_not_shown(value: str) -> None:
    (fault,) = faults_of({**REQUIRED, "HELSEID_KEY": value})
    assert ("is a key and not the address of one" in fault, "HUSH" in fault, "SFVTSC1IVVNI" in fault) == (True, False, False)


GOOD = [
    ("HELSEID_ISSUER", "https://helseid-sts.nhn.no/tenant/one"),
    ("HELSEID_ISSUER", "http://127.0.0.1:8080"),
    ("HELSEID_ISSUER", "http://localhost:8080"),
    ("HELSEID_ISSUER", "http://[::1]:8080"),
    ("HELSEID_KEY", "file:key.json"),
    ("HELSEID_KEY", "file:/etc/secrets/key with spaces.json"),
    ("HELSEID_KEY", "projects/123456/secrets/s_1-x/versions/7"),
    ("HELSEID_KEY", "projects/example.com:p/locations/europe-north1/secrets/s/versions/latest"),
    ("HELSEID_KEY", "arn:aws:secretsmanager:eu-north-1:123456789012:secret:helseid/key-AbCdEf"),
    ("HELSEID_KEY", "arn:aws:secretsmanager:eu-north-1:123456789012:secret:helseid/key-AbCdEf::AWSPREVIOUS:"),
    ("HELSEID_CHILD_ORGANIZATION", "999977775"),
    ("HELSEID_SFM_JOURNAL_ID", "4A5F8D0E-6F0B-4B9C-8A63-0F3F7F2F9F11"),
    ("API_URL", "https://api.example.no"),
    ("API_URL", "https://api.example.no/a?version=2"),
    ("API_METHODS", "GET,POST PUT, DELETE"),
    ("API_CALLER_HEADERS", "Accept, x-*"),
    ("DEADLINE_SECONDS", "0.5"),
    ("DEADLINE_SECONDS", "3600"),
    ("SECRET_MANAGER_ENDPOINT", "[::1]:8085"),
    ("SECRET_MANAGER_ENDPOINT", "secretmanager.europe-north1.rep.googleapis.com:443"),
]


@pytest.mark.parametrize(("name", "value"), GOOD, ids=[f"{name}={value!r}" for name, value in GOOD])
def test_takes_a_good_value(name: str, value: str) -> None:
    assert make_settings(**{name: value})


def test_scopes_may_span_several_lines() -> None:
    assert make_settings(HELSEID_SCOPE=" nhn:a/b\n  nhn:c/d nhn:a/b ").scopes == {"nhn:a/b", "nhn:c/d"}


@pytest.mark.parametrize("method", sorted(API_METHODS))
def test_every_method_can_be_allowed_alone(method: str) -> None:
    assert make_settings(API_METHODS=method).api_methods == {method}


@pytest.mark.parametrize("level", LOG_LEVELS)
def test_takes_every_log_level(level: str) -> None:
    assert make_settings(LOG_LEVEL=level).log_level == level


def test_traces_belong_to_the_key_s_project_by_default() -> None:
    assert make_settings().google_project == "my-project"


def test_the_platform_s_project_wins_over_the_key_s() -> None:
    assert make_settings(GOOGLE_CLOUD_PROJECT="functions-own").google_project == "functions-own"


def test_a_file_key_has_no_project() -> None:
    assert make_settings(HELSEID_KEY="file:key.json").google_project is None


AROUND = {
    "a carriage return": "{}\r",
    "a line's end": "{}\r\n",
    "blanks": "  {}\t",
    "a no-break space": "{}\u00a0",
    "a byte order mark": "\ufeff{}",
    "a zero-width space and a blank": " \u200b{}",
}
TRIMMED = sorted(set(EXAMPLES) - {"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"})
around_a_value = pytest.mark.parametrize("template", AROUND.values(), ids=AROUND)


@pytest.mark.parametrize("name", TRIMMED)
@around_a_value
def test_white_space_around_a_value_is_trimmed(name: str, template: str) -> None:
    assert parse_settings(REQUIRED | {name: template.format(EXAMPLES[name])}) == parse_settings(
        REQUIRED | {name: EXAMPLES[name]}
    )


@around_a_value
def test_white_space_around_a_value_is_warned_about(template: str) -> None:
    (warning,) = find_warnings({**REQUIRED, "HELSEID_PARENT_ORGANIZATION": template.format("999977774")})
    assert warning.startswith("HELSEID_PARENT_ORGANIZATION has ")
    assert warning.endswith(" around its value, which is ignored.")
    assert "999977774" not in warning


def test_a_carriage_return_is_named() -> None:
    assert "has a carriage return around" in "".join(find_warnings({**REQUIRED, "LOG_LEVEL": "INFO\r"}))


@pytest.mark.parametrize("name", BUNDLES)
def test_white_space_that_requests_would_keep_is_refused(name: str) -> None:
    (fault,) = faults_of({**REQUIRED, name: f"{certifi.where()}\r"})
    assert fault.startswith(f"{name} has white space around it; remove it ")


@pytest.mark.parametrize("quote", ['"', "'", "\u201c"])
@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_quotes_around_a_value_are_named(name: str, quote: str) -> None:
    value = (EXAMPLES | BUNDLES)[name]
    (fault,) = faults_of({**REQUIRED, name: f"{quote}{value}{quote}"})
    assert fault.startswith(f"{name} is in quotes; remove them ")


def test_a_quoted_key_is_still_a_key() -> None:
    (fault,) = faults_of({**REQUIRED, "HELSEID_KEY": '\'{"kty":"EC"}\''})
    assert "is a key and not the address of one" in fault


@pytest.mark.parametrize(
    ("text", "beginning"),
    [("key.json", "file:/"), ("file:~/key", "file:/"), ("arn:aws:s3:::bucket", "arn:"), ("projects/p", "projects/")],
)
def test_the_key_s_example_is_of_the_kind_that_was_meant(text: str, beginning: str) -> None:
    (fault,) = faults_of({**REQUIRED, "HELSEID_KEY": text})
    assert f"(for example {beginning}" in fault


@pytest.mark.parametrize(
    ("environ", "beginning"),
    [
        ({}, "projects/"),
        ({"K_SERVICE": "helseid-fn"}, "projects/"),
        ({"AWS_LAMBDA_FUNCTION_NAME": "helseid-fn"}, "arn:aws:secretsmanager:"),
    ],
    ids=["anywhere", "Google Cloud", "AWS Lambda"],
)
def test_the_key_s_example_is_of_the_host_s_cloud(environ: dict[str, str], beginning: str) -> None:
    (fault,) = faults_of({**REQUIRED, **environ, "HELSEID_KEY": ""})
    assert fault.startswith(f"HELSEID_KEY is missing (for example {beginning}")


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        ("API_METHOD", "API_METHODS"),
        ("API_URI", "API_URL"),
        ("API-URL", "API_URL"),
        ("api_url", "API_URL"),
        ("DEADLINE", "DEADLINE_SECONDS"),
        ("DEADLINE_SECOND", "DEADLINE_SECONDS"),
        ("LOGLEVEL", "LOG_LEVEL"),
        ("LOG_LEVLE", "LOG_LEVEL"),
        ("SECRET_MANAGER", "SECRET_MANAGER_ENDPOINT"),
        ("REQUEST_CA_BUNDLE", "REQUESTS_CA_BUNDLE"),
        ("HELSEID_SCOPES", "HELSEID_SCOPE"),
        ("HELSEID_PARENT_ORGANISATION", "HELSEID_PARENT_ORGANIZATION"),
    ],
)
def test_a_near_miss_names_the_setting(name: str, setting: str) -> None:
    environ = {other: value for other, value in REQUIRED.items() if other != setting}
    assert find_warnings({**environ, name: "HUSH"}) == (f"{name} is not a setting and has no effect; {setting} is one.",)


@pytest.mark.parametrize("setting", sorted(EXAMPLES))
@pytest.mark.parametrize(
    "misspell", [lambda name: name[:-1], lambda name: f"{name}S", str.lower], ids=["less", "more", "lower"]
)
def test_every_setting_is_recognized_misspelt(setting: str, misspell: Callable[[str], str]) -> None:
    environ = {misspell(setting): "HUSH"}
    assert f"{misspell(setting)} is not a setting and has no effect; {setting} is one." in find_warnings(environ)


@pytest.mark.parametrize("name", ["HELSEID_ORG_PARENT", "helseid_x", "ROTATION_DUE_SHARE", "SELVBETJENING", "DEADLINE_MS"])
def test_what_begins_like_a_setting_is_noticed(name: str) -> None:
    (warning,) = find_warnings({**EXAMPLES, **BUNDLES, name: "HUSH"})
    assert warning == f"{name} is not a setting and has no effect; check its spelling."


FOREIGN = """
    API_KEY APP_URL AWS_ACCESS_KEY_ID AWS_DEFAULT_REGION AWS_EXECUTION_ENV AWS_LAMBDA_FUNCTION_MEMORY_SIZE
    AWS_LAMBDA_FUNCTION_NAME AWS_LAMBDA_FUNCTION_VERSION AWS_LAMBDA_INITIALIZATION_TYPE AWS_LAMBDA_LOG_GROUP_NAME
    AWS_LAMBDA_LOG_STREAM_NAME AWS_LAMBDA_RUNTIME_API AWS_REGION AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
    AWS_XRAY_CONTEXT_MISSING AWS_XRAY_DAEMON_ADDRESS CLOUD_RUN_TIMEOUT_SECONDS CURL_HOME DATABASE_URL
    FUNCTION_SIGNATURE_TYPE FUNCTION_TARGET GCLOUD_PROJECT GOOGLE_CLOUD_PROJECT GRPC_DEFAULT_SSL_ROOTS_FILE_PATH HOME
    HTTPS_PROXY K_CONFIGURATION K_REVISION K_SERVICE LAMBDA_RUNTIME_DIR LAMBDA_TASK_ROOT LANG LD_LIBRARY_PATH
    LOG_EXECUTION_ID NO_PROXY PARAMETERS_SECRETS_EXTENSION_HTTP_PORT PATH PORT PYTHONPATH SHLVL SSL_CERT_FILE
    TZ _HANDLER _X_AMZN_TRACE_ID https_proxy
"""


@pytest.mark.parametrize("name", FOREIGN.split())
def test_other_programs_variables_are_no_misspelt_settings(name: str) -> None:
    assert find_warnings({**REQUIRED, name: "x"}) == ()


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
@pytest.mark.parametrize("content", [None, "", "no certificate"], ids=["missing", "empty", "no PEM"])
def test_an_unreadable_ca_bundle_stops_the_deployment(name: str, content: str | None, tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    if content is not None:
        bundle.write_text(content)
    (fault,) = faults_of({**REQUIRED, name: str(bundle)})
    assert fault.startswith(f"{name} does not name a readable file or folder of PEM certificates")


def test_the_second_ca_bundle_counts_only_without_the_first() -> None:
    assert make_settings(REQUESTS_CA_BUNDLE=certifi.where(), CURL_CA_BUNDLE="/missing")


def test_the_table_has_every_setting_once_with_its_meaning() -> None:
    assert len(EXAMPLES) == len(SETTINGS)
    assert all(setting.meaning and setting.example for setting in SETTINGS)
    assert set(ALL_BAD) == set(EXAMPLES) - {"CURL_CA_BUNDLE"}


def test_a_fixed_header_cannot_carry_the_correlation_id() -> None:
    (fault,) = faults_of({**REQUIRED, "API_HEADERS": '{"NHN-Event-Id": "HUSH"}', "API_CORRELATION_HEADER": "nhn-event-id"})
    assert fault == "API_CORRELATION_HEADER names a header that API_HEADERS fixes; remove one of them"


def test_a_fixed_header_s_value_is_not_shown() -> None:
    assert "HUSH" not in repr(make_settings(API_HEADERS='{"api-key": "HUSH"}'))


def test_the_api_s_usual_headers_are_the_caller_s_to_set() -> None:
    headers = make_settings().api_caller_headers
    assert {"accept", "content-type", "if-match", "nhn-*", "traceparent"} <= set(headers)


def test_a_misspelt_required_setting_is_named_too() -> None:
    without = {name: value for name, value in REQUIRED.items() if name != "HELSEID_SCOPE"}
    fault = "HELSEID_SCOPES is not a setting and has no effect; HELSEID_SCOPE is one"
    assert faults_of({**without, "HELSEID_SCOPES": "x"})[-1] == fault


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
def test_a_bad_proxy_stops_the_deployment_unshown(name: str) -> None:
    (fault,) = faults_of({**REQUIRED, name: "http://user:HUSH-HUSH@proxy.example.no:3128 "})
    assert fault.startswith(f"{name} contains white space")
    assert "HUSH" not in fault


@pytest.mark.parametrize("level", ["WARNING", "ERROR", "CRITICAL"])
def test_a_log_level_must_not_hide_results(level: str) -> None:
    (fault,) = faults_of({**REQUIRED, "RESULT_TO": "log", "LOG_LEVEL": level})
    assert fault == "LOG_LEVEL keeps out of the log the results that RESULT_TO puts there (for example INFO)"


@pytest.mark.parametrize("level", ["WARN", "ERROR", "FATAL"])
def test_lambdas_own_log_level_must_not_hide_results(level: str) -> None:
    (fault,) = faults_of({**REQUIRED, "RESULT_TO": "log", "AWS_LAMBDA_LOG_LEVEL": level})
    assert fault.startswith("AWS_LAMBDA_LOG_LEVEL keeps out of the log")


@pytest.mark.parametrize("level", ["DEBUG", "INFO"])
def test_results_go_to_a_log_that_shows_them(level: str) -> None:
    assert str(parse_settings({**REQUIRED, "RESULT_TO": "log", "LOG_LEVEL": level}).result_to) == "log"


def test_other_results_leave_the_log_level_free() -> None:
    environ = {**REQUIRED, "RESULT_TO": "gs://bucket", "LOG_LEVEL": "ERROR", "AWS_LAMBDA_LOG_LEVEL": "ERROR"}
    assert parse_settings(environ).log_level == "ERROR"


def test_results_in_the_log_are_a_warning() -> None:
    (warning,) = find_warnings({**REQUIRED, "RESULT_TO": "log"})
    assert warning.startswith("RESULT_TO is log, so everyone who reads the log can read what the API returns")


def test_a_cursor_among_the_results_is_a_fault() -> None:
    (fault,) = faults_of({**REQUIRED, "RESULT_TO": "gs://bucket/a", "CURSOR_IN": "gs://bucket/a/feed.json"})
    assert fault.startswith("CURSOR_IN is where a result may overwrite it")
