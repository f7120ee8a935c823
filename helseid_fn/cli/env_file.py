"""Writes settings into an env file, and keeps it and the key out of git."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import click


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
    """Add the files that git does not ignore yet to `.gitignore` of the current folder, and return their names.

    Files elsewhere are left alone. Without git, each is added once.
    """
    here = Path.cwd()
    names = [path.name for path in paths if path.resolve().parent == here.resolve()]
    file = here / ".gitignore"
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    added = [name for name in names if name not in lines and not _is_ignored(name)]
    if added:
        file.write_text("".join(f"{line}\n" for line in (*lines, *added)), encoding="utf-8")
    return added


def _is_ignored(name: str) -> bool:
    with suppress(FileNotFoundError):
        command = ["git", "check-ignore", "--quiet", "--", name]
        return subprocess.run(command, check=False, capture_output=True).returncode == 0  # noqa: S603  # a file of this folder
    return False
