"""`make lambda-zip` builds the archive that AWS Lambda runs: the same bytes for the same sources, lock and zlib."""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from helseid_fn.setting_table import EXAMPLES
from infra.interpreters import find_interpreter

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements" / "aws.txt"
WHEELS = ROOT / ".cache" / "wheels"

WHEEL_ARCHITECTURES = {"arm64": "aarch64", "x86_64": "x86_64"}
"""Lambda's name of each architecture, and the wheels'."""
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
"""The Lambda runtimes that an archive can be built for."""

# The parts of the libraries that no invocation reads: tests, examples, stubs, pip's own records, commands, and botocore's
# descriptions of every AWS service but Secrets Manager, S3 and SQS, which take results, and STS, which provides the role's
# credentials. Licences stay, and so does METADATA, from which scanners of deployed functions learn what is inside.
_UNUSED = re.compile(
    r"""(.*/)?(tests|examples)/ | .*\.(pyi|pyc|h)$ | (.*/)?(py\.typed|examples-1\.json)$ | [^/]+\.data/scripts/
    | [^/]+\.dist-info/(?!METADATA$|licenses/|LICEN[CS]E|NOTICE|COPYING)
    | boto3/data/ | botocore/data/(?!s3/|secretsmanager/|sqs/|sts/)[^/]+/""",
    re.VERBOSE,
)
_NOT_DEPLOYED = ("__main__", "cli", "testing")
"""Modules and folders of the package."""

_MODE = 0o100644 << 16
_EARLIEST = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Target:
    """The Lambda runtime that an archive is for."""

    arch: str
    python: str

    def __str__(self) -> str:
        return f"{self.arch}-{self.python}"

    @property
    def is_this_machine(self) -> bool:
        """Whether compiled parts for its architecture run on this machine."""
        return sys.platform == "linux" and platform.machine() == WHEEL_ARCHITECTURES[self.arch]


def fetch_wheels(pins: str, target: Target) -> list[Path]:
    """Return the wheels that `pins` (names, versions, hashes) selects for a target, from `.cache/` or through pip.

    Every wheel's hash is checked again. manylinux2014 runs on every Lambda runtime. Raises `CalledProcessError` after pip
    has said which wheel or hash is missing.
    """
    kept = WHEELS / f"{target}-{hashlib.sha256(pins.encode()).hexdigest()[:16]}"
    if not kept.exists():
        WHEELS.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=WHEELS) as scratch:
            lock = Path(scratch) / "pins.txt"
            lock.write_text(pins)
            _download(lock, target, Path(scratch) / kept.name)
            if not kept.exists():
                (Path(scratch) / kept.name).rename(kept)
    wheels = sorted(kept.glob("*.whl"))
    for wheel in wheels:
        if hashlib.sha256(wheel.read_bytes()).hexdigest() not in pins:
            raise ValueError(f"{wheel} is not the pinned one; remove {kept}")
    return wheels


def _download(lock: Path, target: Target, folder: Path) -> None:
    arch = WHEEL_ARCHITECTURES[target.arch]
    # Quiet twice: pip prints its errors, but no warnings about its own configuration on this machine.
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "--quiet", "download"]
    command += ["--no-deps", "--require-hashes", "--only-binary=:all:"]
    command += ["--implementation=cp", f"--python-version={target.python}"]
    command += [f"--platform=manylinux2014_{arch}", f"--platform=manylinux_2_17_{arch}"]
    subprocess.run([*command, f"--dest={folder}", f"--requirement={lock}"], check=True)


def build(target: Target, folder: Path, source: Path | None = None) -> Path:
    """Write the archive into a folder and return its path; `source` has another `main.py`. Raises `ValueError` if not."""
    archive = folder / f"lambda-{target}.zip"
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = archive.with_suffix(f".{os.getpid()}")
    try:
        with zipfile.ZipFile(unfinished, "w") as file:
            for name, content in sorted(_contents(target, source or ROOT).items()):
                entry = zipfile.ZipInfo(name, _EARLIEST)
                entry.create_system, entry.external_attr = 3, _MODE  # readable by all, as Lambda demands, whatever the umask
                file.writestr(entry, content, zipfile.ZIP_DEFLATED, compresslevel=6)
        unfinished.replace(archive)
    finally:
        unfinished.unlink(missing_ok=True)
    return archive


def _contents(target: Target, source: Path) -> dict[str, bytes]:
    contents = {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in _package()}
    contents |= {path.name: path.read_bytes() for path in _job(source)}
    pins = LOCK.read_text()
    if source != ROOT and (added := source / "requirements.txt").exists():
        pins += f"\n{added.read_text()}"
    for wheel in fetch_wheels(pins, target):
        for name, content in _unpack(wheel):
            if contents.setdefault(name, content) != content:
                raise ValueError(f"{wheel.name} has another {name}")
    return contents


def _job(source: Path) -> list[Path]:
    """Return `main.py` and, in a folder of the user's own, what it may import from beside it."""
    if not (source / "main.py").exists():
        raise ValueError(f"{source} has no main.py")
    if source == ROOT:
        return [source / "main.py"]
    return [path for path in source.glob("*.py") if not path.name.startswith("test_") and path.name != "conftest.py"]


def _package() -> Iterator[Path]:
    """Return the files of the function, without its command line; a job of one's own may use the library."""
    package = ROOT / "helseid_fn"
    for path in package.rglob("*.py"):
        if path.relative_to(package).parts[0].removesuffix(".py") not in _NOT_DEPLOYED:
            yield path


def _unpack(wheel: Path) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(wheel) as file:
        for name in file.namelist():
            if name.endswith("/") or _UNUSED.match(name):
                continue
            if ".data/" in name:
                raise ValueError(f"{wheel.name} has {name}, which would have to be installed elsewhere")
            yield name, file.read(name)


def unpacked_size(archive: Path) -> int:
    """Return the total size of the unpacked files in bytes; Lambda accepts 250 MB."""
    with zipfile.ZipFile(archive) as file:
        return sum(entry.file_size for entry in file.infolist())


def import_seconds(archive: Path, interpreter: Path) -> float:
    """Return how long `import main` takes without bytecode, as in a cold start: Lambda's folder is read-only."""
    code = "import time; begun_at = time.perf_counter(); import main; print(time.perf_counter() - begun_at)"
    command = [str(interpreter), "-S", "-B", "-c", code]
    settings = {name: example for name, example in EXAMPLES.items() if not name.endswith("CA_BUNDLE")}
    with tempfile.TemporaryDirectory() as folder:
        shutil.unpack_archive(archive, folder)
        runs = [subprocess.run(command, cwd=folder, env=settings, capture_output=True, text=True, check=True) for _ in range(2)]
    return min(float(run.stdout) for run in runs)


def main() -> int:
    """Build one archive and print its size; return 1 if there is no job or pip could not fetch a pinned wheel."""
    parser = argparse.ArgumentParser(prog="python -m infra.lambda_zip", description=__doc__)
    parser.add_argument("--arch", choices=WHEEL_ARCHITECTURES, default="arm64")
    parser.add_argument("--python", choices=PYTHONS, default="3.13")
    parser.add_argument(
        "--source", type=Path, help="a folder with a main.py of your own; the archive is written into its build/"
    )
    arguments = parser.parse_args()
    target, source = Target(arguments.arch, arguments.python), arguments.source or ROOT
    try:
        archive = build(target, source / "build", source)
    except ValueError as fault:
        print(f"{fault}.", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError:
        print(f"pip could not fetch the wheels for {target}; its message is above.", file=sys.stderr)
        return 1
    sizes = f"{archive.stat().st_size / 1e6:.1f} MB, unpacked {unpacked_size(archive) / 1e6:.1f} MB"
    print(f"{os.path.relpath(archive)}: {sizes}; {_say_import_time(archive, target)}")
    return 0


def _say_import_time(archive: Path, target: Target) -> str:
    interpreter = find_interpreter(target.python) if target.is_this_machine else None
    if interpreter is None:
        return "its import time can only be measured on its own architecture and Python"
    return f"`import main` takes {import_seconds(archive, interpreter):.2f} s here"


if __name__ == "__main__":
    sys.exit(main())
