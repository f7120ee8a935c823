"""Parsers for the text of each kind of setting; pure, except that the CA bundle is loaded once to see that it can be.

A parser raises `ValueError` with words that follow the setting's name in a sentence. They never repeat the text, which may be
a key in the wrong place.
"""

from __future__ import annotations

import re

from helseid_fn.http.trust import share_tls_context
from helseid_fn.http.url import find_url_fault
from helseid_fn.keys.jwk import CURVE_OF_ALGORITHM, RSA_ALGORITHMS
from helseid_fn.oauth.organization import ANY, is_journal_id, is_organization_number

API_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
LOG_FORMATS = ("text", "json")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
MAX_DEADLINE_SECONDS = 3600.0
MAX_MEGABYTES = 64

_SCOPE = re.compile(r"[\x21\x23-\x26\x28-\x5b\x5d-\x7e]+")  # scope-token of RFC 6749 appendix A.4, without quotes
_ORGANIZATION = re.compile(r"[0-9]{9}(:[0-9]{9})?|:[0-9]{9}")
_CLIENT_ID = re.compile(r"[A-Za-z0-9\-._~:/@]{1,200}")
_HOST_AND_PORT = re.compile(r"(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):[0-9]{1,5}")
_MAX_TIME = 3650.0


def parse_web_address(text: str) -> str:
    """Parse an address: https, or http on this machine alone."""
    fault = find_url_fault(text)
    if fault is not None:
        raise ValueError(fault)
    return text


def parse_selvbetjening(text: str) -> str:
    """Parse Selvbetjening's address, to which the function adds the path."""
    _refuse_below(text, "/v1")
    return parse_web_address(text)


def _refuse_below(text: str, *paths: str) -> None:
    """Refuse an address that goes on to one of these paths: the address of a page instead of what it is below."""
    path = next((path for path in paths if f"{path}/" in f"{text.lower()}/"), None)
    if path is not None:
        raise ValueError(f"has more than is needed; leave out {path} and what follows it")


def parse_issuer(text: str) -> str:
    """Parse an issuer: an address without a slash at its end and without a query."""
    _refuse_below(text, "/.well-known", "/connect")
    if text.endswith("/"):
        raise ValueError("ends with a slash, unlike HelseID's issuer; remove it")
    if "?" in text:
        raise ValueError("has a query, which an issuer cannot have")
    return parse_web_address(text)


def parse_client_id(text: str) -> str:
    """Parse a client id."""
    if not _CLIENT_ID.fullmatch(text):
        raise ValueError("is not a client id: 1 to 200 letters, digits and - . _ ~ : / @")
    return text


def parse_scopes(text: str) -> frozenset[str]:
    """Parse scopes, separated by white space."""
    scopes = frozenset(text.split())
    if not scopes:
        raise ValueError("is empty; name at least one scope")
    if "," in text:
        raise ValueError("has a comma; separate scopes with spaces")
    if not all(_SCOPE.fullmatch(scope) for scope in scopes):
        raise ValueError("has characters that no scope has; separate scopes with spaces")
    return scopes


def parse_organization_number(text: str) -> str:
    """Parse an organization number."""
    if not is_organization_number(text):
        raise ValueError("is not nine digits")
    return text


def parse_organizations(text: str) -> frozenset[str]:
    """Parse the organizations that an invocation may name, separated by white space."""
    patterns = frozenset(text.split())
    if not patterns or not all(each == ANY or _ORGANIZATION.fullmatch(each) for each in patterns):
        raise ValueError("is not a list of parent, parent:child or :child, each of nine digits, separated by spaces, or *")
    return patterns


def parse_journal_id(text: str) -> str:
    """Parse an SFM journal id."""
    if not is_journal_id(text):
        raise ValueError("is not a UUID")
    return text.lower()


def parse_methods(text: str) -> frozenset[str]:
    """Parse HTTP methods, separated by commas or spaces."""
    methods = frozenset(text.replace(",", " ").split())
    if not methods or not methods <= API_METHODS:
        raise ValueError(f"is not a list of {', '.join(sorted(API_METHODS))}, in capitals, separated by commas or spaces")
    return methods


def parse_megabytes(text: str) -> int:
    """Parse a size in MiB into bytes."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MAX_MEGABYTES):
        raise ValueError(f"is not a whole number from 1 to {MAX_MEGABYTES}")
    return int(text) * 1024 * 1024


def parse_deadline_seconds(text: str) -> float:
    """Parse a deadline."""
    seconds = _number(text)
    if not 0 < seconds <= MAX_DEADLINE_SECONDS:
        raise ValueError(f"is not a number of seconds above 0 and up to {MAX_DEADLINE_SECONDS:g}")
    return seconds


def parse_log_format(text: str) -> str:
    """Parse a format of the log."""
    if text not in LOG_FORMATS:
        raise ValueError(f"is not one of {', '.join(LOG_FORMATS)}")
    return text


def parse_log_level(text: str) -> str:
    """Parse a log level."""
    if text not in LOG_LEVELS:
        raise ValueError(f"is not one of {', '.join(LOG_LEVELS)}")
    return text


def parse_ca_bundle(text: str) -> str:
    """Load the bundle now: a wrong one must stop the deployment, not each invocation."""
    try:
        share_tls_context(text)
    except OSError:
        raise ValueError("does not name a readable file or folder of PEM certificates") from None
    return text


def parse_host_and_port(text: str) -> str:
    """Parse host:port."""
    if not _HOST_AND_PORT.fullmatch(text):
        raise ValueError("is not host:port")
    return text


def parse_host(text: str) -> str:
    """Parse a host with or without a port."""
    if find_url_fault(f"https://{text}") is not None or "/" in text or "?" in text:
        raise ValueError("is not a host such as helseid.example.no, or host:port")
    return text


def parse_alg(text: str) -> str:
    """Parse a signature algorithm of the profile."""
    known = (*RSA_ALGORITHMS, *CURVE_OF_ALGORITHM)
    if text not in known:
        raise ValueError(f"is not one of {', '.join(known)}")
    return text


def parse_fraction(text: str) -> float:
    """Parse a fraction between 0 and 1."""
    fraction = _number(text)
    if not 0 < fraction < 1:
        raise ValueError("is not a fraction between 0 and 1")
    return fraction


def parse_time(text: str) -> float:
    """Parse a number of hours or days."""
    number = _number(text)
    if not 0 <= number <= _MAX_TIME:
        raise ValueError(f"is not a number from 0 to {_MAX_TIME:g}")
    return number


def _number(text: str) -> float:
    if "," in text:
        raise ValueError("has a comma; write a decimal point")
    try:
        return float(text)
    except ValueError:
        return -1.0
