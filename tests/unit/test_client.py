from __future__ import annotations

from typing import Any

import pytest

from helseid_fn import Client, InvalidInvocation, Organization, SettingsError
from tests.support.parts import CLIENT_ID, ISSUER

GOOD: dict[str, Any] = {"issuer": ISSUER, "client_id": CLIENT_ID, "scopes": {"nhn:a/b"}}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        pytest.param({"issuer": f"{ISSUER}/"}, "issuer ends with a slash", id="issuer"),
        pytest.param({"issuer": None}, "issuer is not an https URL", id="no issuer"),
        pytest.param({"client_id": "a b"}, "client_id is not a client id", id="client_id"),
        pytest.param({"key": "client.jwk.json"}, "key is a path; write file: in front", id="key"),
        pytest.param({"key": '{"kty": "EC"}'}, "key is a key and not the address of one", id="a key itself"),
        pytest.param({"scopes": set()}, "scopes is empty", id="no scopes"),
        pytest.param({"scopes": {"a,b"}}, "scopes has a comma", id="scopes"),
        pytest.param({"organization": Organization(parent="99")}, "organization.parent must be", id="parent"),
        pytest.param({"organization": Organization(child=999977774)}, "organization.child must be", id="child"),  # type: ignore[arg-type]
        pytest.param({"organization": Organization(sfm_journal_id="x")}, "sfm_journal_id must be a UUID", id="journal id"),
        pytest.param({"deadline_seconds": 0}, "deadline_seconds is not a number of seconds", id="deadline"),
        pytest.param({"max_megabytes": 65}, "max_megabytes is not a whole number from 1 to 64", id="size"),
    ],
)
def test_a_wrong_argument_is_named(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        Client(**{**GOOD, **changed})


def test_every_wrong_argument_is_named_at_once() -> None:
    with pytest.raises(SettingsError) as raised:
        Client(issuer="x", client_id="", scopes=())
    assert [fault.split()[0] for fault in raised.value.faults] == ["issuer", "client_id", "scopes"]


def test_a_wrong_argument_is_not_repeated() -> None:
    with pytest.raises(SettingsError) as raised:
        Client(**{**GOOD, "key": '{"d": "hush"}', "client_id": "hush hush"})
    assert "hush" not in str(raised.value)


@pytest.mark.parametrize("url", ["http://api.example.no", "api.example.no", "https://a.example/../b", ""])
def test_a_wrong_url_is_a_settings_error(url: str) -> None:
    for make in (Client(**GOOD).api, lambda url: Client(**GOOD).auth(below=url)):
        with pytest.raises(SettingsError, match="url "):
            make(url)


@pytest.mark.parametrize("number", ["99", "", 999977774])
def test_a_wrong_organization_is_an_invalid_invocation(number: Any) -> None:
    client, organization = Client(**GOOD), Organization(parent=number)
    uses: list[Any] = [
        lambda: client.auth(organization=organization),
        lambda: client.httpx_auth(organization=organization),
        lambda: client.token(organization=organization),
        lambda: client.api("https://a.example").for_organization(organization),
    ]
    for use in uses:
        with pytest.raises(InvalidInvocation) as raised:
            use()
        assert raised.value.code == "invocation.organization"


def test_wrong_scopes_are_an_invalid_invocation() -> None:
    with pytest.raises(InvalidInvocation) as raised:
        Client(**GOOD).token(scopes=[])
    assert raised.value.code == "invocation.scope"
