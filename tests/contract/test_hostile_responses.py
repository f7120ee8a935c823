"""Responses of a hostile or broken server: none mixes up two callers, exhausts the process or outlasts the deadline."""

import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from standin import StandIn
from standin.faults import Deliver, Handle
from standin.wire import Wire
from tests.support.certificates import Authority
from tests.support.deployment import OTHER_UNIT, Function, log_lines


@dataclass(frozen=True)
class Raw:
    """Sends these bytes, then the real response or the end of the connection."""

    sent: bytes
    then_respond: bool = False

    def carry_out(self, wire: Wire, handle: Handle, deliver: Deliver) -> None:
        wire.send(self.sent + (deliver(handle()) if self.then_respond else b""))
        if not self.then_respond:
            wire.close()


@pytest.mark.parametrize("status", [102, 103, 199])
def test_after_interim_responses_every_caller_gets_its_own_data(standin: StandIn, function: Function, status: int) -> None:
    interim = Raw(f"HTTP/1.1 {status} Interim\r\nLink: </style.css>\r\n\r\n".encode(), then_respond=True)
    standin.api.fail_always("api", interim)
    for members, child in ((None, "999977776"), (OTHER_UNIT, "999977775"), (None, "999977776")):
        report = function.call(members).json or {}
        assert report["api"]["body"]["childOrganizationNumber"] == child


def test_a_connection_that_switched_protocols_is_not_used_again(standin: StandIn, function: Function) -> None:
    switching = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\n\r\n"
    standin.api.fail_next("api", Raw(switching, then_respond=True))
    assert (function.call().json or {})["code"] == "api.invalid_response.http"
    assert (function.call(OTHER_UNIT).json or {})["api"]["body"]["childOrganizationNumber"] == "999977775"


@pytest.mark.parametrize(
    "sent",
    [
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n" + b"x" * (4 << 20),
        b"HTTP/1.1 401 No\r\n" + (b"X-A: " + b"a," * 30_000 + b"\r\n") * 90,
    ],
    ids=["a chunk of length -1", "6 MiB of headers"],
)
def test_a_response_larger_than_any_may_be_is_invalid(standin: StandIn, function: Function, sent: bytes) -> None:
    standin.api.fail_next("api", Raw(sent))
    response = function.call()
    assert (response.json or {})["code"] == "api.invalid_response.http"
    assert standin.count("api") == 1
    assert function.call().status_code == 200


def test_a_broken_header_puts_no_url_and_no_header_into_the_log(
    standin: StandIn, deploy: Callable[..., Function], capfd: pytest.CaptureFixture[str]
) -> None:
    function = deploy(standin, API_URL=f"{standin.api_url}?fnr=01017012345")
    broken = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nnot a header\r\nX-Echo: opaque-token\r\n\r\n{}"
    standin.api.fail_next("api", Raw(broken))
    function.call()
    out, err = capfd.readouterr()
    assert "01017012345" not in out + err
    assert "opaque-token" not in out + err
    assert log_lines(out)


def test_a_header_full_of_backslashes_does_not_block_the_log(standin: StandIn, function: Function) -> None:
    standin.api.fail_next("api", Raw(b"HTTP/1.1 200 OK\r\nnot a header\r\n" + b"\\" * 60_000 + b"\r\n\r\n{}"))
    assert function.call().status_code in (200, 502)


def test_a_name_look_up_without_end_ends_at_the_deadline(
    standin: StandIn, deploy: Callable[..., Function], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, found = threading.Event(), threading.Event()
    look_up = socket.getaddrinfo

    def slow_look_up(host: str, *rest: Any, **more: Any) -> Any:
        if host != "api.example":
            return look_up(host, *rest, **more)
        asked.set()
        found.wait(timeout=30)
        raise socket.gaierror(socket.EAI_NONAME, "not found")

    monkeypatch.setattr(socket, "getaddrinfo", slow_look_up)
    begun_at = time.monotonic()
    problem = deploy(standin, API_URL="https://api.example/", DEADLINE_SECONDS="1").call().json or {}
    took_seconds = time.monotonic() - begun_at
    found.set()
    assert asked.is_set()
    assert problem["code"] in ("api.deadline_exceeded", "api.unavailable.connect")
    assert took_seconds < 10


def test_a_token_echoed_in_json_escapes_is_redacted(standin: StandIn, function: Function) -> None:
    @dataclass(frozen=True)
    class Echo:
        def carry_out(self, wire: Wire, _handle: Handle, _deliver: Deliver) -> None:
            token = standin.secrets()[-1]
            escaped = "".join(f"\\u{ord(each):04x}" for each in token)
            body = f'{{"echo": "{escaped}"}}'.encode()
            head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            wire.send(head.encode() + body)

    function.call()
    standin.api.fail_next("api", Echo())
    response = function.call()
    assert not any(secret in response.get_data(as_text=True) for secret in standin.secrets())
    assert "[redacted]" in response.get_data(as_text=True)


def test_a_body_that_is_cut_within_tls_is_not_complete(
    start_standin: Callable[..., StandIn],
    deploy: Callable[..., Function],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    authority = Authority(tmp_path / "authority")
    standin = start_standin(tls=authority.server())
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.bundle))
    standin.api.fail_always(
        "api", Raw(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nthe first half")
    )
    problem = deploy(standin).call().json or {}
    assert (problem["status"], problem["code"]) == (503, "api.unavailable.connection_lost")
