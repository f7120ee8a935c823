"""`make lambda-zip` builds the archive that AWS Lambda runs: the same bytes for the same sources, lock, Python and zlib."""

from __future__ import annotations

import argparse
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
from infra import archive
from infra.archive import PYTHONS, ROOT
from infra.bytecode import compile_sources
from infra.interpreters import exact_version, find_interpreter

LOCK = ROOT / "requirements" / "aws.txt"

WHEEL_ARCHITECTURES = {"arm64": "aarch64", "x86_64": "x86_64"}
"""Lambda's name of each architecture, and the wheels'."""

# The parts of the libraries that no invocation reads: tests, examples, stubs, pip's own records, commands, and botocore's
# descriptions of every AWS service but Secrets Manager, S3 and SQS, which take results, CloudWatch, in which the successes of
# rare schedules are looked up, and STS, which provides the role's credentials. Licences stay, and so does METADATA, from which
# scanners of deployed functions learn what is inside.
_UNUSED = re.compile(
    r"""(.*/)?(tests|examples)/ | .*\.(pyi|pyc|h)$ | (.*/)?(py\.typed|examples-1\.json)$ | [^/]+\.data/scripts/
    | [^/]+\.dist-info/(?!METADATA$|licenses/|LICEN[CS]E|NOTICE|COPYING)
    | boto3/data/ | botocore/data/(?!cloudwatch/|s3/|secretsmanager/|sqs/|sts/)[^/]+/""",
    re.VERBOSE,
)


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
    """Return the wheels that `pins` (names, versions, hashes) selects for a target. Raises as `infra.archive.fetch_wheels`."""
    return archive.fetch_wheels(pins, WHEEL_ARCHITECTURES[target.arch], target.python)


def build(target: Target, folder: Path, source: Path | None = None) -> Path:
    """Write the archive into a folder and return its path; `source` has another `main.py`. Raises `ValueError` if not.

    It has bytecode if this machine has the target's Python: Lambda's folder is read-only, so every start would compile anew.
    """
    path = folder / f"lambda-{target}.zip"
    contents = _contents(target, source or ROOT)
    interpreter = find_interpreter(target.python)
    archive.write_archive(path, contents | (compile_sources(contents, interpreter) if interpreter else {}))
    return path


def _contents(target: Target, source: Path) -> dict[str, bytes]:
    contents = archive.function_files(source)
    for wheel in fetch_wheels(archive.pins_of(LOCK, source), target):
        for name, content in _unpack(wheel):
            if contents.setdefault(name, content) != content:
                raise ValueError(f"{wheel.name} has another {name}")
    return contents


def _unpack(wheel: Path) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(wheel) as file:
        for name in file.namelist():
            if name.endswith("/") or _UNUSED.match(name):
                continue
            if ".data/" in name or name.startswith("/") or ".." in name.split("/"):
                raise ValueError(f"{wheel.name} has {name}, which would have to be installed elsewhere")
            yield name, file.read(name)


def unpacked_size(path: Path) -> int:
    """Return the total size of the unpacked files in bytes; Lambda accepts 250 MB."""
    with zipfile.ZipFile(path) as file:
        return sum(entry.file_size for entry in file.infolist())


def import_seconds(path: Path, interpreter: Path) -> float:
    """Return how long `import main` takes as in a cold start: nothing is compiled that a start before could have kept."""
    code = "import time; begun_at = time.perf_counter(); import main; print(time.perf_counter() - begun_at)"
    command = [str(interpreter), "-S", "-B", "-c", code]
    settings = {name: example for name, example in EXAMPLES.items() if not name.endswith("CA_BUNDLE")}
    with tempfile.TemporaryDirectory() as folder:
        shutil.unpack_archive(path, folder)
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
    parser.add_argument("--require-bytecode", action="store_true", help="fail without the target's Python, as a release must")
    arguments = parser.parse_args()
    target, source = Target(arguments.arch, arguments.python), arguments.source or ROOT
    interpreter = find_interpreter(target.python)
    if interpreter is None and arguments.require_bytecode:
        print(f"There is no Python {target.python} here to compile the archive's bytecode. Install it.", file=sys.stderr)
        return 1
    try:
        path = build(target, source / "build", source)
    except ValueError as fault:
        print(f"{fault}.", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError:
        print(f"pip could not fetch the wheels for {target}; its message is above.", file=sys.stderr)
        return 1
    sizes = f"{path.stat().st_size / 1e6:.1f} MB, unpacked {unpacked_size(path) / 1e6:.1f} MB"
    print(f"{os.path.relpath(path)}: {sizes}; {_say_bytecode(path, target, interpreter)}")
    return 0


def _say_bytecode(path: Path, target: Target, interpreter: Path | None) -> str:
    if interpreter is None:
        return f"without bytecode, so cold starts are slower: install Python {target.python} and build it again"
    compiled = f"bytecode of Python {exact_version(interpreter)}"
    if not target.is_this_machine:
        return f"{compiled}; its import time can only be measured on {target.arch}"
    return f"{compiled}; `import main` takes {import_seconds(path, interpreter):.2f} s here"


if __name__ == "__main__":
    sys.exit(main())
