"""Answers of a hostile or broken server: none confuses two callers, exhausts the process or outlasts the deadline."""

import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from standin import StandIn
from standin.faults import Deliver, Handle
from standin.wire import Wire
from tests.support.deployment import OTHER_UNIT, Function, log_lines, one_key

pytestmark = one_key


@dataclass(frozen=True)
class Raw:
    """Sends these bytes, then the real answer if it is asked for, else closes."""

    sent: bytes
    then_answer: bool = False

    def carry_out(self, wire: Wire, handle: Handle, deliver: Deliver) -> None:
        wire.send(self.sent + (deliver(handle()) if self.then_answer else b""))
        if not self.then_answer:
            wire.close()


@pytest.mark.parametrize("status", [102, 103, 199])
def test_an_interim_answer_is_passed_over_and_no_caller_gets_anothers_data(
    standin: StandIn, function: Function, status: int
) -> None:
    interim = Raw(f"HTTP/1.1 {status} Interim\r\nLink: </style.css>\r\n\r\n".encode(), then_answer=True)
    standin.api.fail_always("api", interim)
    for members, child in ((None, "999977776"), (OTHER_UNIT, "999977775"), (None, "999977776")):
        answer = function.call(members).json or {}
        assert answer["api"]["body"]["childOrganizationNumber"] == child


def test_an_answer_that_leaves_http_is_garbled_and_its_connection_is_not_used_again(
    standin: StandIn, function: Function
) -> None:
    switching = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\n\r\n"
    standin.api.fail_next("api", Raw(switching, then_answer=True))
    assert (function.call().json or {})["code"] == "api.garbled.http"
    assert (function.call(OTHER_UNIT).json or {})["api"]["body"]["childOrganizationNumber"] == "999977775"


@pytest.mark.parametrize(
    "sent",
    [
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n" + b"x" * (4 << 20),
        b"HTTP/1.1 401 No\r\n" + (b"X-A: " + b"a," * 30_000 + b"\r\n") * 90,
    ],
    ids=["a chunk of length -1", "6 MiB of headers"],
)
def test_what_is_larger_than_any_answer_may_be_is_garbled(standin: StandIn, function: Function, sent: bytes) -> None:
    standin.api.fail_next("api", Raw(sent))
    answer = function.call()
    assert (answer.json or {})["code"] == "api.garbled.http"
    assert standin.count("api") == 1
    assert function.call().status_code == 200


def test_a_broken_header_brings_neither_addresses_nor_headers_into_the_log(
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


def test_a_header_made_to_keep_the_log_busy_does_not(standin: StandIn, function: Function) -> None:
    standin.api.fail_next("api", Raw(b"HTTP/1.1 200 OK\r\nnot a header\r\n" + b"\\" * 60_000 + b"\r\n\r\n{}"))
    assert function.call().status_code in (200, 502)


def test_a_name_that_is_looked_up_for_ever_does_not_outlast_the_deadline(
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
    assert problem["code"] in ("api.deadline_exceeded", "api.unreachable.connect")
    assert took_seconds < 10


def test_a_proxy_of_a_kind_that_cannot_be_used_is_named(
    standin: StandIn, deploy: Callable[..., Function], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    problem = deploy(standin, API_URL="https://api.example/").call().json or {}
    assert (problem["status"], problem["code"]) == (503, "api.unreachable.proxy")


def test_an_echo_in_jsons_own_writing_is_elided(standin: StandIn, function: Function) -> None:
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
    answer = function.call()
    assert not any(secret in answer.get_data(as_text=True) for secret in standin.secrets())
    assert "[elided]" in answer.get_data(as_text=True)
