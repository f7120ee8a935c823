"""The environment, parsed once into one frozen value; every bad variable is named at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from helseid_fn.connection import load_tls_context
from helseid_fn.errors import SettingsError
from helseid_fn.organization import Organization, is_journal_id, is_organization_number
from helseid_fn.secret_store.aws_address import parse_aws_address
from helseid_fn.web_address import find_fault

API_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
MAX_DEADLINE_SECONDS = 3600.0

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
    "SECRET_MANAGER_ENDPOINT": "127.0.0.1:8085",
    "REQUESTS_CA_BUNDLE": "/etc/ssl/certs/ca-certificates.crt",
    "CURL_CA_BUNDLE": "/etc/ssl/certs/ca-certificates.crt",
}
"""Every setting, with an example of it."""

_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")  # scope-token of RFC 6749 appendix A.4
_CLIENT_ID = re.compile(r"[A-Za-z0-9\-._~:/@]{1,200}")
_GOOGLE_KEY = re.compile(
    r"projects/(?P<project>[a-z0-9:.-]+)/(locations/[a-z0-9-]+/)?secrets/[A-Za-z0-9_-]+/versions/[A-Za-z0-9_-]+"
)
_HOST_AND_PORT = re.compile(r"(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):[0-9]{1,5}")

Parsed = TypeVar("Parsed")


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
        issuer=required("HELSEID_ISSUER", _issuer, ""),
        client_id=required("HELSEID_CLIENT_ID", _client_id, ""),
        scopes=required("HELSEID_SCOPE", _scopes, frozenset()),
        key_address=required("HELSEID_KEY", _key_address, ""),
        organization=Organization(
            parent=optional("HELSEID_PARENT_ORGANIZATION", _organization_number, None),
            child=optional("HELSEID_CHILD_ORGANIZATION", _organization_number, None),
            sfm_journal_id=optional("HELSEID_SFM_JOURNAL_ID", _journal_id, None),
        ),
        api_url=required("API_URL", _web_address, ""),
        api_methods=optional("API_METHODS", _methods, frozenset({"GET"})),
        deadline_seconds=optional("DEADLINE_SECONDS", _deadline_seconds, 25.0),
        log_level=optional("LOG_LEVEL", _log_level, "INFO"),
        secret_manager_endpoint=optional("SECRET_MANAGER_ENDPOINT", _host_and_port, None),
        google_project=environ.get("GOOGLE_CLOUD_PROJECT") or _project_of(environ.get("HELSEID_KEY", "")),
    )
    # As requests does: the second counts only when the first is absent.
    optional("REQUESTS_CA_BUNDLE" if environ.get("REQUESTS_CA_BUNDLE") else "CURL_CA_BUNDLE", _ca_bundle, "")
    if faults:
        raise SettingsError(tuple(faults))
    return settings


def find_unknown(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the variables that look like settings (`HELSEID_...`) but are none, so that a misspelt one is noticed."""
    return tuple(sorted(name for name in environ if name.startswith("HELSEID_") and name not in EXAMPLES))


def _web_address(text: str) -> str:
    fault = find_fault(text)
    if fault is not None:
        raise ValueError(fault)
    return text


def _issuer(text: str) -> str:
    if text.endswith("/"):
        raise ValueError("ends with a slash, which HelseID's issuer does not; leave it out")
    if "?" in text:
        raise ValueError("has a query, which an issuer cannot have")
    return _web_address(text)


def _client_id(text: str) -> str:
    if not _CLIENT_ID.fullmatch(text):
        raise ValueError("is not a client id: 1 to 200 letters, digits and - . _ ~ : / @")
    return text


def _scopes(text: str) -> frozenset[str]:
    scopes = frozenset(text.split())
    if not scopes:
        raise ValueError("is missing")
    if not all(_SCOPE.fullmatch(scope) for scope in scopes):
        raise ValueError("has characters that a scope cannot have; separate scopes with spaces")
    return scopes


def _key_address(text: str) -> str:
    if text.removeprefix("file:").lstrip("\ufeff \t\r\n").startswith(("{", "-----BEGIN", "eyJ", "LS0tLS1CRUdJTi")):
        raise ValueError(
            "holds a key and not the address of one; move the key to a secret manager, and replace it, for it is now exposed"
        )
    if text.startswith("file:"):
        if not text.removeprefix("file:") or "\0" in text:
            raise ValueError("names no file after file:")
    elif text.startswith("arn:"):
        if parse_aws_address(text) is None:
            raise ValueError(
                "is not an address of the form arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME-SUFFIX, whole with the six "
                "characters that AWS adds, and with ::STAGE: or :::VERSION-ID after it for another version than AWSCURRENT"
            )
    elif not _GOOGLE_KEY.fullmatch(text):
        raise ValueError(
            "is not an address of the form projects/P/secrets/S/versions/V, with locations/L for a regional one, "
            "arn:aws:secretsmanager:..., or file:PATH"
        )
    return text


def _organization_number(text: str) -> str:
    if not is_organization_number(text):
        raise ValueError("is not nine digits")
    return text


def _journal_id(text: str) -> str:
    if not is_journal_id(text):
        raise ValueError("is not a UUID")
    return text


def _methods(text: str) -> frozenset[str]:
    methods = frozenset(text.replace(",", " ").split())
    if not methods or not methods <= API_METHODS:
        raise ValueError(f"is not a list of {', '.join(sorted(API_METHODS))}, in capitals, separated by commas or spaces")
    return methods


def _deadline_seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= MAX_DEADLINE_SECONDS:
        raise ValueError(f"is not a number of seconds above 0 and up to {MAX_DEADLINE_SECONDS:g}")
    return seconds


def _log_level(text: str) -> str:
    if text not in LOG_LEVELS:
        raise ValueError(f"is not one of {', '.join(LOG_LEVELS)}")
    return text


def _ca_bundle(text: str) -> str:
    """Load the bundle once, and for nothing else than to know: a wrong one must stop the deployment, not each invocation."""
    try:
        load_tls_context(text)
    except OSError:
        raise ValueError("does not name a readable file or folder of PEM certificates") from None
    return text


def _host_and_port(text: str) -> str:
    if not _HOST_AND_PORT.fullmatch(text):
        raise ValueError("is not host:port")
    return text


def _project_of(key_address: str) -> str | None:
    """Return the project of a Google address: most often the function's own, which its traces belong to."""
    parts = _GOOGLE_KEY.fullmatch(key_address)
    return parts["project"] if parts else None
