"""Is the stand-in's Secret Manager as strict as Google's? Called by Google's own client, over real gRPC."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import grpc
import pytest
from google.api_core import exceptions
from google.cloud import secretmanager_v1
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import SecretManagerServiceGrpcTransport

from standin import StandIn, make_jwk, secret_faults
from standin.crc32c import crc32c

SECRET = "projects/p/secrets/key"
PENDING = "projects/p/secrets/key-pending"
State = secretmanager_v1.SecretVersion.State


class Google:
    """Google's client without its retries, pointed at a stand-in."""

    def __init__(self, standin: StandIn) -> None:
        channel = grpc.insecure_channel(standin.secret_manager_address)
        transport = SecretManagerServiceGrpcTransport(channel=channel)
        self._client = secretmanager_v1.SecretManagerServiceClient(transport=transport)
        self.close = channel.close

    def ask(self, method: str, *, timeout: float = 5, **members: Any) -> Any:
        return getattr(self._client, method)(request=members, retry=None, timeout=timeout)

    def add(self, secret: str, data: bytes, **payload: Any) -> Any:
        return self.ask("add_secret_version", parent=secret, payload={"data": data, **payload})

    def numbers(self, **members: Any) -> list[int]:
        every_page = self.ask("list_secret_versions", parent=SECRET, **members)
        return [int(version.name.rpartition("/")[2]) for version in every_page]


@pytest.fixture
def standin(clock: Callable[[], float]) -> Iterator[StandIn]:
    """Provide a stand-in with two empty secrets, with a stopped clock."""
    with StandIn(secret_manager=True, clock=clock) as standin:
        for name in (SECRET, PENDING):
            standin.secret_manager.create(name)
        yield standin


@pytest.fixture
def google(standin: StandIn) -> Iterator[Google]:
    """Provide Google's client."""
    client = Google(standin)
    yield client
    client.close()


def refusal_of(call: Callable[[], object]) -> str:
    with pytest.raises(exceptions.GoogleAPICallError) as caught:
        call()
    return str(caught.value.grpc_status_code.name)


def test_an_added_version_is_the_latest(standin: StandIn, google: Google) -> None:
    first = google.add(SECRET, b"one", data_crc32c=crc32c(b"one"))
    second = google.add(SECRET, b"two")
    assert [first.name, second.name] == [f"{SECRET}/versions/{number}" for number in (1, 2)]
    assert (first.client_specified_payload_checksum, second.client_specified_payload_checksum) == (True, False)
    latest = google.ask("access_secret_version", name=f"{SECRET}/versions/latest")
    assert (latest.name, latest.payload.data, latest.payload.data_crc32c) == (second.name, b"two", crc32c(b"two"))
    assert [version.data for version in standin.secret_manager.versions(SECRET)] == [b"one", b"two"]


def test_secrets_do_not_share_versions(standin: StandIn, google: Google) -> None:
    google.add(PENDING, b"pending")
    assert refusal_of(lambda: google.ask("access_secret_version", name=f"{SECRET}/versions/latest")) == "NOT_FOUND"
    assert [version.name for version in standin.secret_manager.versions()] == [f"{PENDING}/versions/1"]


@pytest.mark.parametrize(
    ("code", "secret", "payload"),
    [
        pytest.param("INVALID_ARGUMENT", SECRET, {"data": b"one", "data_crc32c": crc32c(b"two")}, id="another's checksum"),
        pytest.param("INVALID_ARGUMENT", SECRET, {"data": b"one", "data_crc32c": 0}, id="a checksum of nought"),
        pytest.param("INVALID_ARGUMENT", SECRET, {"data": b""}, id="no data"),
        pytest.param("INVALID_ARGUMENT", SECRET, {"data": b"1" * 65537}, id="too much data"),
        pytest.param("INVALID_ARGUMENT", f"{SECRET}/versions/1", {"data": b"one"}, id="a version for a secret"),
        pytest.param("NOT_FOUND", "projects/p/secrets/other", {"data": b"one"}, id="no such secret"),
    ],
)
def test_a_version_is_refused_for(standin: StandIn, google: Google, code: str, secret: str, payload: dict[str, Any]) -> None:
    """Nothing is written then."""
    assert refusal_of(lambda: google.ask("add_secret_version", parent=secret, payload=payload)) == code
    assert standin.secret_manager.versions() == []
    assert standin.exchanges("add")[0].status == code


def test_versions_are_listed_newest_first_page_by_page(google: Google) -> None:
    for number in range(1, 6):
        google.add(SECRET, str(number).encode())
    assert google.numbers() == [5, 4, 3, 2, 1]
    pages = google.ask("list_secret_versions", parent=SECRET, page_size=2).pages
    assert [(len(page.versions), page.total_size) for page in pages] == [(2, 5), (2, 5), (1, 5)]
    assert google.numbers(page_size=2) == [5, 4, 3, 2, 1]


def test_a_filter_chooses_by_state(google: Google) -> None:
    for number in range(1, 4):
        google.add(SECRET, str(number).encode())
    google.ask("disable_secret_version", name=f"{SECRET}/versions/2")
    google.ask("destroy_secret_version", name=f"{SECRET}/versions/1")
    chosen = {state: google.numbers(filter=f"state:{state}") for state in ("ENABLED", "DISABLED", "DESTROYED")}
    assert chosen == {"ENABLED": [3], "DISABLED": [2], "DESTROYED": [1]}
    assert google.numbers(filter="state:ENABLED OR state:DISABLED") == [3, 2]
    assert google.ask("list_secret_versions", parent=SECRET, filter="state:ENABLED").total_size == 0


@pytest.mark.parametrize("members", [{"filter": "state:BROKEN"}, {"filter": "name:x"}, {"page_token": "x"}], ids=str)
def test_a_list_is_refused_for(google: Google, members: dict[str, str]) -> None:
    assert refusal_of(lambda: google.numbers(**members)) == "INVALID_ARGUMENT"


def test_latest_is_the_newest_version_even_when_it_is_disabled(google: Google) -> None:
    google.add(SECRET, b"one")
    google.add(SECRET, b"two")
    google.ask("disable_secret_version", name=f"{SECRET}/versions/latest")
    latest = f"{SECRET}/versions/latest"
    assert google.ask("get_secret_version", name=latest).state == State.DISABLED
    assert refusal_of(lambda: google.ask("access_secret_version", name=latest)) == "FAILED_PRECONDITION"
    google.ask("enable_secret_version", name=f"{SECRET}/versions/2")
    assert google.ask("access_secret_version", name=latest).payload.data == b"two"


def test_a_destroyed_version_is_gone(standin: StandIn, google: Google) -> None:
    name = google.add(SECRET, b"one").name
    standin.clock.move(60)
    destroyed = google.ask("destroy_secret_version", name=name)
    assert destroyed.state == State.DESTROYED
    assert destroyed.destroy_time.timestamp() == destroyed.create_time.timestamp() + 60
    assert standin.secret_manager.versions(SECRET)[0].data == b""
    methods = [f"{verb}_secret_version" for verb in ("access", "enable", "disable", "destroy")]
    assert [refusal_of(partial(google.ask, method, name=name)) for method in methods] == ["FAILED_PRECONDITION"] * 4


def test_a_version_has_its_creation_time(standin: StandIn, google: Google) -> None:
    made = [google.add(SECRET, b"one").create_time.timestamp()]
    standin.clock.move(3600)
    google.add(SECRET, b"two")
    made += [google.ask("get_secret_version", name=f"{SECRET}/versions/2").create_time.timestamp()]
    assert made[1] - made[0] == 3600
    assert standin.secret_manager.versions(SECRET)[1].created_at == made[1]


@pytest.mark.parametrize("method", ["disable_secret_version", "destroy_secret_version", "enable_secret_version"])
def test_an_old_etag_is_refused(google: Google, method: str) -> None:
    """Even a change that changes nothing makes a new one."""
    version = google.add(SECRET, b"one")
    changed = google.ask("enable_secret_version", name=version.name, etag=version.etag)
    assert changed.etag != version.etag
    assert refusal_of(lambda: google.ask(method, name=version.name, etag=version.etag)) == "FAILED_PRECONDITION"
    assert google.ask("get_secret_version", name=version.name).state == State.ENABLED
    google.ask(method, name=version.name, etag=changed.etag)


def test_an_update_replaces_only_what_its_mask_names(google: Google) -> None:
    google.add(SECRET, b"one")
    before = google.ask("get_secret", name=SECRET)
    secret = {"name": SECRET, "labels": {"expires": "2027-01-01"}, "annotations": {"k": "2027-01-01T00:00:00Z"}}
    google.ask("update_secret", secret={**secret, "etag": before.etag}, update_mask={"paths": ["labels"]})
    google.ask(
        "update_secret", secret={"name": SECRET, "version_aliases": {"current": 1}}, update_mask={"paths": ["version_aliases"]}
    )
    after = google.ask("get_secret", name=SECRET)
    assert (after.labels, after.annotations, after.version_aliases) == ({"expires": "2027-01-01"}, {}, {"current": 1})
    assert after.create_time == before.create_time
    assert google.ask("access_secret_version", name=f"{SECRET}/versions/current").payload.data == b"one"


@pytest.mark.parametrize(
    ("code", "members", "mask"),
    [
        pytest.param("INVALID_ARGUMENT", {"labels": {"expires": "10:00"}}, ["labels"], id="a label with a colon"),
        pytest.param("INVALID_ARGUMENT", {"labels": {"Expires": "x"}}, ["labels"], id="a capital in a label's name"),
        pytest.param("INVALID_ARGUMENT", {"annotations": {"k": "x" * 16384}}, ["annotations"], id="large annotations"),
        pytest.param("INVALID_ARGUMENT", {"labels": {}}, [], id="no mask"),
        pytest.param("INVALID_ARGUMENT", {}, ["replication"], id="what cannot be changed"),
        pytest.param("NOT_FOUND", {"version_aliases": {"current": 1}}, ["version_aliases"], id="an alias of no version"),
        pytest.param("FAILED_PRECONDITION", {"labels": {}, "etag": '"0"'}, ["labels"], id="an etag of before"),
    ],
)
def test_a_change_of_a_secret_is_refused_for(google: Google, code: str, members: dict[str, Any], mask: list[str]) -> None:
    request = {"secret": {"name": SECRET, **members}, "update_mask": {"paths": mask}}
    assert refusal_of(lambda: google.ask("update_secret", **request)) == code


@pytest.mark.parametrize(
    ("kind", "method", "members"),
    [
        ("add", "add_secret_version", {"parent": SECRET, "payload": {"data": b"two"}}),
        ("list", "list_secret_versions", {"parent": SECRET}),
        ("get", "get_secret_version", {"name": f"{SECRET}/versions/1"}),
        ("access", "access_secret_version", {"name": f"{SECRET}/versions/1"}),
        ("enable", "enable_secret_version", {"name": f"{SECRET}/versions/1"}),
        ("disable", "disable_secret_version", {"name": f"{SECRET}/versions/1"}),
        ("destroy", "destroy_secret_version", {"name": f"{SECRET}/versions/1"}),
        ("get_secret", "get_secret", {"name": SECRET}),
        ("update_secret", "update_secret", {"secret": {"name": SECRET}, "update_mask": {"paths": ["labels"]}}),
    ],
)
def test_each_method_can_be_made_to_fail_alone(
    standin: StandIn, google: Google, kind: str, method: str, members: dict[str, Any]
) -> None:
    google.add(SECRET, b"one")
    standin.secret_manager.fail_next(kind, secret_faults.Fail("PERMISSION_DENIED"))
    assert refusal_of(lambda: google.ask(method, **members)) == "PERMISSION_DENIED"
    assert standin.exchanges(kind)[-1].status == "PERMISSION_DENIED"
    assert [version.state for version in standin.secret_manager.versions(SECRET)] == ["ENABLED"]
    google.ask(method, **members)


@pytest.mark.parametrize("handled", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    "fault",
    [secret_faults.Fail, secret_faults.Silence, lambda handled: secret_faults.Slow(5, handled=handled)],
    ids=["refused", "silent", "slow"],
)
def test_a_write_can_fail_before_or_after_it_is_done(
    standin: StandIn, google: Google, fault: Callable[..., secret_faults.SecretFault], *, handled: bool
) -> None:
    standin.secret_manager.fail_next("add", fault(handled=handled))
    request = {"parent": SECRET, "payload": {"data": b"one"}}
    assert refusal_of(lambda: google.ask("add_secret_version", timeout=0.2, **request)) in {"UNAVAILABLE", "DEADLINE_EXCEEDED"}
    assert [version.data for version in standin.secret_manager.versions(SECRET)] == [b"one"] * handled


def test_a_stopped_server_drops_delayed_requests(standin: StandIn, google: Google) -> None:
    standin.secret_manager.fail_next("add", secret_faults.Silence())
    assert refusal_of(lambda: google.ask("add_secret_version", timeout=0.1, parent=SECRET, payload={"data": b"x"}))
    standin.secret_manager.stop()
    ends_at = time.monotonic() + 5
    while standin.exchanges("add")[0].status is None and time.monotonic() < ends_at:
        time.sleep(0.01)
    assert (standin.exchanges("add")[0].status, standin.secret_manager.versions()) == ("UNAVAILABLE", [])


def test_the_private_half_of_a_stored_key_counts_as_a_secret(standin: StandIn, google: Google) -> None:
    jwk = make_jwk("ES256", fresh=True)
    google.add(PENDING, str(jwk).replace("'", '"').encode())
    assert jwk["d"] in standin.secrets()
    stored = standin.secret_manager.versions(PENDING)[0].jwk
    assert stored is not None
    assert stored["kid"] == jwk["kid"]
