"""The archive for AWS Lambda: its contents, its target, and its reproducible bytes."""

from __future__ import annotations

import platform
import re
import shutil
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from demo.lambda_runtime.function import lay_out
from demo.lambda_runtime.target import HERE
from helseid_fn.setting_table import EXAMPLES
from infra import archive
from infra import lambda_zip as packaging
from infra.bytecode import compile_sources
from infra.interpreters import find_interpreter
from infra.lambda_zip import Target, build, fetch_wheels, unpacked_size

ROOT = Path(__file__).resolve().parent.parent.parent
TARGETS = [HERE, Target("arm64" if HERE.arch == "x86_64" else "x86_64", "3.13")]
ELF_MACHINES = {"x86_64": 0x3E, "arm64": 0xB7}
MACHINE_NAMES = {"x86_64": "x86_64", "arm64": "aarch64"}

each_target = pytest.mark.parametrize("target", TARGETS, ids=str)
Zips = Callable[[Target], Path]


def names_in(archive: Path) -> list[str]:
    with zipfile.ZipFile(archive) as file:
        return file.namelist()


@each_target
def test_the_archive_contains_the_function_alone(target: Target, lambda_zip: Zips) -> None:
    package = ROOT / "helseid_fn"
    left_out = [package / "__main__.py", package / "testing.py", *(package / "cli").rglob("*.py")]
    product = [ROOT / "main.py", *(path for path in package.rglob("*.py") if path not in left_out)]
    with zipfile.ZipFile(lambda_zip(target)) as file:
        assert {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in product} == {
            name: file.read(name) for name in file.namelist() if re.match(r"main|helseid_fn/(?!(.*/)?__pycache__/)", name)
        }


@each_target
def test_the_archive_contains_only_pinned_libraries_besides(target: Target, lambda_zip: Zips) -> None:
    names = names_in(lambda_zip(target))
    distributions = {
        match[1].lower().replace("_", "-") for name in names if (match := re.match(r"(.+)-[^-]+\.dist-info/", name))
    }
    assert distributions == set(re.findall(r"^([\w.-]+)==", packaging.LOCK.read_text(), re.MULTILINE))
    modules = {"dateutil", "_cffi_backend", "jwt"}  # of python-dateutil, cffi and PyJWT
    libraries = distributions | {each.replace("-", "_") for each in distributions} | modules
    tops = {re.split(r"[./]", name)[0] for name in names if ".dist-info/" not in name}
    assert tops <= libraries | {"main", "helseid_fn", "__pycache__"}


@each_target
def test_the_archive_contains_no_unused_files(target: Target, lambda_zip: Zips) -> None:
    names = names_in(lambda_zip(target))
    unwanted = r"flask|werkzeug|functions_framework|grpc|google/|googleapiclient|gunicorn|uvicorn|pip/|uv/|setuptools|moto"
    assert not [name for name in names if re.match(unwanted, name)]
    unwanted = r"(^|/)(tests?|examples|\.git|\.venv)/|\.(pyi|h|jwk|pem\.key|env)$|RECORD$|INSTALLER$|direct_url"
    assert not [name for name in names if re.search(unwanted, name)]
    services = {match[1] for name in names if (match := re.match(r"botocore/data/([^/]+)/", name))}
    assert services == {"cloudwatch", "s3", "secretsmanager", "sqs", "sts"}


@each_target
def test_every_library_keeps_its_licence_and_its_metadata(target: Target, lambda_zip: Zips) -> None:
    names = names_in(lambda_zip(target))
    for folder in {name.split("/")[0] for name in names if ".dist-info/" in name}:
        assert f"{folder}/METADATA" in names
        assert any(re.match(rf"{re.escape(folder)}/(licenses/)?LICENSE", name) for name in names), folder


@each_target
def test_compiled_files_are_for_the_target(target: Target, lambda_zip: Zips) -> None:
    tag = f"cpython-{target.python.replace('.', '')}-{MACHINE_NAMES[target.arch]}-linux-gnu.so"
    with zipfile.ZipFile(lambda_zip(target)) as file:
        compiled = [name for name in file.namelist() if file.read(name)[:4] == b"\x7fELF"]
        assert {name for name in compiled if not name.endswith((tag, ".abi3.so"))} == set()
        assert any("_rust" in name for name in compiled)
        assert any("_cffi_backend" in name for name in compiled)
        machines = {struct.unpack_from("<H", file.read(name), 18)[0] for name in compiled}
    assert machines == {ELF_MACHINES[target.arch]}


@each_target
def test_a_second_build_gives_the_same_bytes(target: Target, lambda_zip: Zips, tmp_path: Path) -> None:
    assert build(target, tmp_path).read_bytes() == lambda_zip(target).read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == [f"lambda-{target.arch}-{target.python}.zip"]


@each_target
def test_the_archive_is_small_and_its_entries_are_neutral(target: Target, lambda_zip: Zips) -> None:
    assert lambda_zip(target).stat().st_size < 11_000_000
    assert unpacked_size(lambda_zip(target)) < 30_000_000
    with zipfile.ZipFile(lambda_zip(target)) as file:
        entries = file.infolist()
    assert [entry.filename for entry in entries] == sorted({entry.filename for entry in entries})
    assert {(entry.date_time, entry.external_attr >> 16, entry.create_system, entry.extra) for entry in entries} == {
        ((1980, 1, 1, 0, 0, 0), 0o100644, 3, b"")
    }


@each_target
def test_every_source_has_the_bytecode_of_the_target(target: Target, lambda_zip: Zips) -> None:
    names = names_in(lambda_zip(target))
    tag = f"cpython-{target.python.replace('.', '')}"
    sources = [Path(name) for name in names if name.endswith(".py")] if find_interpreter(target.python) else []
    expected = {(path.parent / "__pycache__" / f"{path.stem}.{tag}.pyc").as_posix() for path in sources}
    assert {name for name in names if "__pycache__" in name} == expected


def test_lambda_imports_what_was_compiled_and_not_the_source(lambda_zip: Zips, tmp_path: Path) -> None:
    command, environment = lay_out(tmp_path, lambda_zip(HERE), HERE, "main.lambda_handler")
    for source in (tmp_path / "task").rglob("*.py"):
        source.write_text("raise RuntimeError('compiled anew')")
    program = [*command[:3], "-c", "import main; print(main.__file__)"]
    ended = subprocess.run(
        program, cwd=tmp_path / "task", env=environment | EXAMPLES, capture_output=True, text=True, check=True
    )
    assert ended.stdout.strip() == str(tmp_path / "task" / "main.py")


def build_without_its_python(monkeypatch: pytest.MonkeyPatch, source: Path, *options: str) -> int:
    """Run the command for a job in `source` as on a machine without the target's Python, and return its exit code."""
    monkeypatch.setattr(packaging, "find_interpreter", lambda _: None)
    (source / "main.py").write_text("# mine\n")
    target = ["--arch", HERE.arch, "--python", HERE.python]
    monkeypatch.setattr(sys, "argv", ["lambda_zip", *target, "--source", str(source), *options])
    return packaging.main()


def test_without_its_python_an_archive_has_no_bytecode(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert build_without_its_python(monkeypatch, tmp_path) == 0
    assert not [name for name in names_in(tmp_path / "build" / f"lambda-{HERE}.zip") if name.endswith(".pyc")]
    remedy = f"without bytecode, so cold starts are slower: install Python {HERE.python} and build it again\n"
    assert capsys.readouterr().out.endswith(remedy)


def test_a_release_without_its_python_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert build_without_its_python(monkeypatch, tmp_path, "--require-bytecode") == 1
    assert f"no Python {HERE.python} here" in capsys.readouterr().err
    assert not (tmp_path / "build").exists()


def test_a_python_that_compiles_nothing_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    with pytest.raises(ValueError, match=re.escape(f"{broken} cannot compile")):
        compile_sources({"main.py": b""}, broken)


def test_the_import_loads_no_framework_and_no_cloud_library(lambda_zip: Zips, tmp_path: Path) -> None:
    shutil.unpack_archive(lambda_zip(HERE), tmp_path)
    command = [sys.executable, "-S", "-B", "-c", "import sys; import main; print(main.__file__, *sorted(sys.modules))"]
    loaded = subprocess.run(command, cwd=tmp_path, env=EXAMPLES, capture_output=True, text=True, check=True).stdout.split()
    assert loaded[0] == str(tmp_path / "main.py")
    assert not {name.split(".")[0] for name in loaded} & {"flask", "werkzeug", "grpc", "google", "boto3", "botocore"}


def test_a_job_of_ones_own_takes_the_place_of_main(lambda_zip: Zips, tmp_path: Path) -> None:
    for name in ("main.py", "extra.py", "test_main.py", "conftest.py"):
        (tmp_path / name).write_text(f"# {name}\n")
    (tmp_path / "template.py").write_text("{{ name }} = not Python\n")  # has no bytecode
    six = re.search(r"^six==.*?(?=^\S)", packaging.LOCK.read_text(), re.MULTILINE | re.DOTALL)
    assert six is not None
    (tmp_path / "requirements.txt").write_text(six[0])  # what the project has as well is no contradiction
    own = build(HERE, tmp_path / "build", tmp_path)
    with zipfile.ZipFile(own) as file:
        assert file.read("main.py") == b"# main.py\n"
    added = {"extra.py", f"__pycache__/extra.{sys.implementation.cache_tag}.pyc", "template.py"}
    assert set(names_in(own)) == {*names_in(lambda_zip(HERE)), *added}


def test_a_folder_without_a_job_is_refused(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "infra.lambda_zip", "--source", str(tmp_path)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (1, f"{tmp_path} has no main.py.\n")
    assert list(tmp_path.glob("build/*")) == []


def test_a_wheel_with_another_hash_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kept = fetch_wheels(packaging.LOCK.read_text(), HERE)[0].parent
    shutil.copytree(kept, tmp_path / kept.name)
    next((tmp_path / kept.name).glob("six-*")).write_bytes(b"something else")
    monkeypatch.setattr(archive, "WHEELS", tmp_path)
    with pytest.raises(ValueError, match=r"six-.* is not the pinned one"):
        build(HERE, tmp_path / "build")
    assert not (tmp_path / "build").exists()


@pytest.mark.parametrize("name", ["odd-1.0.data/purelib/odd.py", "/odd.py", "odd/../../odd.py"])
def test_a_wheel_with_files_for_elsewhere_is_refused(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    wheel = tmp_path / "odd-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr(name, "")
    monkeypatch.setattr(packaging, "fetch_wheels", lambda *_: [wheel])
    with pytest.raises(ValueError, match=rf"{re.escape(name)}, which would have to be installed elsewhere"):
        build(HERE, tmp_path / "build")


def test_the_command_prints_what_it_built() -> None:
    command = [sys.executable, "-m", "infra.lambda_zip", "--arch", HERE.arch, "--python", HERE.python]
    output = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert re.fullmatch(
        rf"build/lambda-{HERE}\.zip: \d+\.\d MB, unpacked \d\d\.\d MB; bytecode of Python {platform.python_version()}; "
        r"`import main` takes \d\.\d\d s here\n",
        output,
    )
