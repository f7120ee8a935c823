"""Finds the other Python versions on this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path


def find_interpreter(version: str) -> Path | None:
    """Return a working interpreter of this minor version (`3.13`), preferably the current one, or `None`."""
    return next((path for path in _candidates(version) if _is_version(path, version)), None)


def exact_version(interpreter: Path) -> str:
    """Return an interpreter's version to the patch (`3.13.0`)."""
    command = [str(interpreter), "-I", "-S", "-c", "import platform; print(platform.python_version())"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _candidates(version: str) -> Iterator[Path]:
    yield Path(sys.executable)
    on_path = shutil.which(f"python{version}")
    if on_path:
        yield Path(on_path)
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from sorted(pyenv.glob(f"versions/{version}[.-]*/bin/python{version}"))
    uv = Path(os.environ.get("UV_PYTHON_INSTALL_DIR") or Path.home() / ".local" / "share" / "uv" / "python")
    yield from sorted(uv.glob(f"cpython-{version}[.-]*/bin/python{version}"))


def _is_version(path: Path, version: str) -> bool:
    command = [str(path), "-c", "import sys; print(*sys.version_info[:2], sep='.')"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() == version
