"""Searches all output of a test, with the libraries' debug logs on, for every secret that was made."""

import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TextIO

from standin import StandIn
from tests.support.deployment import fragments_of

LIBRARIES = (
    *("", "urllib3", "requests", "helseid_fn", "werkzeug"),
    *("grpc", "google", "google.auth", "google.api_core", "boto3", "botocore"),
)


class _Everything(logging.Handler):
    """Writes every attribute of a record, because Google's client puts what it sends and receives beside the message.

    Standard error is looked up each time: hosts replace it and close the old stream.
    """

    def __init__(self, stream: TextIO | None) -> None:
        super().__init__()
        self._stream = stream

    def emit(self, record: logging.LogRecord) -> None:
        (self._stream or sys.stderr).write(f"{self.format(record)} {vars(record)}\n")


@contextmanager
def debug_logs_written(stream: TextIO | None = None) -> Iterator[None]:
    """Write everything that any library logs to a stream, by default standard error."""
    before = {name: logging.getLogger(name).level for name in LIBRARIES}
    handler = _Everything(stream)
    # Google's logger passes nothing on to the root's handlers.
    heard = [logging.getLogger(name) for name in ("", "google")]
    for logger in heard:
        logger.addHandler(handler)
    yield
    for logger in heard:
        logger.removeHandler(handler)
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


def enable_debug_logs() -> None:
    """Undo the log levels that the function configures."""
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(logging.DEBUG)


def leaks(standin: StandIn, jwks: list[Mapping[str, Any]], *texts: str, more: tuple[str, ...] = ()) -> list[str]:
    """Return the secrets that these texts contain."""
    return [piece for piece in fragments_of([*standin.secrets(), *more], *jwks) if any(piece in text for text in texts)]
