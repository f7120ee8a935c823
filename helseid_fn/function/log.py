"""One JSON line per event on standard output; knows what must never be written.

Google's Cloud Logging reads `severity` and `time`, AWS Lambda `level` and `timestamp`: each line has both, in the words that
each knows. Lambda takes a level that it does not know for INFO, and a function may be set to keep only what is graver:
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

from helseid_fn.redaction import ELIDED, quote

MAX_MESSAGE_LENGTH = 4000

_LAMBDA_LEVELS = {"WARNING": "WARN", "CRITICAL": "FATAL"}

# The net under everything: a JWS, or a private member of a JWK, in whatever text it may have got into.
_JWS = re.compile(r"eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
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
        line = json.dumps(entry, default=str)
        return _PRIVATE_MEMBER.sub(rf"\1{ELIDED}", _JWS.sub(ELIDED, line))


class _StdoutHandler(logging.Handler):
    """Writes to whatever standard output is at the moment, since hosts replace it.

    Other libraries are heard from WARNING up, whatever level their loggers have: below it, some log what they carry.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.WARNING or record.name.partition(".")[0] == "helseid_fn"

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stdout.write(self.format(record) + "\n")
            sys.stdout.flush()
        except (OSError, ValueError):
            self.handleError(record)  # a closed pipe or a full disk must not fail an invocation


def configure(level: str, *, host_writes_others: bool = False) -> None:
    """Write this package's events from `level` up, and other libraries' from WARNING up.

    With `host_writes_others` the latter are left to the host, as AWS Lambda's own handler writes them already.
    """
    root, ours = logging.getLogger(), logging.getLogger("helseid_fn")
    for logger in (root, ours):
        logger.handlers = [handler for handler in logger.handlers if not isinstance(handler, _StdoutHandler)]
    handler = _StdoutHandler()
    handler.setFormatter(_JsonFormatter())
    (ours if host_writes_others else root).addHandler(handler)
    ours.propagate = not host_writes_others
    ours.setLevel(level)
    root.setLevel(logging.WARNING)
    logging.getLogger("urllib3").setLevel(logging.ERROR)  # its warnings quote addresses and headers


def format_crash(error: BaseException) -> str:
    """Format a traceback without what its messages may hold: they quote values, and a value may be a key."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    return f"Traceback (most recent call last):\n{frames}{type(error).__name__}: {quote(str(error))}"
