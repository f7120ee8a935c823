"""Writes a key file that only its owner can ever read; the errors are the operating system's own."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def create_key_file(path: Path, text: str) -> None:
    """Write a new file. Raises `FileExistsError`, and any other `OSError`."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
    except OSError:
        path.unlink()  # a part of a key must not pass for a key
        raise


def replace_key_file(path: Path, text: str) -> None:
    """Replace a file at once, so that no reader sees a part of it. Raises `OSError`."""
    path = path.resolve()  # a link to the file stays one
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        written = Path(file.name)
        try:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
            written.replace(path)
        except OSError:
            written.unlink()
            raise
