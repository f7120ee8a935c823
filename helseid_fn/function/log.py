"""Writes one JSON line per event to standard output, and never a token or a key.

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
from datetime import UTC, datetime
from typing import Any

from helseid_fn.context import Context
from helseid_fn.errors import HelseidFnError
from helseid_fn.redaction import REDACTED

MAX_MESSAGE_LENGTH = 4000

_OURS = "helseid_fn"
_LAMBDA_LEVELS = {"WARNING": "WARN", "CRITICAL": "FATAL"}

# The last safety net: a JWS, or a private member of a JWK, in whatever text it may have ended up.
_JWS = re.compile(r"eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
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


def _redact(value: Any) -> Any:
    """Redact every text within a value, before JSON escapes hide or break what is redacted."""
    if isinstance(value, dict):
        return {_redact(name): REDACTED if name in _PRIVATE_NAMES else _redact(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_redact(each) for each in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return _PRIVATE_MEMBER.sub(rf"\1{REDACTED}", _JWS.sub(REDACTED, str(value)))


class _StdoutHandler(logging.Handler):
    """Writes to the current standard output, which hosts replace.

    Other libraries are heard from WARNING up, whatever level their loggers have: below it, some log what they send and receive.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.WARNING or record.name.partition(".")[0] == _OURS

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stdout.write(self.format(record) + "\n")
            sys.stdout.flush()
        except (OSError, ValueError):
            self.handleError(record)  # a closed pipe or a full disk must not fail an invocation


def configure(level: str, *, host_writes_others: bool = False) -> None:
    """Write this package's events from `level` up, and other libraries' from WARNING up.

    With `host_writes_others` the latter are left to the host, such as AWS Lambda, whose own handler writes them already.
    """
    root, ours = logging.getLogger(), logging.getLogger(_OURS)
    for logger in (root, ours):
        logger.handlers = [handler for handler in logger.handlers if not isinstance(handler, _StdoutHandler)]
    handler = _StdoutHandler()
    handler.setFormatter(_JsonFormatter())
    (ours if host_writes_others else root).addHandler(handler)
    ours.propagate = not host_writes_others
    ours.setLevel(level)
    root.setLevel(logging.WARNING)
    logging.getLogger("urllib3").setLevel(logging.ERROR)  # its warnings quote addresses and headers


def log_failure(logger: logging.Logger, level: int, error: HelseidFnError, ctx: Context, *, exc_info: bool = False) -> None:
    """Write the one log line of an invocation that failed."""
    party = error.party.value if error.party else None
    failure = {"outcome": "failed", "code": error.code, "party": party, "retryable": error.retryable}
    logger.log(level, "%s", error, exc_info=exc_info, extra={"fields": {**ctx.log_fields(), **failure}})


def format_crash(error: BaseException) -> str:
    """Format the frames and the type, without the message: it may quote a key, or a patient's data."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    return f"Traceback (most recent call last):\n{frames}{type(error).__name__}"
