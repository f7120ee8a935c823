"""Installs third-party clients into `.cache/`, once for each lock file, with pip and npm and with hashes."""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.conftest import ROOT

HERE = Path(__file__).resolve().parent
LOCK = ROOT / "requirements" / "clients.txt"


def install_python() -> Path:
    """Return the interpreter of an environment with the packages that `requirements/clients.txt` pins."""

    def fill(folder: Path) -> None:
        _run(sys.executable, "-m", "venv", str(folder))
        pip = (str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet")
        _run(*pip, "install", "--require-hashes", "-r", str(LOCK))

    return _once(f"python{sys.version_info.minor}", LOCK, fill) / "bin" / "python"


def install_node() -> Path:
    """Return a folder whose `node_modules` contains what `package-lock.json` pins, with the programs beside it."""

    def fill(folder: Path) -> None:
        folder.mkdir()
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, folder)
        _run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent", folder=folder)

    folder = _once("node", HERE / "package-lock.json", fill)
    for program in HERE.glob("*.mjs"):
        shutil.copy(program, folder)
    return folder


def _once(name: str, lock: Path, fill: Callable[[Path], None]) -> Path:
    """Fill a folder named after its lock file, unless it is already complete; an incomplete folder is filled again."""
    folder = ROOT / ".cache" / "clients" / f"{name}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:16]}"
    done = folder / "filled"
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        fill(folder)
        done.touch()
    return folder


def _run(*command: str, folder: Path = ROOT) -> None:
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    if run.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {run.returncode}:\n{run.stdout}{run.stderr}")
