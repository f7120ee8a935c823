"""The archive for Google Cloud: its contents, its reproducible bytes, and that it installs and serves without an index."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path

import pytest

from demo.processes import Process, accepts, bare_environment, free_port
from helseid_fn.setting_table import EXAMPLES
from infra.google_zip import LOCK, VENDORED, build

ROOT = Path(__file__).resolve().parent.parent.parent
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
SECONDS = 300


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(PYTHON, tmp_path_factory.mktemp("google"))


def names_in(archive: Path) -> list[str]:
    with zipfile.ZipFile(archive) as file:
        return file.namelist()


def test_the_archive_contains_the_function_and_its_pins(archive: Path) -> None:
    package = ROOT / "helseid_fn"
    left_out = [package / "__main__.py", package / "testing.py", *(package / "cli").rglob("*.py")]
    product = [ROOT / "main.py", LOCK, *(path for path in package.rglob("*.py") if path not in left_out)]
    with zipfile.ZipFile(archive) as file:
        assert {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in product} == {
            name: file.read(name) for name in file.namelist() if not name.startswith(f"{VENDORED}/")
        }


def test_every_wheel_inside_is_a_pinned_one(archive: Path) -> None:
    pins = LOCK.read_text()
    with zipfile.ZipFile(archive) as file:
        wheels = {name: hashlib.sha256(file.read(name)).hexdigest() for name in file.namelist() if name.endswith(".whl")}
    assert not [name for name, digest in wheels.items() if f"--hash=sha256:{digest}" not in pins]
    distributions = {name.split("/")[1].split("-")[0].lower().replace("_", "-") for name in wheels}
    assert distributions == set(re.findall(r"^([\w-]+)==", pins, re.MULTILINE))


def test_a_second_build_of_it_gives_the_same_bytes(archive: Path, tmp_path: Path) -> None:
    assert build(PYTHON, tmp_path).read_bytes() == archive.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == [f"google-{PYTHON}.zip"]


def test_entries_say_nothing_about_the_machine(archive: Path) -> None:
    with zipfile.ZipFile(archive) as file:
        entries = file.infolist()
    assert [entry.filename for entry in entries] == sorted({entry.filename for entry in entries})
    assert {(entry.date_time, entry.external_attr >> 16, entry.create_system, entry.extra) for entry in entries} == {
        ((1980, 1, 1, 0, 0, 0), 0o100644, 3, b"")
    }


def test_the_archive_installs_without_an_index_and_serves(archive: Path, tmp_path: Path) -> None:
    """With the command of Google's buildpack, in an environment of its own."""
    source, environment = tmp_path / "source", tmp_path / "environment"
    shutil.unpack_archive(archive, source)
    subprocess.run([sys.executable, "-m", "venv", environment], check=True, timeout=SECONDS)
    install = [environment / "bin" / "python", "-m", "pip", "install", "--requirement", "requirements.txt"]
    install += ["--upgrade", "--upgrade-strategy", "only-if-needed", "--force-reinstall", "--no-compile", "--no-cache-dir"]
    install += ["--disable-pip-version-check", "--quiet", "--no-index", "--find-links", VENDORED]
    subprocess.run(install, cwd=source, env=bare_environment(), check=True, timeout=SECONDS)
    subprocess.run([environment / "bin" / "python", "-m", "pip", "check"], check=True, timeout=SECONDS)
    port = free_port()
    settings = {name: example for name, example in EXAMPLES.items() if not name.endswith("CA_BUNDLE")}
    host = {"FUNCTION_TARGET": "run", "HOST": "127.0.0.1", "PORT": str(port)}
    command = [str(environment / "bin" / "functions-framework")]
    process = Process("the installed function", command, {**bare_environment(), **settings, **host}, source)
    try:
        process.wait_for(lambda: accepts(port))
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=60) as response:
            assert response.status == 200
    finally:
        process.stop()


def test_bytecode_of_the_build_is_valid_in_the_image(archive: Path, tmp_path: Path) -> None:
    """With the buildpack's command and the module's date; the image then gives every file one time."""
    shutil.unpack_archive(archive, tmp_path)
    date = re.findall(r'SOURCE_DATE_EPOCH = "(\d+)"', (ROOT / "infra" / "terraform" / "google" / "build.tf").read_text())[0]
    compilation = [sys.executable, "-m", "compileall", "-f", "-q", "."]
    subprocess.run(compilation, cwd=tmp_path, env={**bare_environment(), "SOURCE_DATE_EPOCH": date}, check=True)
    for path in tmp_path.rglob("*.py"):
        os.utime(path, (315532801, 315532801))
    compiled = {path: path.read_bytes() for path in tmp_path.rglob("*.pyc")}
    assert tmp_path / "__pycache__" / f"main.{sys.implementation.cache_tag}.pyc" in compiled
    settings = {name: example for name, example in EXAMPLES.items() if not name.endswith("CA_BUNDLE")}
    subprocess.run([sys.executable, "-c", "import main"], cwd=tmp_path, env={**bare_environment(), **settings}, check=True)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.pyc")} == compiled  # what is stale is written anew


def test_the_archive_of_a_job_of_ones_own_has_it(archive: Path, tmp_path: Path) -> None:
    for name in ("main.py", "extra.py", "test_main.py", "conftest.py"):
        (tmp_path / name).write_text(f"# {name}\n")
    own = build(PYTHON, tmp_path / "build", tmp_path)
    with zipfile.ZipFile(own) as file:
        assert file.read("main.py") == b"# main.py\n"
    assert set(names_in(own)) == {*names_in(archive), "extra.py"}


def test_a_source_without_a_job_is_refused(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "infra.google_zip", "--source", str(tmp_path)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (1, f"{tmp_path} has no main.py.\n")
    assert list(tmp_path.glob("build/*")) == []


def test_the_command_prints_the_checksum(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("# mine\n")
    command = [sys.executable, "-m", "infra.google_zip", "--python", PYTHON, "--source", str(tmp_path)]
    output = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    archive = tmp_path / "build" / f"google-{PYTHON}.zip"
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    assert re.fullmatch(rf"\S+/build/google-{PYTHON}\.zip: \d+\.\d MB, SHA-256 {digest}\n", output)
