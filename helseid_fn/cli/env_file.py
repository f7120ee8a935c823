"""Writes settings into an env file, and keeps it and the key out of git."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import click

_SPECIAL = re.compile(r"[][\\*?!#]")
"""What means something else in a pattern of `.gitignore`."""


def write_variables(path: Path, variables: Mapping[str, str]) -> None:
    """Set variables in an env file, whose other lines stay; a new one belongs to its owner alone.

    Raises `click.ClickException`.
    """
    from dotenv import set_key  # noqa: PLC0415  # only where something is written

    try:
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        for name, value in variables.items():
            set_key(path, name, value, follow_symlinks=True)
    except OSError as error:
        raise click.ClickException(f"{path} could not be written ({error.strerror}). Check the folder.") from None


def ignore_in_git(paths: Sequence[Path]) -> list[str]:
    """Add the files that git does not ignore yet to `.gitignore` of the current folder, and return their patterns.

    Files that are not below the current folder are left alone. Without git, each is added once.

    Raises `click.ClickException`.
    """
    here = Path.cwd()
    found = [path.resolve().relative_to(here.resolve()) for path in paths if path.resolve().is_relative_to(here.resolve())]
    patterns = {_SPECIAL.sub(r"\\\g<0>", path.as_posix()): path for path in found}
    file = here / ".gitignore"
    try:
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        added = [pattern for pattern, path in patterns.items() if pattern not in lines and not _is_ignored(path)]
        if added:
            file.write_text("".join(f"{line}\n" for line in (*lines, *added)), encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        message = f".gitignore could not be changed ({reason}). Mend it first, so that git never has a key."
        raise click.ClickException(message) from None
    return added


def _is_ignored(path: Path) -> bool:
    with suppress(FileNotFoundError):
        command = ["git", "check-ignore", "--quiet", "--", str(path)]
        return subprocess.run(command, check=False, capture_output=True).returncode == 0  # noqa: S603  # a file of this folder
    return False
