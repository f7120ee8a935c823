"""The organization that a token is for, and the claim that names it to HelseID; pure.

Forms: HelseID, "Organisasjonsnumre" and "SFM-id for multi-tenant-klienter". Multi-tenant clients name the parent and
optionally a child; single-tenant clients name a child only, since their parent is fixed by registration.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

_MULTI_TENANT_SYSTEM = "urn:oid:1.0.6523"
_SINGLE_TENANT_SYSTEM = "urn:oid:2.16.578.1.12.4.1.4.101"

# No MOD11 check: NHN's own synthetic test units fail it.
_NUMBER = re.compile(r"[0-9]{9}")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True, slots=True)
class Organization:
    """The organization numbers and the SFM journal id of one token; all None when the registration is enough."""

    parent: str | None = None
    child: str | None = None
    sfm_journal_id: str | None = None

    def numbers(self) -> dict[str, str | None]:
        """Return the organization numbers, as responses and log lines show them."""
        return {"parent": self.parent, "child": self.child}


ANY = "*"


def is_allowed(organization: Organization, allowed: frozenset[str]) -> bool:
    """Return whether an organization is one of these: `parent` (alone or with any child), `parent:child`, `:child`, or `*`."""
    return bool(allowed & {ANY, describe(organization), organization.parent or ANY})


def describe(organization: Organization) -> str:
    """Return the organization as `parent:child`, either of which may be empty."""
    return f"{organization.parent or ''}:{organization.child or ''}"


def is_organization_number(text: str) -> bool:
    """Return whether the text is nine digits, as HelseID demands (HID-1004)."""
    return _NUMBER.fullmatch(text) is not None


def is_journal_id(text: str) -> bool:
    """Return whether the text is a UUID."""
    return _UUID.fullmatch(text) is not None


def check_organization(organization: Organization) -> Organization:
    """Return the organization with its journal id in lower case, so that one id has one token.

    Raises `ValueError` with a sentence that names the member.
    """
    for name, number in organization.numbers().items():
        if number is not None and not (isinstance(number, str) and is_organization_number(number)):
            raise ValueError(f"organization.{name} must be a string of nine digits.")
    journal_id = organization.sfm_journal_id
    if journal_id is not None and not (isinstance(journal_id, str) and is_journal_id(journal_id)):
        raise ValueError("organization.sfm_journal_id must be a UUID.")
    return replace(organization, sfm_journal_id=journal_id and journal_id.lower())


def build_details(organization: Organization) -> dict[str, Any] | list[dict[str, Any]] | None:
    """Build the value of `assertion_details`: an object for one detail, an array for several, None for none."""
    details: list[dict[str, Any]] = []
    if organization.parent is not None:
        number = f"NO:ORGNR:{organization.parent}" + (f":{organization.child}" if organization.child else "")
        details.append(_authorization(_MULTI_TENANT_SYSTEM, number))
    elif organization.child is not None:
        details.append(_authorization(_SINGLE_TENANT_SYSTEM, organization.child))
    if organization.sfm_journal_id is not None:
        details.append({"type": "nhn:sfm:journal-id", "value": {"journal_id": organization.sfm_journal_id}})
    if not details:
        return None
    return details[0] if len(details) == 1 else details


def _authorization(system: str, value: str) -> dict[str, Any]:
    return {
        "type": "helseid_authorization",
        "practitioner_role": {"organization": {"identifier": {"system": system, "type": "ENH", "value": value}}},
    }
