from __future__ import annotations

import json
import logging
import math
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from helseid_fn.function import log
from helseid_fn.keys.signing_key import generate_proof_key
from standin import make_jwk
from tests.support.parts import PRIVATE_MEMBERS

Lines = Callable[[], list[dict[str, Any]]]
OURS = logging.getLogger("helseid_fn.unit")
THEIRS = logging.getLogger("somebody.else")


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Lines:
    """Return a reader of the written lines, each of which must be JSON."""

    def read() -> list[dict[str, Any]]:
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return read


@pytest.fixture
def written(capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """Return what reads all that was written, on both streams."""

    def read() -> str:
        out, err = capsys.readouterr()
        return out + err

    return read


def fail(message: str, cause: Exception | None = None) -> None:
    raise RuntimeError(message) from cause


def crash(message: str) -> None:
    try:
        fail(message)
    except RuntimeError:
        OURS.critical("It crashed.", exc_info=True)


@pytest.mark.parametrize("level", ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"])
def test_every_line_on_stdout_is_json_with_a_severity(level: str, lines: Lines) -> None:
    log.configure("DEBUG")
    OURS.log(getattr(logging, level), "Hello %s.", "there")
    (line,) = lines()
    assert (line["severity"], line["message"], line["logger"]) == (level, "Hello there.", "helseid_fn.unit")


LAMBDA_LEVELS = {"DEBUG": "DEBUG", "INFO": "INFO", "WARNING": "WARN", "ERROR": "ERROR", "CRITICAL": "FATAL"}


@pytest.mark.parametrize(("severity", "level"), LAMBDA_LEVELS.items())
def test_a_line_has_lambda_s_name_for_its_level(severity: str, level: str, lines: Lines) -> None:
    log.configure("DEBUG")
    OURS.log(getattr(logging, severity), "Hello.")
    assert lines()[0]["level"] == level


def test_a_line_says_when_in_utc(lines: Lines) -> None:
    log.configure("INFO")
    OURS.handle(logging.makeLogRecord({"name": OURS.name, "levelno": 20, "levelname": "INFO", "msg": "x", "created": 0.5}))
    assert lines()[0]["time"] == "1970-01-01T00:00:00.500+00:00"


def test_the_fields_are_beside_the_message(lines: Lines) -> None:
    log.configure("INFO")
    OURS.info("x", extra={"fields": {"outcome": "ok", "requests": {"api": 1}}})
    assert (lines()[0] | {"time": "", "timestamp": ""}) == {
        "severity": "INFO",
        "level": "INFO",
        "message": "x",
        "time": "",
        "timestamp": "",
        "logger": "helseid_fn.unit",
        "outcome": "ok",
        "requests": {"api": 1},
    }


@pytest.mark.parametrize("value", [frozenset({"a"}), object(), b"a", ValueError("x"), generate_proof_key()], ids=type)
def test_a_field_that_json_cannot_write_becomes_text(value: object, lines: Lines) -> None:
    log.configure("INFO")
    OURS.info("x", extra={"fields": {"value": value}})
    assert lines()[0]["value"] == str(value)


class Masked(str):
    """A text of a job's own that masks itself where it is written."""

    __slots__ = ()

    def __str__(self) -> str:
        return "***"


@pytest.mark.parametrize("value", [Masked("01019012345"), {"patient": Masked("01019012345")}], ids=["text", "member"])
def test_a_text_that_masks_itself_is_written_masked(value: object, written: Callable[[], str]) -> None:
    log.configure("INFO")
    OURS.info("x", extra={"fields": {"value": value}})
    assert "01019012345" not in written()


class LogsElsewhere:
    """Another thread writes a line of its own while this is formatted."""

    def __str__(self) -> str:
        other = threading.Thread(target=OURS.info, args=("of another thread",), daemon=True)
        other.start()
        other.join(10)
        return "still waiting" if other.is_alive() else "done"


def test_a_thread_writes_while_another_formats_its_line(lines: Lines) -> None:
    log.configure("INFO", host_writes_others=True)  # other handlers, such as pytest's, hold their lock
    OURS.info("%s", LogsElsewhere())
    assert [line["message"] for line in lines()] == ["of another thread", "done"]


@pytest.mark.parametrize("text", ["a\nb", "a\r\nb", "a\u2028b", "\ud800", '"}', "æ", "\x00"], ids=ascii)
def test_any_text_stays_on_one_line_of_ascii(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("INFO")
    OURS.info("%s", text)
    out = capsys.readouterr().out
    assert (out.count("\n"), out.isascii(), json.loads(out)["message"]) == (1, True, text)


def test_a_crash_is_one_line_with_its_frames_and_type(lines: Lines) -> None:
    log.configure("INFO")
    crash("no such thing")
    (line,) = lines()
    assert (line["severity"], line["message"]) == ("CRITICAL", "It crashed.")
    for words in ("Traceback (most recent call last):", "in crash", "RuntimeError"):
        assert words in line["stack_trace"]
    assert "no such thing" not in line["stack_trace"]


def test_a_crash_does_not_show_a_key_in_its_message(written: Callable[[], str]) -> None:
    log.configure("INFO")
    jwk = make_jwk("PS256")
    crash(f"cannot use {jwk['d']}")
    assert jwk["d"] not in written()


def test_a_crash_does_not_show_what_caused_it(written: Callable[[], str]) -> None:
    log.configure("INFO")
    cause = "hu" + "sh"
    try:
        fail("after", ValueError(cause))
    except RuntimeError:
        OURS.critical("It crashed.", exc_info=True)
    assert cause not in written()


JWS = generate_proof_key().sign({"typ": "JWT"}, {"iss": "me"})


@pytest.mark.parametrize(
    ("message", "arguments", "fields"),
    [
        pytest.param(f"sent {JWS}", (), {}, id="in the message"),
        pytest.param("sent %s", (JWS,), {}, id="in an argument"),
        pytest.param("sent %r", ({"Authorization": f"DPoP {JWS}"},), {}, id="inside an argument"),
        pytest.param("sent", (), {"proof": JWS}, id="in a field"),
        pytest.param("sent", (), {"headers": [{"DPoP": JWS}]}, id="inside a field"),
        pytest.param("sent", (), {JWS: 1}, id="in a field's name"),
    ],
)
def test_a_jws_is_redacted(message: str, arguments: tuple[object, ...], fields: dict[str, Any], lines: Lines) -> None:
    log.configure("INFO")
    OURS.info(message, *arguments, extra={"fields": fields})
    written = json.dumps(lines())
    assert (JWS in written, "[redacted]" in written) == (False, True)


@pytest.mark.parametrize("name", PRIVATE_MEMBERS)
@pytest.mark.parametrize(
    "write",
    [
        pytest.param(lambda jwk: OURS.info("%s", json.dumps(jwk)), id="JSON"),
        pytest.param(lambda jwk: OURS.info("%s", json.dumps(jwk, separators=(",", ":"))), id="compact JSON"),
        pytest.param(lambda jwk: OURS.info("%s", json.dumps(jwk, indent=2)), id="indented JSON"),
        pytest.param(lambda jwk: OURS.info("%s", json.dumps(json.dumps(jwk))), id="JSON in JSON"),
        pytest.param(lambda jwk: OURS.info("%r", jwk), id="the repr of its members"),
        pytest.param(lambda jwk: OURS.info("x", extra={"fields": {"jwk": jwk}}), id="a field"),
    ],
)
def test_a_private_member_is_redacted(write: Callable[[dict[str, Any]], None], name: str, written: Callable[[], str]) -> None:
    log.configure("INFO")
    jwk = make_jwk("PS256")
    write(jwk)
    assert jwk[name] not in written()


def test_a_redacted_line_stays_json(lines: Lines) -> None:
    log.configure("INFO")
    OURS.info("%s %s", json.dumps(make_jwk("PS256")), JWS, extra={"fields": {"jwk": make_jwk("ES256")}})
    assert lines()[0]["jwk"]["d"] == "[redacted]"


@pytest.mark.parametrize("text", ["þyJaaaaaaaaaaaaa.b.c", "\x1eyJaaaaaaaaaaaaa.b.c", "\ud800yJaaaaaaaaaaaaa.b.c"])
def test_a_line_is_json_whatever_the_text(lines: Lines, text: str) -> None:
    log.configure("INFO")
    OURS.info("%s", text, extra={"fields": {"scheduler_job": text, text: 1}})
    assert lines()[0]["scheduler_job"] == text


def test_a_kid_is_not_redacted(lines: Lines) -> None:
    log.configure("INFO")
    kid = make_jwk("ES256")["kid"]
    OURS.info("x", extra={"fields": {"kid": kid}})
    assert lines()[0]["kid"] == kid


@pytest.mark.parametrize(
    ("level", "severities"),
    [
        ("DEBUG", ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]),
        ("INFO", ["INFO", "WARNING", "ERROR", "CRITICAL"]),
        ("WARNING", ["WARNING", "ERROR", "CRITICAL"]),
        ("ERROR", ["ERROR", "CRITICAL"]),
        ("CRITICAL", ["CRITICAL"]),
    ],
)
def test_our_lines_are_written_from_the_level_up(level: str, severities: list[str], lines: Lines) -> None:
    log.configure(level)
    for number in (10, 20, 30, 40, 50):
        OURS.log(number, "x")
    assert [line["severity"] for line in lines()] == severities


@pytest.mark.parametrize("level", ["DEBUG", "INFO", "ERROR"])
def test_other_libraries_are_silent_below_warning(level: str, lines: Lines) -> None:
    log.configure(level)
    THEIRS.debug("hush")
    THEIRS.info("hush")
    THEIRS.warning("heard")
    assert [line["message"] for line in lines()] == ["heard"]


@pytest.mark.parametrize("name", ["urllib3.connectionpool", "requests", "google.auth", "grpc", "jwt"])
def test_the_libraries_that_see_secrets_stay_silent(name: str, lines: Lines) -> None:
    log.configure("DEBUG")
    logging.getLogger(name).debug("hush")
    assert lines() == []


def test_configuring_twice_writes_once(lines: Lines) -> None:
    log.configure("INFO")
    log.configure("INFO")
    OURS.info("x")
    assert len(lines()) == 1


def test_the_host_s_own_handlers_are_left_alone() -> None:
    host = logging.NullHandler()
    logging.getLogger().addHandler(host)
    log.configure("INFO")
    assert host in logging.getLogger().handlers


@pytest.mark.parametrize("fault", [OSError(28, "No space left on device"), ValueError("I/O operation on closed file")])
def test_a_line_that_cannot_be_written_fails_nothing(fault: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def write(self, _text: str) -> int:
            raise fault

    log.configure("INFO")
    monkeypatch.setattr("sys.stdout", Full())
    OURS.info("x")


class Unprintable:
    """Another library's object, of which no text can be made."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __str__(self) -> str:
        raise self._error


@pytest.mark.parametrize(
    "argument",
    ["no number", math.inf, Unprintable(AttributeError()), Unprintable(RuntimeError()), Unprintable(KeyError())],
    ids=["TypeError", "OverflowError", "AttributeError", "RuntimeError", "KeyError"],
)
def test_a_line_that_cannot_be_formatted_fails_nothing(argument: object, written: Callable[[], str]) -> None:
    log.configure("INFO", host_writes_others=True)
    OURS.info("%d" if isinstance(argument, str | float) else "%s", argument)
    assert written().startswith("The log lacks a line of helseid_fn.unit:")


def test_a_line_that_cannot_be_written_is_named_without_text(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("INFO", host_writes_others=True)  # other handlers, such as pytest's, show it
    OURS.info("%d", "a secret")
    out, err = capsys.readouterr()
    assert (out, re.sub(r"\d+", "N", err)) == ("", "The log lacks a line of helseid_fn.unit:N: TypeError.\n")


def test_lines_of_many_threads_do_not_mix(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow:
        """Lets other threads run within each line."""

        def __init__(self) -> None:
            self.text = ""

        def write(self, text: str) -> int:
            for each in text:
                self.text += each
                if each == " ":
                    time.sleep(0.001)
            return len(text)

        def flush(self) -> None:
            """Do nothing."""

    slow = Slow()
    log.configure("INFO", host_writes_others=True)
    monkeypatch.setattr("sys.stdout", slow)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(OURS.info, [f"line {number}" for number in range(16)]))
    assert {json.loads(line)["message"] for line in slow.text.splitlines()} == {f"line {number}" for number in range(16)}


def test_another_library_s_own_level_does_not_matter(
    written: Callable[[], str],
) -> None:
    log.configure("DEBUG")
    theirs = logging.getLogger("some.library")
    theirs.setLevel(logging.DEBUG)
    theirs.info("what it carries")
    theirs.setLevel(logging.NOTSET)
    assert "what it carries" not in written()


def test_the_host_alone_writes_other_libraries_lines(lines: Lines) -> None:
    log.configure("INFO", host_writes_others=True)
    THEIRS.warning("theirs")
    OURS.info("ours")
    assert [line["message"] for line in lines()] == ["ours"]


def test_the_host_does_not_write_our_lines_too(caplog: pytest.LogCaptureFixture) -> None:
    log.configure("INFO", host_writes_others=True)
    OURS.warning("ours")
    THEIRS.warning("theirs")
    assert caplog.messages == ["theirs"]


def test_a_message_is_bounded(lines: Lines) -> None:
    log.configure("INFO")
    OURS.info("x" * 10_000)
    assert lines()[0]["message"] == "x" * 4000


def test_urllib3_s_warnings_are_silent(lines: Lines) -> None:
    log.configure("DEBUG")
    logging.getLogger("urllib3.connectionpool").warning("Retrying after connection broken: /secret?token=hush")
    assert lines() == []


def test_text_for_a_terminal_has_every_field(written: Callable[[], str]) -> None:
    log.configure("INFO", as_text=True)
    OURS.info(
        "It worked.", extra={"fields": {"outcome": "ok", "requests": {"api": 1, "helseid": 2}, "outcomes": {}, "kid": None}}
    )
    first, *fields = written().splitlines()
    assert first.split(maxsplit=1)[1] == "INFO     It worked."
    assert [field.strip() for field in fields] == ["outcome: ok", "requests: api 1, helseid 2"]


def test_text_for_a_terminal_shows_no_secret(written: Callable[[], str]) -> None:
    log.configure("INFO", as_text=True)
    jws = generate_proof_key().sign({}, {"a": 1})
    OURS.warning("Sent %s.", jws, extra={"fields": {"d": "secret", "said": [jws]}})
    crash("about a person")
    shown = written()
    assert jws not in shown
    assert "secret" not in shown
    assert "about a person" not in shown
    assert "RuntimeError" in shown


@pytest.mark.parametrize(("setting", "is_text"), [("text", True), ("json", False), (None, False)])
def test_the_setting_decides_the_format_of_the_log(setting: str | None, is_text: bool) -> None:  # noqa: FBT001
    assert log.is_text(setting) == is_text
