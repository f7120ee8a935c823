"""`make google-zip` builds the archive that Google's Cloud Build installs without a package index: wheels are inside it."""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
from pathlib import Path

from infra.archive import PYTHONS, ROOT, fetch_wheels, function_files, pins_of, write_archive

LOCK = ROOT / "requirements.txt"
VENDORED = "wheels"
"""The folder of the wheels, which the Terraform module names in the build's GOOGLE_VENDOR_PIP_DEPENDENCIES."""


def build(python: str, folder: Path, source: Path | None = None) -> Path:
    """Write the archive for one of Google's Pythons into a folder and return its path; `source` has another `main.py`.

    The same bytes for the same sources, lock and zlib. Raises `ValueError` if there is no `main.py`.
    """
    source = source or ROOT
    pins = pins_of(LOCK, source)
    contents = function_files(source) | {"requirements.txt": pins.encode()}
    contents |= {f"{VENDORED}/{wheel.name}": wheel.read_bytes() for wheel in fetch_wheels(pins, "x86_64", python)}
    archive = folder / f"google-{python}.zip"
    write_archive(archive, contents)
    return archive


def main() -> int:
    """Build one archive and print its size and SHA-256; return 1 if there is no job or pip could not fetch a pinned wheel."""
    parser = argparse.ArgumentParser(prog="python -m infra.google_zip", description=__doc__)
    parser.add_argument("--python", choices=PYTHONS, default="3.13")
    parser.add_argument(
        "--source", type=Path, help="a folder with a main.py of your own; the archive is written into its build/"
    )
    arguments = parser.parse_args()
    source = arguments.source or ROOT
    try:
        archive = build(arguments.python, source / "build", source)
    except ValueError as fault:
        print(f"{fault}.", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError:
        print(f"pip could not fetch the wheels for Python {arguments.python}; its message is above.", file=sys.stderr)
        return 1
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    print(f"{os.path.relpath(archive)}: {archive.stat().st_size / 1e6:.1f} MB, SHA-256 {digest}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
