from __future__ import annotations

from typing import Any

import pytest

from helseid_fn.oauth.organization import Organization, build_details, is_journal_id, is_organization_number

PARENT, CHILD, JOURNAL = "999977774", "999977776", "4a5f8d0e-6f0b-4b9c-8a63-0f3f7f2f9f11"


def authorization(system: str, value: str) -> dict[str, Any]:
    return {
        "type": "helseid_authorization",
        "practitioner_role": {"organization": {"identifier": {"system": system, "type": "ENH", "value": value}}},
    }


MULTI_TENANT = authorization("urn:oid:1.0.6523", f"NO:ORGNR:{PARENT}")
MULTI_TENANT_WITH_CHILD = authorization("urn:oid:1.0.6523", f"NO:ORGNR:{PARENT}:{CHILD}")
SINGLE_TENANT = authorization("urn:oid:2.16.578.1.12.4.1.4.101", CHILD)
SFM = {"type": "nhn:sfm:journal-id", "value": {"journal_id": JOURNAL}}


@pytest.mark.parametrize(
    ("organization", "details"),
    [
        pytest.param(Organization(), None, id="nothing"),
        pytest.param(Organization(PARENT), MULTI_TENANT, id="parent: multi-tenant"),
        pytest.param(Organization(PARENT, CHILD), MULTI_TENANT_WITH_CHILD, id="parent and child: multi-tenant"),
        pytest.param(Organization(child=CHILD), SINGLE_TENANT, id="child alone: single-tenant"),
        pytest.param(Organization(sfm_journal_id=JOURNAL), SFM, id="SFM journal alone"),
        pytest.param(Organization(PARENT, sfm_journal_id=JOURNAL), [MULTI_TENANT, SFM], id="parent and SFM journal"),
        pytest.param(Organization(PARENT, CHILD, JOURNAL), [MULTI_TENANT_WITH_CHILD, SFM], id="all three"),
        pytest.param(Organization(child=CHILD, sfm_journal_id=JOURNAL), [SINGLE_TENANT, SFM], id="child and SFM journal"),
    ],
)
def test_builds_the_details_that_helseid_specifies(organization: Organization, details: Any) -> None:
    assert build_details(organization) == details


@pytest.mark.parametrize("number", ["999977774", "999977775", "999977776", "312232326", "000000000"])
def test_nine_digits_are_a_number(number: str) -> None:
    assert is_organization_number(number)


@pytest.mark.parametrize(
    "text", ["", "99997777", "9999777744", "999 977 774", "99997777a", "٩٩٩٩٧٧٧٧٤", "999977774\n", "-99997777"]
)
def test_anything_else_is_no_number(text: str) -> None:
    assert not is_organization_number(text)


@pytest.mark.parametrize("text", [JOURNAL, JOURNAL.upper(), "00000000-0000-0000-0000-000000000000"])
def test_a_uuid_is_a_journal_id(text: str) -> None:
    assert is_journal_id(text)


@pytest.mark.parametrize(
    "text", ["", JOURNAL.replace("-", ""), f"{{{JOURNAL}}}", f"urn:uuid:{JOURNAL}", JOURNAL[:-1], f"{JOURNAL}\n"]
)
def test_anything_else_is_no_journal_id(text: str) -> None:
    assert not is_journal_id(text)


def test_shows_its_numbers_without_its_journal_id() -> None:
    assert Organization(PARENT, CHILD, JOURNAL).numbers() == {"parent": PARENT, "child": CHILD}
