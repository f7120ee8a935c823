"""The environment, parsed once into one frozen value; every bad variable is named at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from helseid_fn import setting_parsers as parse
from helseid_fn.errors import SettingsError
from helseid_fn.http.caller_headers import parse_header_patterns
from helseid_fn.http.url import find_proxy_fault
from helseid_fn.oauth.organization import Organization
from helseid_fn.secret_store import address
from helseid_fn.setting_faults import describe_misspelt, describe_surroundings, explain_fault, trim

PROXY_VARIABLES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")
"""What requests reads of every environment; only their form is checked here."""

REQUIRED = "required"
"""Stands for the default of a setting that has none."""


@dataclass(frozen=True, slots=True)
class Setting:
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
    Setting("HELSEID_SFM_JOURNAL_ID", parse.parse_journal_id, None, "4a5f8d0e-6f0b-4b9c-8a63-0f3f7f2f9f11",
            "SFM journal id (UUID), for multi-tenant clients of SFM"),
    Setting("API_URL", parse.parse_web_address, REQUIRED, "https://api.example.no/machine-clients/greetings",
            "the URL that a bare invocation calls, and the base of a request's `path`; `https`"),
    Setting("API_METHODS", parse.parse_methods, "GET", "GET POST",
            "the methods that an invocation may use, of `GET HEAD POST PUT PATCH DELETE`"),
    Setting("API_CALLER_HEADERS", parse_header_patterns,
            "accept accept-language content-type if-match if-none-match if-modified-since prefer nhn-* x-correlation-id "
            "x-request-id traceparent",
            "accept content-type nhn-*",
            "names of headers, or prefixes with `*`, that an invocation may set"),
    Setting("API_MAX_MEGABYTES", parse.parse_megabytes, "10", "35",
            "the largest body from the API, and to it, in MiB: 1 to 64; [hosts carry less](http-contract.md#limits)"),
    Setting("DEADLINE_SECONDS", parse.parse_deadline_seconds, "25", "25",
            "the deadline of a whole invocation; every wait and every timeout fits inside it"),
    Setting("LOG_LEVEL", parse.parse_log_level, "INFO", "INFO", "`DEBUG`, `INFO`, `WARNING`, `ERROR` or `CRITICAL`"),
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
_READ_BY_REQUESTS = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""requests reads these itself, as they are, so white space around them cannot be trimmed."""


@dataclass(frozen=True, slots=True)
class RotationSettings:
    """How the client key is replaced; only the rotating function uses it."""

    selvbetjening_url: str | None
    pending_secret: str | None
    alg: str
    due_fraction: float
    grace_hours: float
    destroy_after_days: float


@dataclass(frozen=True, slots=True)
class Settings:
    """The deployment; `docs/configuration.md` explains each setting."""

    issuer: str
    client_id: str
    scopes: frozenset[str]
    key_address: str
    organization: Organization
    api_url: str
    api_methods: frozenset[str]
    api_caller_headers: tuple[str, ...]
    api_max_bytes: int
    deadline_seconds: float
    log_level: str
    secret_manager_endpoint: str | None
    google_project: str | None
    rotation: RotationSettings


def parse_settings(environ: Mapping[str, str]) -> Settings:
    """Parse the settings, without white space around them; an empty variable counts as absent.

    Raises `SettingsError`, which names every bad variable, what is wrong with it and an example, but never its value, since
    it may be a key in the wrong place.
    """
    faults: list[str] = []
    values: dict[str, Any] = {}
    for setting in SETTINGS:
        text = _read(environ, setting.name) or setting.default
        is_key = setting.name == "HELSEID_KEY"
        example = f"(for example {address.choose_example(text or '', environ) if is_key else setting.example})"
        if text is REQUIRED:
            faults.append(f"{setting.name} is missing {example}")
            continue
        # As requests does: CURL_CA_BUNDLE counts only when the other is absent.
        ignored = setting.name == "CURL_CA_BUNDLE" and environ.get("REQUESTS_CA_BUNDLE")
        try:
            values[setting.name] = None if text is None or ignored else setting.parse(text)
        except ValueError as fault:
            words = explain_fault(text or "", setting.parse, str(fault))
            faults.append(f"{setting.name} {words} {example}")
    proxies = {name: find_proxy_fault(environ[name]) for name in PROXY_VARIABLES if environ.get(name)}
    faults += [f"{name} {fault} (for example http://proxy.example.no:3128)" for name, fault in proxies.items() if fault]
    if faults:
        raise SettingsError((*faults, *describe_misspelt(environ, EXAMPLES)))
    return Settings(
        issuer=values["HELSEID_ISSUER"],
        client_id=values["HELSEID_CLIENT_ID"],
        scopes=values["HELSEID_SCOPE"],
        key_address=values["HELSEID_KEY"],
        organization=Organization(
            parent=values["HELSEID_PARENT_ORGANIZATION"],
            child=values["HELSEID_CHILD_ORGANIZATION"],
            sfm_journal_id=values["HELSEID_SFM_JOURNAL_ID"],
        ),
        api_url=values["API_URL"],
        api_methods=values["API_METHODS"],
        api_caller_headers=values["API_CALLER_HEADERS"],
        api_max_bytes=values["API_MAX_MEGABYTES"],
        deadline_seconds=values["DEADLINE_SECONDS"],
        log_level=values["LOG_LEVEL"],
        secret_manager_endpoint=values["SECRET_MANAGER_ENDPOINT"],
        google_project=environ.get("GOOGLE_CLOUD_PROJECT") or address.parse_google_project(values["HELSEID_KEY"]),
        rotation=RotationSettings(
            selvbetjening_url=values["SELVBETJENING_URL"],
            pending_secret=values["HELSEID_PENDING_KEY"],
            alg=values["ROTATION_ALG"],
            due_fraction=values["ROTATION_DUE_FRACTION"],
            grace_hours=values["ROTATION_GRACE_HOURS"],
            destroy_after_days=values["ROTATION_DESTROY_AFTER_DAYS"],
        ),
    )


def find_warnings(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return a sentence for everything that is suspicious but stops nothing: trimmed values and misspelt names."""
    trimmed = (name for name in EXAMPLES if _read(environ, name) != environ.get(name, ""))
    faults = (
        *(f"{name} has {describe_surroundings(environ[name])} around its value, which is ignored" for name in trimmed),
        *describe_misspelt(environ, EXAMPLES),
    )
    return tuple(f"{fault}." for fault in faults)


def _read(environ: Mapping[str, str], name: str) -> str:
    text = environ.get(name, "")
    return text if name in _READ_BY_REQUESTS else trim(text)
