"""The environment, parsed once into one frozen value; every bad variable is named at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from helseid_fn import setting_parsers as value
from helseid_fn.errors import SettingsError
from helseid_fn.oauth.organization import Organization

EXAMPLES = {
    "HELSEID_ISSUER": "https://helseid-sts.test.nhn.no",
    "HELSEID_CLIENT_ID": "9f5a1c6e-1c3b-4c62-9b4e-6f5d0d9d7a10",
    "HELSEID_SCOPE": "nhn:test-public-samplecode/client-credentials",
    "HELSEID_KEY": "projects/my-project/secrets/helseid-key/versions/latest",
    "HELSEID_PARENT_ORGANIZATION": "999977774",
    "HELSEID_CHILD_ORGANIZATION": "999977776",
    "HELSEID_SFM_JOURNAL_ID": "4a5f8d0e-6f0b-4b9c-8a63-0f3f7f2f9f11",
    "API_URL": "https://api.example.no/machine-clients/greetings",
    "API_METHODS": "GET",
    "DEADLINE_SECONDS": "25",
    "LOG_LEVEL": "INFO",
    "SELVBETJENING_URL": "https://api.selvbetjening.test.nhn.no",
    "HELSEID_PENDING_KEY": "projects/my-project/secrets/helseid-key-pending",
    "ROTATION_ALG": "PS256",
    "ROTATION_DUE_SHARE": "0.67",
    "ROTATION_GRACE_HOURS": "24",
    "ROTATION_DESTROY_AFTER_DAYS": "30",
    "SECRET_MANAGER_ENDPOINT": "127.0.0.1:8085",
    "REQUESTS_CA_BUNDLE": "/etc/ssl/certs/ca-certificates.crt",
    "CURL_CA_BUNDLE": "/etc/ssl/certs/ca-certificates.crt",
}
"""Every setting, with an example of it."""

Parsed = TypeVar("Parsed")


@dataclass(frozen=True, slots=True)
class RotationSettings:
    """How the client key is replaced; only the rotating function uses it."""

    selvbetjening_url: str | None
    pending_secret: str | None
    alg: str
    due_share: float
    grace_hours: float
    destroy_after_days: float


@dataclass(frozen=True, slots=True)
class Settings:
    """The deployment, as the README's table of settings explains it."""

    issuer: str
    client_id: str
    scopes: frozenset[str]
    key_address: str
    organization: Organization
    api_url: str
    api_methods: frozenset[str]
    deadline_seconds: float
    log_level: str
    secret_manager_endpoint: str | None
    google_project: str | None
    rotation: RotationSettings


def parse_settings(environ: Mapping[str, str]) -> Settings:
    """Parse the settings; an empty variable counts as absent.

    Raises `SettingsError`, which names every bad variable, what is wrong with it and an example, but never its value, since
    it may be a key that was put in the wrong place.
    """
    faults: list[str] = []

    def optional(name: str, parse: Callable[[str], Parsed], default: Parsed) -> Parsed:
        text = environ.get(name)
        try:
            return parse(text) if text else default
        except ValueError as fault:
            faults.append(f"{name} {fault} (for example {EXAMPLES[name]})")
            return default

    def required(name: str, parse: Callable[[str], Parsed], unused: Parsed) -> Parsed:
        if not environ.get(name):
            faults.append(f"{name} is missing (for example {EXAMPLES[name]})")
        return optional(name, parse, unused)

    settings = Settings(
        issuer=required("HELSEID_ISSUER", value.parse_issuer, ""),
        client_id=required("HELSEID_CLIENT_ID", value.parse_client_id, ""),
        scopes=required("HELSEID_SCOPE", value.parse_scopes, frozenset()),
        key_address=required("HELSEID_KEY", value.parse_key_address, ""),
        organization=Organization(
            parent=optional("HELSEID_PARENT_ORGANIZATION", value.parse_organization_number, None),
            child=optional("HELSEID_CHILD_ORGANIZATION", value.parse_organization_number, None),
            sfm_journal_id=optional("HELSEID_SFM_JOURNAL_ID", value.parse_journal_id, None),
        ),
        api_url=required("API_URL", value.parse_web_address, ""),
        api_methods=optional("API_METHODS", value.parse_methods, frozenset({"GET"})),
        deadline_seconds=optional("DEADLINE_SECONDS", value.parse_deadline_seconds, 25.0),
        log_level=optional("LOG_LEVEL", value.parse_log_level, "INFO"),
        secret_manager_endpoint=optional("SECRET_MANAGER_ENDPOINT", value.parse_host_and_port, None),
        google_project=environ.get("GOOGLE_CLOUD_PROJECT") or value.project_of(environ.get("HELSEID_KEY", "")),
        rotation=RotationSettings(
            selvbetjening_url=optional("SELVBETJENING_URL", value.parse_web_address, None),
            pending_secret=optional("HELSEID_PENDING_KEY", value.parse_secret_name, None),
            alg=optional("ROTATION_ALG", value.parse_alg, "PS256"),
            due_share=optional("ROTATION_DUE_SHARE", value.parse_share, 0.67),
            grace_hours=optional("ROTATION_GRACE_HOURS", value.parse_time, 24.0),
            destroy_after_days=optional("ROTATION_DESTROY_AFTER_DAYS", value.parse_time, 30.0),
        ),
    )
    # As requests does: the second counts only when the first is absent.
    optional("REQUESTS_CA_BUNDLE" if environ.get("REQUESTS_CA_BUNDLE") else "CURL_CA_BUNDLE", value.parse_ca_bundle, "")
    if faults:
        raise SettingsError(tuple(faults))
    return settings


def find_unknown(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the variables that look like settings (`HELSEID_...`) but are none, so that a misspelt one is noticed."""
    return tuple(sorted(name for name in environ if name.startswith("HELSEID_") and name not in EXAMPLES))
