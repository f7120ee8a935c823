from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress

import pytest

from helseid_fn.delivery.log import MAX_LOGGED_BYTES, LogDestination
from helseid_fn.errors import Refused, Unavailable
from helseid_fn.function import log
from helseid_fn.redaction import REDACTED
from tests.support.parts import make_context
from tests.support.results import ATTRIBUTES, BrokenBodyError, break_off, make_result


@pytest.mark.parametrize("level", ["DEBUG", "INFO", "CRITICAL"])
def test_a_result_is_one_line_of_the_log_at_any_level(capsys: pytest.CaptureFixture[str], level: str) -> None:
    log.configure(level)
    body = '{"navn": "Øst"}\n'.encode()
    receipt = LogDestination().deliver(make_result(iter([body[:10], body[10:]])), make_context())
    (line,) = map(json.loads, capsys.readouterr().out.splitlines())
    digest = hashlib.sha256(body).hexdigest()
    assert (line["severity"], line["name"], line["result"]) == ("INFO", "day/1.json", body.decode())
    assert line["attributes"] == {**ATTRIBUTES, "content_type": "application/json", "sha256": digest}
    assert (receipt.address, receipt.size_bytes, receipt.sha256) == ("log#day/1.json", len(body), digest)


def test_a_logged_result_has_no_token(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("INFO")
    LogDestination().deliver(make_result(b'{"token": "eyJhbGciOiJFUzI1NiJ9.HUSHHUSH.HUSH"}'), make_context())
    (line,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert line["result"] == f'{{"token": "{REDACTED}"}}'


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"x" * MAX_LOGGED_BYTES, "too_large"),
        (b"\xff", "other"),
        (("ø" * (MAX_LOGGED_BYTES // 4)).encode(), "too_large"),
    ],
    ids=["too large", "binary", "too large once escaped"],
)
def test_what_no_line_takes_is_refused_and_not_logged(capsys: pytest.CaptureFixture[str], body: bytes, reason: str) -> None:
    log.configure("INFO")
    with pytest.raises(Refused, match="Deliver into a bucket") as raised:
        LogDestination().deliver(make_result(body), make_context())
    assert (raised.value.code, capsys.readouterr().out) == (f"delivery.refused.{reason}", "")


def test_an_endless_body_is_refused_at_the_limit() -> None:
    blocks = iter([b"x" * 1024] * 1000)
    with pytest.raises(Refused):
        LogDestination().deliver(make_result(blocks), make_context())
    assert len(list(blocks)) == 1000 - MAX_LOGGED_BYTES // 1024 - 1


def test_a_body_that_breaks_off_is_not_logged(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("INFO")
    with pytest.raises(BrokenBodyError):
        LogDestination().deliver(make_result(break_off(b"half")), make_context())
    assert capsys.readouterr().out == ""


def test_a_result_that_is_not_written_is_not_delivered(monkeypatch: pytest.MonkeyPatch) -> None:
    log.configure("INFO")
    reading, writing = os.pipe()
    os.close(reading)
    with suppress(BrokenPipeError), os.fdopen(writing, "w") as pipe, monkeypatch.context() as patch:
        patch.setattr("sys.stdout", pipe)
        with pytest.raises(Unavailable) as raised:
            LogDestination().deliver(make_result(), make_context())
    assert (raised.value.code, raised.value.retryable) == ("delivery.unavailable.connect", True)


@pytest.mark.parametrize("size", [0, MAX_LOGGED_BYTES - 2])
def test_the_smallest_and_the_largest_result_are_logged(capsys: pytest.CaptureFixture[str], size: int) -> None:
    log.configure("INFO")
    LogDestination().deliver(make_result(b"x" * size), make_context())
    line = capsys.readouterr().out
    assert len(json.loads(line)["result"]) == size
    assert len(line) < 256 * 1024
