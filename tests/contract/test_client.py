"""Another program calls APIs with a Client, and looks at its tokens."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from helseid_fn import (
    ApiResponse,
    Client,
    DeadlineExceeded,
    InvalidInvocation,
    InvalidResponse,
    Organization,
    Refused,
    Unavailable,
)
from standin import SAMPLE_SCOPE, StandIn, faults
from tests.conftest import ROOT, MovableClock
from tests.support.deployment import CHILD, CLIENT_ID, OTHER_CHILD, PARENT, at_once, client_of, made
from tests.support.programs import jtis, make_client

COLD = {"metadata": 1, "token": 2, "api": 1}
REJECTION = faults.Status(401, "", (("WWW-Authenticate", 'DPoP error="invalid_token"'),))


@pytest.fixture
def client(standin: StandIn, key_file: Path) -> Client:
    """Return a Client of the stand-in."""
    return make_client(standin, key_file)


def test_a_call_returns_the_response_of_the_api(standin: StandIn, client: Client) -> None:
    response = client.api(standin.api_base).get("greetings")
    assert (response.status, response.json()["childOrganizationNumber"]) == (200, CHILD)
    assert made(standin) == COLD


def test_further_calls_use_the_cached_token(standin: StandIn, client: Client) -> None:
    for api in (client.api(standin.api_base), client.api(standin.api_base)):
        api.get("greetings")
    assert made(standin) == {**COLD, "api": 2}
    assert len(set(jtis(standin))) == 2


def test_nothing_is_read_or_reached_before_the_first_call(standin: StandIn, tmp_path: Path) -> None:
    client = make_client(standin, tmp_path / "absent")
    api = client.api(standin.api_base)
    assert made(standin) == {}
    with pytest.raises(Refused) as raised:
        api.get("greetings")
    assert raised.value.code == "secret_manager.refused.not_found"


def test_a_client_may_be_made_before_a_server_forks(standin: StandIn, key_file: Path) -> None:
    program = f"""
import os
from helseid_fn import Client, Organization
client = Client(issuer={standin.issuer!r}, client_id={CLIENT_ID!r}, key="file:{key_file}", scopes={{{SAMPLE_SCOPE!r}}},
                organization=Organization(parent={PARENT!r}))
api, child = client.api({standin.api_base!r}), os.fork()
assert api.get("greetings").status == 200
assert not child or os.waitpid(child, 0)[1] == 0
"""
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    assert made(standin) == {"metadata": 2, "token": 4, "api": 2}


def test_the_parts_of_a_request_arrive(standin: StandIn, client: Client) -> None:
    seen = client.api(standin.api_base).request(
        "PATCH", "a b/$every", params={"q": "æ", "n": [1, 2]}, headers={"If-Match": '"1"'}, json={"x": None}
    )
    assert seen.json()["target"] == "/machine-clients/a%20b/$every?q=%C3%A6&n=1&n=2"
    assert seen.json()["json"] == {"x": None}
    assert {("If-Match", '"1"'), ("Content-Type", "application/json")} <= {tuple(each) for each in seen.json()["headers"]}


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_each_method_has_its_name(standin: StandIn, client: Client, method: str) -> None:
    response: ApiResponse = getattr(client.api(standin.api_base), method)("x")
    assert response.json()["method"] == method.upper()


def test_another_organization_has_its_own_token(standin: StandIn, client: Client) -> None:
    api = client.api(standin.api_base)
    other = api.for_organization(Organization(parent=PARENT, child=OTHER_CHILD))
    seen = [each.get("greetings").json()["childOrganizationNumber"] for each in (api, other, api)]
    assert seen == [CHILD, OTHER_CHILD, CHILD]
    assert made(standin) == {"metadata": 1, "token": 3, "api": 3}


def test_the_apis_nonce_is_followed_and_kept(start_standin: Callable[..., StandIn], key_file: Path) -> None:
    standin = start_standin(api_nonce=True)
    api = make_client(standin, key_file).api(standin.api_base)
    assert [api.post("x").status for _ in range(2)] == [200, 200]
    assert standin.count("api") == 3


def test_a_revoked_token_is_replaced_once(standin: StandIn, client: Client) -> None:
    api = client.api(standin.api_base)
    api.get("greetings")
    standin.revoke_tokens()
    assert api.get("greetings").status == 200
    assert made(standin) == {"metadata": 1, "token": 3, "api": 3}


def test_twenty_threads_make_one_token_request(standin: StandIn, client: Client) -> None:
    api = client.api(standin.api_base)
    assert at_once(20, lambda: api.get("greetings").status) == [200] * 20
    assert made(standin) == {**COLD, "api": 20}


def test_a_refusal_is_an_error_unless_it_is_allowed(standin: StandIn, client: Client) -> None:
    api = client.api(standin.api_base)
    with pytest.raises(Refused) as raised:
        api.get("status/404")
    assert (raised.value.code, raised.value.status) == ("api.refused.not_found", 404)
    assert api.get("status/404", allow={404}).status == 404


def test_not_modified_is_a_response(standin: StandIn, client: Client) -> None:
    standin.api.fail_next("api", faults.Status(304))
    assert client.api(standin.api_base).get("x", headers={"If-None-Match": '"1"'}).status == 304


def test_an_unavailable_api_is_asked_three_times(standin: StandIn, client: Client) -> None:
    with pytest.raises(Unavailable):
        client.api(standin.api_base).get("status/503")
    assert made(standin) == {**COLD, "api": 3}


def test_a_post_that_may_be_processed_is_sent_once(standin: StandIn, client: Client) -> None:
    with pytest.raises(Unavailable) as raised:
        client.api(standin.api_base).post("status/503")
    assert (raised.value.retryable, standin.count("api")) == (False, 1)


def test_a_call_ends_at_its_deadline(standin: StandIn, key_file: Path) -> None:
    standin.api.fail_always("api", faults.Hang())
    with pytest.raises(DeadlineExceeded):
        make_client(standin, key_file, deadline_seconds=3).api(standin.api_base).get("x")  # a third of it for HelseID


def test_a_redirect_is_refused_and_not_followed(
    standin: StandIn, client: Client, start_standin: Callable[..., StandIn]
) -> None:
    elsewhere = start_standin()
    standin.api.fail_next("api", faults.Redirect(elsewhere.api_url))
    with pytest.raises(Refused) as raised:
        client.api(standin.api_base).get("greetings")
    assert (raised.value.code, elsewhere.received) == ("api.refused.redirect", [])


@pytest.mark.parametrize("body", [b"%PDF-\xff\x00", b"", b"<html>"], ids=["a PDF", "nothing", "a page"])
def test_any_body_arrives_as_it_is(standin: StandIn, client: Client, body: bytes) -> None:
    standin.api.fail_next("api", faults.Status(200, body, (("ETag", '"7"'),), "application/pdf"))
    response = client.api(standin.api_base).get("x")
    assert (response.content, b"".join(response.iter_bytes()), response.headers["etag"]) == (body, body, '"7"')


def test_a_body_over_the_limit_is_an_error(standin: StandIn, key_file: Path) -> None:
    standin.api.fail_next("api", faults.Status(200, b"x" * (1024 * 1024 + 1)))
    with pytest.raises(InvalidResponse) as raised:
        make_client(standin, key_file, max_megabytes=1).api(standin.api_base).get("x")
    assert raised.value.code == "api.invalid_response.too_large"


def test_a_file_is_streamed_and_read_again(start_standin: Callable[..., StandIn], key_file: Path, tmp_path: Path) -> None:
    standin = start_standin(api_nonce=True)
    path = tmp_path / "document"
    path.write_bytes(b"skipped" + b"x" * 300_000)
    with path.open("rb") as file:
        file.seek(7)
        make_client(standin, key_file).api(standin.api_base).put("x", content=file, headers={"Content-Type": "text/plain"})
    assert [len(each.body) for each in standin.exchanges("api")] == [300_000] * 2


def test_a_pipe_is_refused_before_anything_is_sent(standin: StandIn, client: Client) -> None:
    reading, writing = os.pipe()
    with (
        os.fdopen(reading, "rb") as pipe,
        os.fdopen(writing, "wb"),
        pytest.raises(InvalidInvocation, match="cannot be read again"),
    ):
        client.api(standin.api_base).post("x", content=pipe)
    assert made(standin) == {}


def test_an_empty_file_is_an_empty_body(standin: StandIn, client: Client) -> None:
    assert client.api(standin.api_base).post("x", content=io.BytesIO()).json()["body"] == ""


@pytest.mark.parametrize("path", ["../x", "a//b", "a/%2e%2e/b", "a?b=c", "/x", "https://elsewhere.example/x"])
def test_a_path_cannot_leave_the_url(standin: StandIn, client: Client, path: str) -> None:
    with pytest.raises(InvalidInvocation):
        client.api(standin.api_base).get(path)
    assert made(standin) == {}


def page(number: int, link: str | None = None, **members: Any) -> faults.Status:
    headers = (("Link", f'<{link}>; rel="next"'),) if link else ()
    return faults.Status(200, json.dumps({"page": number, **members}), headers, "application/json")


def test_pages_follow_the_link_header(standin: StandIn, client: Client) -> None:
    for fault in (page(1, "x?after=1"), page(2, f"{standin.api_base}/x?after=2"), page(3)):
        standin.api.fail_next("api", fault)
    pages = client.api(standin.api_base).pages("x", params={"count": 1}, headers={"X-Own": "a"})
    assert [each.json()["page"] for each in pages] == [1, 2, 3]
    base = "/machine-clients/x"
    assert [each.target for each in standin.exchanges("api")] == [f"{base}?count=1", f"{base}?after=1", f"{base}?after=2"]
    assert [each.values("X-Own") for each in standin.exchanges("api")] == [["a"]] * 3


def test_pages_follow_what_the_program_finds(standin: StandIn, client: Client) -> None:
    for fault in (page(1, seen=7), page(2, seen=9), page(3)):
        standin.api.fail_next("api", fault)

    def find(response: ApiResponse) -> str | None:
        members = response.json()
        return f"events?from={members['seen'] + 1}" if "seen" in members else None

    assert len(list(client.api(standin.api_base).pages("events", next=find))) == 3
    assert [each.target.partition("?")[2] for each in standin.exchanges("api")] == ["", "from=8", "from=10"]


@pytest.mark.parametrize(
    "link",
    ["https://elsewhere.example/x", "/other-clients/x", "../x", "x/%2e%2e/%2e%2e/y", "x/..%2F..%2Fy", "http://127.0.0.1:1/x"],
)
def test_a_page_elsewhere_is_never_called(standin: StandIn, client: Client, link: str) -> None:
    standin.api.fail_next("api", page(1, link))
    pages = client.api(standin.api_base).pages("x")
    assert next(pages).json() == {"page": 1}
    with pytest.raises(InvalidResponse) as raised:
        next(pages)
    assert raised.value.code == "api.invalid_response.next_page"
    assert made(standin) == COLD


def test_pages_follow_a_json_pointer(standin: StandIn, client: Client) -> None:
    for page in (b'{"Links": {"Next": {"Href": "events?page=2"}}}', b'{"Links": {"Next": {}}}'):
        standin.api.fail_next("api", faults.Status(200, page, (("Content-Type", "application/json"),)))
    assert len(list(client.api(standin.api_base).pages("events", next="/Links/Next/Href"))) == 2


def test_a_pointer_to_no_link_is_an_error(standin: StandIn, client: Client) -> None:
    standin.api.fail_next("api", faults.Status(200, b'{"next": 2}', (("Content-Type", "application/json"),)))
    with pytest.raises(InvalidResponse, match="not a string"):
        list(client.api(standin.api_base).pages("events", next="/next"))


def test_pages_need_a_way_to_the_next(standin: StandIn, client: Client) -> None:
    with pytest.raises(InvalidInvocation, match="JSON pointer"):
        next(client.api(standin.api_base).pages("events", next="next"))


def test_pages_in_a_circle_end(standin: StandIn, client: Client) -> None:
    standin.api.fail_always("api", page(1, "x"))
    with pytest.raises(InvalidResponse, match="read already"):
        list(client.api(standin.api_base).pages("x"))
    assert standin.count("api") == 1


def test_an_error_shows_nothing_that_grants_access(standin: StandIn, client: Client) -> None:
    standin.api.settings.echo_credentials = True
    with pytest.raises(Refused) as raised:
        client.api(standin.api_base).get("status/403")
    shown = f"{raised.value!r} {raised.value} {raised.value.api_response}"
    assert not [secret for secret in standin.secrets() if secret in shown]


def test_a_token_says_what_it_is_for(start_standin: Callable[..., StandIn], jwk: dict[str, Any], key_file: Path) -> None:
    clock = MovableClock()
    standin = start_standin(client_of(jwk), clock=clock, token_lifetime_seconds=600)
    client = make_client(standin, key_file, now=clock)
    token = client.token(organization=Organization(parent=PARENT))
    assert (token.type, token.scopes, token.organization) == ("DPoP", {SAMPLE_SCOPE}, Organization(parent=PARENT))
    assert token.expires_at == datetime.fromtimestamp(clock.now + 600, UTC)


def test_a_token_is_shown_only_when_it_is_revealed(standin: StandIn, client: Client) -> None:
    token = client.token()
    assert token.reveal() in standin.secrets()
    assert not [secret for secret in standin.secrets() if secret in f"{token!r} {token} {vars(token)} {client!r}"]


def test_a_token_and_calls_share_the_cache(standin: StandIn, client: Client) -> None:
    assert client.token().reveal() == client.token(scopes=[SAMPLE_SCOPE]).reveal()
    client.api(standin.api_base).get("greetings")
    assert made(standin) == COLD


def test_a_token_of_scopes_that_are_not_granted_is_refused(client: Client) -> None:
    with pytest.raises(Refused) as raised:
        client.token(scopes={"nhn:other/scope"})
    assert raised.value.party.slug == "helseid"
