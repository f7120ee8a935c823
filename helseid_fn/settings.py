"""The environment, parsed once into one frozen value; every bad variable is named at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from helseid_fn.delivery.address import CursorAddress, Log, ResultAddress, place_cursor
from helseid_fn.errors import SettingsError
from helseid_fn.http.url import find_proxy_fault
from helseid_fn.oauth.organization import Organization, describe
from helseid_fn.secret_store import address
from helseid_fn.setting_faults import describe_misspelt, describe_surroundings, explain_fault, trim
from helseid_fn.setting_table import EXAMPLES, REQUIRED, SETTINGS

PROXY_VARIABLES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")
"""What requests reads of every environment; only their form is checked here."""

_READ_BY_REQUESTS = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""requests reads these itself, as they are, so white space around them cannot be trimmed."""

_ABOVE_INFO = ("WARNING", "WARN", "ERROR", "CRITICAL", "FATAL")
_LOGGED = "RESULT_TO is log, so everyone who reads the log can read what the API returns; deliver data about people elsewhere"


class RotationSettings(NamedTuple):
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
    token_endpoint_host: str | None
    organization: Organization
    allowed_organizations: frozenset[str]
    api_url: str
    api_methods: frozenset[str]
    api_headers: Mapping[str, str] = field(repr=False)
    api_correlation_header: str | None
    api_caller_headers: tuple[str, ...]
    api_max_bytes: int
    result_to: ResultAddress | None
    cursor_in: CursorAddress | None
    deadline_seconds: float
    log_level: str
    log_format: str | None
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
    if isinstance(values.get("RESULT_TO"), Log):
        words = "keeps out of the log the results that RESULT_TO puts there (for example INFO)"
        faults += [f"{name} {words}" for name in _hiding(environ)]
    if values.get("API_CORRELATION_HEADER") in (values.get("API_HEADERS") or ()):
        faults.append("API_CORRELATION_HEADER names a header that API_HEADERS fixes; remove one of them")
    if values.get("CURSOR_IN") and values["CURSOR_IN"].is_among(values.get("RESULT_TO")):
        faults.append(
            "CURSOR_IN is where a result may overwrite it; name it cursor.json or cursor-NAME.json, or move it out of RESULT_TO"
        )
    if faults:
        raise SettingsError((*faults, *describe_misspelt(environ, EXAMPLES)))
    organization = Organization(
        parent=values["HELSEID_PARENT_ORGANIZATION"],
        child=values["HELSEID_CHILD_ORGANIZATION"],
        sfm_journal_id=values["HELSEID_SFM_JOURNAL_ID"],
    )
    return Settings(
        issuer=values["HELSEID_ISSUER"],
        client_id=values["HELSEID_CLIENT_ID"],
        scopes=values["HELSEID_SCOPE"],
        key_address=values["HELSEID_KEY"],
        token_endpoint_host=values["TOKEN_ENDPOINT_HOST"],
        organization=organization,
        allowed_organizations=(values["HELSEID_ORGANIZATIONS"] or frozenset()) | {describe(organization)},
        api_url=values["API_URL"],
        api_methods=values["API_METHODS"],
        api_headers=values["API_HEADERS"] or {},
        api_correlation_header=values["API_CORRELATION_HEADER"],
        api_caller_headers=values["API_CALLER_HEADERS"],
        api_max_bytes=values["API_MAX_MEGABYTES"],
        result_to=values["RESULT_TO"],
        cursor_in=values["CURSOR_IN"] or place_cursor(values["RESULT_TO"]),
        deadline_seconds=values["DEADLINE_SECONDS"],
        log_level=values["LOG_LEVEL"],
        log_format=values["LOG_FORMAT"],
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
    """Return a sentence for everything that is suspicious but stops nothing: trimmed values, misspelt names, logged results."""
    trimmed = (name for name in EXAMPLES if _read(environ, name) != environ.get(name, ""))
    faults = (
        *(f"{name} has {describe_surroundings(environ[name])} around its value, which is ignored" for name in trimmed),
        *describe_misspelt(environ, EXAMPLES),
        *((_LOGGED,) if _read(environ, "RESULT_TO") == str(Log()) else ()),
    )
    return tuple(f"{fault}." for fault in faults)


def _hiding(environ: Mapping[str, str]) -> list[str]:
    """List the variables that keep lines of INFO out of the log; Lambda sets the second from its own configuration."""
    return [name for name in ("LOG_LEVEL", "AWS_LAMBDA_LOG_LEVEL") if _read(environ, name) in _ABOVE_INFO]


def _read(environ: Mapping[str, str], name: str) -> str:
    text = environ.get(name, "")
    return text if name in _READ_BY_REQUESTS else trim(text)
