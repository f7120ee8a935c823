"""One JSON line per event on standard output, as Cloud Logging reads it; knows what must never be written."""

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

# The net under everything: a JWS, or a private member of a JWK, in whatever text it may have got into.
_JWS = re.compile(r"eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
_PRIVATE_MEMBER = re.compile(r"""(?<!\\)(\\*["'](?:d|p|q|dp|dq|qi|k)\\*["']\s*:\s*\\*["'])[A-Za-z0-9_-]{16,}""")


class _JsonFormatter(logging.Formatter):
    """Formats a record as one line: severity, message, time, the fields of the event, and a traceback as one more field."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "severity": record.levelname,
            "message": record.getMessage()[:MAX_MESSAGE_LENGTH],
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
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
        return record.levelno >= logging.WARNING or record.name.partition(".")[0] == __package__

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stdout.write(self.format(record) + "\n")
            sys.stdout.flush()
        except (OSError, ValueError):
            self.handleError(record)  # a closed pipe or a full disk must not fail an invocation


def configure(level: str) -> None:
    """Write this package's events from `level` up, and other libraries' from WARNING up."""
    root = logging.getLogger()
    for handler in root.handlers[:]:
        if isinstance(handler, _StdoutHandler):
            root.removeHandler(handler)
    handler = _StdoutHandler()
    handler.setFormatter(_JsonFormatter())
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger("urllib3").setLevel(logging.ERROR)  # its warnings quote addresses and headers
    logging.getLogger(__package__).setLevel(level)


def format_crash(error: BaseException) -> str:
    """Format a traceback without what its messages may hold: they quote values, and a value may be a key."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    return f"Traceback (most recent call last):\n{frames}{type(error).__name__}: {quote(str(error))}"
