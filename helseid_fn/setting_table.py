"""The table of settings: each variable with its parser, its default, an example and its meaning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from helseid_fn import setting_parsers as parse
from helseid_fn.delivery.address import parse_cursor_address, parse_result_address
from helseid_fn.http.caller_headers import parse_header_patterns
from helseid_fn.http.fixed_headers import parse_fixed_headers, parse_header_name
from helseid_fn.secret_store import address

REQUIRED = "required"
"""Stands for the default of a setting that has none."""


class Setting(NamedTuple):
    """One environment variable; `default` is the text to parse when it is absent, None for no value."""

    name: str
    parse: Callable[[str], Any]
    default: str | None
    example: str
    meaning: str


# fmt: off
SETTINGS = (
    Setting("HELSEID_ISSUER", parse.parse_issuer, REQUIRED, "https://helseid-sts.test.nhn.no",
            "HelseID's issuer, exactly as its metadata spells it: `https`, no trailing slash; it may have a path"),
    Setting("HELSEID_CLIENT_ID", parse.parse_client_id, REQUIRED, "9f5a1c6e-1c3b-4c62-9b4e-6f5d0d9d7a10",
            "the client id from Selvbetjening"),
    Setting("HELSEID_SCOPE", parse.parse_scopes, REQUIRED, "nhn:test-public-samplecode/client-credentials",
            "the scopes to request, separated by spaces"),
    Setting("HELSEID_KEY", address.parse_key_address, REQUIRED, "projects/my-project/secrets/helseid-key/versions/latest",
            "the *address* of the private JWK, never the key itself; [its forms](keys-and-rotation.md#the-address)"),
    Setting("HELSEID_PARENT_ORGANIZATION", parse.parse_organization_number, None, "999977774",
            "organization number of the parent that the client acts for; multi-tenant clients always set it"),
    Setting("HELSEID_CHILD_ORGANIZATION", parse.parse_organization_number, None, "999977776",
            "organization number of the child; alone, it is the single-tenant form"),
    Setting("HELSEID_ORGANIZATIONS", parse.parse_organizations, None, "999977774 313745392:999977776",
            "the organizations that an invocation may name besides the configured one: `parent` (with any child), "
            "`parent:child`, `:child`, or `*` for any"),
    Setting("HELSEID_SFM_JOURNAL_ID", parse.parse_journal_id, None, "4a5f8d0e-6f0b-4b9c-8a63-0f3f7f2f9f11",
            "SFM journal id (UUID), for multi-tenant clients of SFM"),
    Setting("API_URL", parse.parse_web_address, REQUIRED, "https://api.example.no/machine-clients/greetings",
            "the URL that a bare invocation calls, and the base of a request's `path`; `https`"),
    Setting("API_METHODS", parse.parse_methods, "GET", "GET POST",
            "the methods that an invocation may use, of `GET HEAD POST PUT PATCH DELETE`"),
    Setting("API_HEADERS", parse_fixed_headers, None, '{"nhn-source-system": "My-EPJ, v1.0.2", "api-version": "3"}',
            "[headers of every call](#headers-of-every-call) to the API: a JSON object of names and values; not for secrets"),
    Setting("API_CORRELATION_HEADER", parse_header_name, None, "nhn-event-id",
            "the name of the header that carries a new UUID for [every call](#headers-of-every-call) to the API"),
    Setting("API_CALLER_HEADERS", parse_header_patterns,
            "accept accept-language content-type if-match if-none-match if-modified-since prefer nhn-* x-correlation-id "
            "x-request-id traceparent",
            "accept content-type nhn-*",
            "names of headers, or prefixes with `*`, that an invocation may set"),
    Setting("API_MAX_MEGABYTES", parse.parse_megabytes, "10", "35",
            "the largest body from the API, and to it, in MiB: 1 to 64; [hosts carry less](http-contract.md#limits)"),
    Setting("RESULT_TO", parse_result_address, None, "gs://my-bucket/greetings",
            "where [results](jobs.md#delivery) go: `log`, `gs://BUCKET/PREFIX`, `s3://BUCKET/PREFIX`, `projects/P/topics/T`, "
            "an SQS queue's ARN, or `file:FOLDER`; without it they are returned to the caller"),
    Setting("CURSOR_IN", parse_cursor_address, None, "gs://my-bucket/greetings/cursor.json",
            "where a job's [cursor](jobs.md#the-cursor) is kept: `gs://BUCKET/OBJECT`, `s3://BUCKET/KEY` or `file:PATH`; by "
            "default `cursor.json` beside the results, if those go to a bucket or a folder"),
    Setting("TOKEN_ENDPOINT_HOST", parse.parse_host, None, "helseid-token.example.no",
            "the host, with its port if it has one, on which the metadata may put the token endpoint instead of the issuer's"),
    Setting("DEADLINE_SECONDS", parse.parse_deadline_seconds, "25", "25",
            "the deadline of a whole invocation; every wait and every timeout fits inside it"),
    Setting("LOG_LEVEL", parse.parse_log_level, "INFO", "INFO", "`DEBUG`, `INFO`, `WARNING`, `ERROR` or `CRITICAL`"),
    Setting("LOG_FORMAT", parse.parse_log_format, None, "json",
            "`json`, or `text` for people; by default `text` where standard output is a terminal"),
    Setting("SELVBETJENING_URL", parse.parse_selvbetjening, None, "https://api.selvbetjening.test.nhn.no",
            "where the [rotating function](keys-and-rotation.md#rotation) registers keys; `https`"),
    Setting("HELSEID_PENDING_KEY", address.parse_secret_name, None, "projects/my-project/secrets/helseid-key-pending",
            "on Google Cloud the secret where the next key waits, without a version; not the secret of the key itself"),
    Setting("ROTATION_ALG", parse.parse_alg, "PS256", "PS256",
            "the algorithm of new keys: RS or PS 256, 384 or 512 (RSA of 4096 bits), or ES 256, 384 or 512"),
    Setting("ROTATION_DUE_FRACTION", parse.parse_fraction, "0.67", "0.67",
            "the fraction of its lifetime after which a key is replaced, between 0 and 1"),
    Setting("ROTATION_GRACE_HOURS", parse.parse_time, "24", "24",
            "on Google Cloud: how long a replaced version stays readable"),
    Setting("ROTATION_DESTROY_AFTER_DAYS", parse.parse_time, "30", "30",
            "on Google Cloud: how long after that it is destroyed"),
    Setting("SECRET_MANAGER_ENDPOINT", parse.parse_host_and_port, None, "127.0.0.1:8085",
            "`host:port` of another Secret Manager endpoint than Google's; without TLS on loopback, for the stand-in"),
    Setting("REQUESTS_CA_BUNDLE", parse.parse_ca_bundle, None, "/etc/ssl/certs/ca-certificates.crt",
            "a file or folder of PEM certificates to trust instead of `certifi`'s, for networks that inspect TLS"),
    Setting("CURL_CA_BUNDLE", parse.parse_ca_bundle, None, "/etc/ssl/certs/ca-certificates.crt",
            "the same, when `REQUESTS_CA_BUNDLE` is not set"),
)
# fmt: on

EXAMPLES = {setting.name: setting.example for setting in SETTINGS}
