"""What the archives for both clouds have in common: the pinned wheels, the function's files, and bytes that never differ."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WHEELS = ROOT / ".cache" / "wheels"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
"""The runtimes that an archive can be built for, on both clouds."""

_NOT_DEPLOYED = ("__main__", "cli", "testing")
"""Modules and folders of the package."""

_MODE = 0o100644 << 16
_EARLIEST = (1980, 1, 1, 0, 0, 0)


def fetch_wheels(pins: str, arch: str, python: str) -> list[Path]:
    """Return the wheels that `pins` (names, versions, hashes) selects for Linux on `arch`, from `.cache/` or through pip.

    Every wheel's hash is checked again. manylinux2014 runs on every runtime of both clouds. Raises `CalledProcessError` after
    pip has said which wheel or hash is missing.
    """
    kept = WHEELS / f"{arch}-{python}-{hashlib.sha256(pins.encode()).hexdigest()[:16]}"
    if not kept.exists():
        WHEELS.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=WHEELS) as scratch:
            lock = Path(scratch) / "pins.txt"
            lock.write_text(pins)
            _download(lock, arch, python, Path(scratch) / kept.name)
            if not kept.exists():
                (Path(scratch) / kept.name).rename(kept)
    wheels = sorted(kept.glob("*.whl"))
    for wheel in wheels:
        if hashlib.sha256(wheel.read_bytes()).hexdigest() not in pins:
            raise ValueError(f"{wheel} is not the pinned one; remove {kept}")
    return wheels


def _download(lock: Path, arch: str, python: str, folder: Path) -> None:
    # Quiet twice: pip prints its errors, but no warnings about its own configuration on this machine.
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "--quiet", "download"]
    command += ["--no-deps", "--require-hashes", "--only-binary=:all:"]
    command += ["--implementation=cp", f"--python-version={python}"]
    command += [f"--platform=manylinux2014_{arch}", f"--platform=manylinux_2_17_{arch}"]
    subprocess.run([*command, f"--dest={folder}", f"--requirement={lock}"], check=True)


def pins_of(lock: Path, source: Path) -> str:
    """Return the project's pins and, from a folder of the user's own, those of its `requirements.txt`."""
    added = source / "requirements.txt"
    return lock.read_text() + (f"\n{added.read_text()}" if source != ROOT and added.exists() else "")


def function_files(source: Path) -> dict[str, bytes]:
    """Return the files of the function, without its command line, and those of its job, by name.

    `source` has the `main.py`, and in a folder of the user's own, what it may import from beside it. Raises `ValueError` if
    there is none.
    """
    contents = {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in _package()}
    return contents | {path.name: path.read_bytes() for path in _job(source)}


def _package() -> Iterator[Path]:
    package = ROOT / "helseid_fn"
    for path in package.rglob("*.py"):
        if path.relative_to(package).parts[0].removesuffix(".py") not in _NOT_DEPLOYED:
            yield path


def _job(source: Path) -> list[Path]:
    if not (source / "main.py").exists():
        raise ValueError(f"{source} has no main.py")
    if source == ROOT:
        return [source / "main.py"]
    return [path for path in source.glob("*.py") if not path.name.startswith("test_") and path.name != "conftest.py"]


def write_archive(archive: Path, contents: Mapping[str, bytes]) -> None:
    """Write a zip whose bytes depend on nothing but its contents and zlib; there is never half an archive."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    unfinished = archive.with_suffix(f".{os.getpid()}")
    try:
        with zipfile.ZipFile(unfinished, "w") as file:
            for name, content in sorted(contents.items()):
                entry = zipfile.ZipInfo(name, _EARLIEST)
                entry.create_system, entry.external_attr = 3, _MODE  # readable by all, as Lambda demands, whatever the umask
                compression = zipfile.ZIP_STORED if name.endswith(".whl") else zipfile.ZIP_DEFLATED
                file.writestr(entry, content, compression, compresslevel=6)
        unfinished.replace(archive)
    finally:
        unfinished.unlink(missing_ok=True)
