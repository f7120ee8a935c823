"""The organization a client signs in for: `assertion_details` in the assertion (HelseID, "organisasjonsnumre")."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from standin.clients import Client
from standin.refusals import Refusal, RefusedError

MULTI_TENANT_SYSTEM = "urn:oid:1.0.6523"
SINGLE_TENANT_SYSTEM = "urn:oid:2.16.578.1.12.4.1.4.101"
_AUTHORIZATION = "helseid_authorization"
_SFM_JOURNAL = "nhn:sfm:journal-id"
_NINE_DIGITS = re.compile(r"[0-9]{9}")


@dataclass(frozen=True)
class Organization:
    """The organization in a token's claims."""

    parent: str | None
    child: str | None = None
    supplier: str | None = None
    sfm_journal_id: str | None = None


def _refuse(code: str, text: str, detail: str) -> NoReturn:
    raise RefusedError(Refusal("invalid_request", f"{code}: {text}", detail))


def _malformed(detail: str) -> NoReturn:
    _refuse("HID-1007", "The client assertion does not conform to the specification.", detail)


def check_organization(claims: Mapping[str, Any], client: Client, grant_type: str | None, *, is_optional: bool) -> Organization:
    """Return the organization that an assertion names, if the client may act for it; refuse any other.

    With `is_optional`, a multi-tenant client may name none, as NHN's library does for Selvbetjening.
    """
    details = _details(claims)
    if not details:
        return _default_organization(client, is_optional=is_optional)
    if grant_type == "authorization_code":
        text = "Organization claims in a client assertion are not for the authorization code flow."
        _refuse("HID-1009", text, "organization claims came with grant_type authorization_code")
    if client.tenancy == "none":
        _refuse("HID-1010", "The client configuration does not support organization claims.", "the client has no tenancy")
    journal = _journal_id(details[_SFM_JOURNAL], client) if _SFM_JOURNAL in details else None
    if _AUTHORIZATION not in details:
        _malformed(f"a multi-tenant client named no organization beside {_SFM_JOURNAL}")
    system, value = _identifier(details[_AUTHORIZATION])
    if client.tenancy == "multi-tenant":
        return _multi_tenant(system, value, client, journal)
    return _single_tenant(system, value, client)


def _details(claims: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    names = [name for name in ("assertion_details", "authorization_details") if name in claims]
    if not names:
        return {}
    if len(names) > 1:
        _malformed("the assertion has both assertion_details and authorization_details")
    found = claims[names[0]]
    elements = found if isinstance(found, list) else [found]
    if not elements or not all(isinstance(element, dict) and element for element in elements):
        _malformed("assertion_details is empty or not an object or a list of objects")
    types = [element.get("type") for element in elements]
    if any(type_ not in (_AUTHORIZATION, _SFM_JOURNAL) for type_ in types):
        _malformed("assertion_details has an element of an unknown type")
    if len(set(types)) != len(types):
        _malformed("assertion_details has two elements of one type")
    return dict(zip(types, elements, strict=True))


def _default_organization(client: Client, *, is_optional: bool) -> Organization:
    if client.tenancy == "multi-tenant" and not is_optional:
        _malformed("a multi-tenant client must name the organization it signs in for")
    return Organization(client.parent if client.tenancy == "single-tenant" else None)


def _identifier(element: Mapping[str, Any]) -> tuple[str, str]:
    try:
        identifier = element["practitioner_role"]["organization"]["identifier"]
        system, type_, value = identifier["system"], identifier["type"], identifier["value"]
    except (KeyError, TypeError):
        _malformed("helseid_authorization lacks practitioner_role.organization.identifier with system, type and value")
    if type_ != "ENH" or not isinstance(system, str) or not isinstance(value, str):
        _malformed("the identifier's type is not ENH, or its system or value is not a string")
    return system, value


def _multi_tenant(system: str, value: str, client: Client, journal: str | None) -> Organization:
    if system != MULTI_TENANT_SYSTEM:
        _malformed(f"the identifier system of a multi-tenant client is not {MULTI_TENANT_SYSTEM}")
    parts = value.split(":")
    if parts[:2] != ["NO", "ORGNR"] or len(parts) not in (3, 4):
        _malformed("the identifier value is not NO:ORGNR:<parent>:<child>")
    parent, child = parts[2], parts[3] if len(parts) > 3 and parts[3] else None
    _require_nine_digits(parent, *([child] if child else []))
    if parent not in client.parents:
        _refuse("HID-1001", "The parent organization is not in the whitelist.", f"{parent} did not delegate to the supplier")
    if child and child not in client.children_of.get(parent, (child,)):
        _refuse("HID-1003", "The child organization is not in the parent's whitelist.", f"{child} is not a child of {parent}")
    return Organization(parent, child, client.supplier, journal)


def _single_tenant(system: str, value: str, client: Client) -> Organization:
    if system == MULTI_TENANT_SYSTEM:
        _refuse("HID-1005", "Passing a parent organization is not enabled.", "a single-tenant client named a parent")
    if system != SINGLE_TENANT_SYSTEM:
        _malformed(f"the identifier system of a single-tenant client is not {SINGLE_TENANT_SYSTEM}")
    _require_nine_digits(value)
    if not client.children:
        _refuse("HID-1006", "Passing a child organization is not enabled.", "the client has no child organizations")
    if value not in client.children:
        _refuse("HID-1002", "The child organization is not in the whitelist.", f"{value} is not a child of this client")
    return Organization(client.parent, value)


def _require_nine_digits(*numbers: str) -> None:
    if not all(_NINE_DIGITS.fullmatch(number) for number in numbers):
        _refuse("HID-1004", "An organization number must have nine digits.", "an organization number is not nine digits")


def _journal_id(element: Mapping[str, Any], client: Client) -> str:
    if client.tenancy != "multi-tenant":
        _malformed(f"{_SFM_JOURNAL} is for multi-tenant clients")
    try:
        return str(uuid.UUID(element["value"]["journal_id"]))
    except (KeyError, TypeError, ValueError, AttributeError):
        _malformed(f"{_SFM_JOURNAL} lacks a value.journal_id that is a UUID")
