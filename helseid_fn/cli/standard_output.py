"""Writes what a command is for to standard output, so that it arrives or its failure is known."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO

# What changes how a terminal shows other text: control characters but tabs and ends of lines, and overrides of direction.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]|\r(?!\n)")


def write_line(text: str) -> str | None:
    """Write a text and the end of a line, in UTF-8 where it is no terminal; return why that failed, or None.

    On a terminal, control characters are shown as escapes. What cannot be encoded becomes a question mark.
    """

    def write(stdout: TextIO) -> None:
        is_terminal = stdout.isatty()
        if isinstance(stdout, io.TextIOWrapper):
            stdout.reconfigure(encoding=None if is_terminal else "utf-8", errors="replace")
        stdout.write(f"{escape_controls(text) if is_terminal else text}\n")

    return _write(write)


def write_bytes(octets: bytes) -> str | None:
    """Write bytes as they are; return why that failed, or None."""
    return _write(lambda stdout: stdout.buffer.write(octets))


def _write(write: Callable[[TextIO], object]) -> str | None:
    stdout = sys.stdout
    if stdout is None:  # as it is when the shell has closed it
        return "it is closed"
    try:
        write(stdout)
        stdout.flush()
    except OSError as error:  # a full disk, or a pipe that nobody reads
        with suppress(OSError):
            stdout.close()  # else the interpreter tries once more at its end
        return error.strerror
    return None


def escape_controls(text: str) -> str:
    """Return the text with escapes in place of control characters."""
    return _CONTROL.sub(lambda found: ascii(found.group())[1:-1], text)
