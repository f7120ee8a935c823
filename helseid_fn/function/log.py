"""Writes one JSON line per event to standard output, or text for a terminal, and never a token or a key.

Google's Cloud Logging reads `severity` and `time`, AWS Lambda `level` and `timestamp`: each line has both, in the words
of each. Lambda takes an unknown level for INFO, and a function may be set to keep only what is more severe:
https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
"""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Literal

from helseid_fn.context import Context
from helseid_fn.errors import HelseidFnError
from helseid_fn.redaction import REDACTED

MAX_MESSAGE_LENGTH = 4000

_OURS = "helseid_fn"
_LAMBDA_LEVELS = {"WARNING": "WARN", "CRITICAL": "FATAL"}

# The last safety net: a JWS, or a private member of a JWK, in whatever text it may have ended up.
# Its header is bounded, so that a long result is searched in a time that grows with its length alone.
_JWS = re.compile(r"eyJ[A-Za-z0-9_-]{10,4096}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
_PRIVATE_NAMES = ("d", "p", "q", "dp", "dq", "qi", "k")
_PRIVATE_MEMBER = re.compile(r"""(?<!\\)(\\*["'](?:d|p|q|dp|dq|qi|k)\\*["']\s*:\s*\\*["'])[A-Za-z0-9_-]{16,}""")


class _JsonFormatter(logging.Formatter):
    """Formats a record as one line: severity, message, time, the fields of the event, and a traceback as one more field."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        entry: dict[str, Any] = {
            "severity": record.levelname,
            "level": _LAMBDA_LEVELS.get(record.levelname, record.levelname),
            "message": record.getMessage()[:MAX_MESSAGE_LENGTH],
            "time": moment,
            "timestamp": moment,
            "logger": record.name,
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[1] is not None:
            entry["stack_trace"] = format_crash(record.exc_info[1])
        return json.dumps(_redact(entry))


class _TextFormatter(logging.Formatter):
    """Formats a record for a person: the time, the severity and the message, and the fields of the event below it."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created).astimezone()
        lines = [f"{moment:%H:%M:%S} {record.levelname:<8} {_redact(record.getMessage()[:MAX_MESSAGE_LENGTH])}"]
        fields = _redact(getattr(record, "fields", {}))
        lines += [f"{'':<18}{name}: {_say(value)}" for name, value in fields.items() if value not in (None, {}, [])]
        if record.exc_info and record.exc_info[1] is not None:
            lines.append(_redact(format_crash(record.exc_info[1])))
        return "\n".join(lines)


def _say(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_say(each)}" for name, each in value.items())
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _redact(value: Any) -> Any:
    """Redact every text within a value, before JSON escapes hide or break what is redacted."""
    if type(value) is str:  # a subclass, such as one that masks itself, is written as its `str` says
        return _redact_text(value)
    if isinstance(value, dict):
        return {_redact(name): REDACTED if name in _PRIVATE_NAMES else _redact(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_redact(each) for each in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return _redact_text(str(value))


def _redact_text(text: str) -> str:
    if "eyJ" not in text and '"' not in text and "'" not in text:
        return text  # as most are: neither pattern can match
    return _PRIVATE_MEMBER.sub(rf"\1{REDACTED}", _JWS.sub(REDACTED, text))


_FAILURES_OF_A_LINE = (
    OSError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    AssertionError,
    RuntimeError,
)
"""What writing a line raises, and formatting one: a wrong format, or the `__str__` of another library's object."""


class _StreamHandler(logging.Handler):
    """Writes to the current standard output or error, which hosts replace.

    Other libraries are heard from WARNING up, whatever level their loggers have: below it, some log what they send and receive.
    """

    def __init__(self, formatter: logging.Formatter, stream: str) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self._stream = stream

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.WARNING or record.name.partition(".")[0] == _OURS

    def handle(self, record: logging.LogRecord) -> bool:
        """Handle a record without the lock, which `_write` alone needs: threads format their lines at the same time."""
        if not self.filter(record):
            return False
        self.emit(record)
        return True

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._write(self.format(record) + "\n")
        except _FAILURES_OF_A_LINE:
            if getattr(record, "must_be_written", False):
                raise
            self.handleError(record)  # a closed pipe, a full disk or a wrong format must not fail an invocation

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # logging's own name
        """Say on standard error which line is missing and why, but not its text, which nothing has redacted."""
        error = sys.exc_info()[1]
        with suppress(OSError, ValueError):
            if sys.stderr:
                sys.stderr.write(f"The log lacks a line of {record.name}:{record.lineno}: {type(error).__name__}.\n")

    def _write(self, line: str) -> None:
        self.acquire()
        try:
            stream = getattr(sys, self._stream)
            stream.write(line)
            stream.flush()
        finally:
            self.release()


def is_text(log_format: str | None) -> bool:
    """Return whether the log is text: as LOG_FORMAT says, else where standard output is a terminal."""
    return log_format == "text" if log_format else sys.stdout is not None and sys.stdout.isatty()


def configure(
    level: str, *, host_writes_others: bool = False, as_text: bool = False, stream: Literal["stdout", "stderr"] = "stdout"
) -> None:
    """Write this package's events from `level` up, and other libraries' from WARNING up.

    With `host_writes_others` the latter are left to the host, such as AWS Lambda, whose own handler writes them already.
    """
    root, ours = logging.getLogger(), logging.getLogger(_OURS)
    for logger in (root, ours):
        logger.handlers = [handler for handler in logger.handlers if not isinstance(handler, _StreamHandler)]
    handler = _StreamHandler(_TextFormatter() if as_text else _JsonFormatter(), stream)
    (ours if host_writes_others else root).addHandler(handler)
    ours.propagate = not host_writes_others
    ours.setLevel(level)
    root.setLevel(logging.WARNING)
    logging.getLogger("urllib3").setLevel(logging.ERROR)  # its warnings quote addresses and headers


def log_failure(
    logger: logging.Logger, level: int, error: HelseidFnError, ctx: Context, *, exc_info: BaseException | None = None
) -> None:
    """Write the one log line of an invocation that failed, with the frames of the exception behind it, if there is one."""
    party = error.party.value if error.party else None
    # Of two runs that overlap, one ends early: nothing failed, and no alert should say so.
    outcome = "overtaken" if error.reason == "overtaken" else "failed"
    failure = {"outcome": outcome, "code": error.code, "party": party, "retryable": error.retryable}
    logger.log(level, "%s", error, exc_info=exc_info, extra={"fields": {**ctx.log_fields(), **failure}})


def format_crash(error: BaseException) -> str:
    """Format the frames and the type, without the message: it may quote a key, or a patient's data."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    return f"Traceback (most recent call last):\n{frames}{type(error).__name__}"
