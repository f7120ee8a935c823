"""The README, held against the code."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from joserfc.jwk import RSAKey
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from helseid_fn import errors
from helseid_fn.errors import Party
from helseid_fn.function.invocation import parse_invocation
from helseid_fn.keys.signing_key import parse_signing_key
from helseid_fn.oauth.token_errors import HID_REMEDIES
from helseid_fn.settings import EXAMPLES, parse_settings
from infra import lambda_zip
from standin import Client, StandIn, make_jwk, public_jwk
from tests.support.faults.table import render as fault_matrix

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()

# Not every machine has its certificates where the example says.
ANYWHERE = {name: value for name, value in EXAMPLES.items() if not name.endswith("CA_BUNDLE")}


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the rows of the first table below a heading."""
    section = re.split(r"^#+ ", README.split(f"# {heading}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
    table = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip().strip("`") for cell in line.strip("|").split(" | ")] for line in table[2:]]


def code_blocks(language: str) -> list[str]:
    return re.findall(rf"^ *```{language}\n(.*?)^ *```$", README, re.MULTILINE | re.DOTALL)


def test_every_setting_has_its_row_with_its_example() -> None:
    assert {row[0]: row[3] for row in rows("Settings")} == EXAMPLES


def test_the_stated_defaults_are_the_defaults() -> None:
    required = {row[0]: row[3] for row in rows("Settings") if row[2] == "required"}
    settings = parse_settings(required)
    stated = {row[0]: row[2] for row in rows("Settings")}
    assert settings.api_methods == {stated["API_METHODS"]}
    assert settings.deadline_seconds == float(stated["DEADLINE_SECONDS"])
    assert settings.log_level == stated["LOG_LEVEL"]
    assert settings.organization.numbers() == {"parent": None, "child": None}


@pytest.mark.parametrize("name", [row[0] for row in rows("Settings") if row[2] == "required"])
def test_what_is_said_to_be_required_is(name: str) -> None:
    with pytest.raises(errors.SettingsError, match=f"{name} is missing"):
        parse_settings({each: example for each, example in ANYWHERE.items() if each != name})


def test_every_code_is_explained_and_none_else() -> None:
    explained: list[str] = []
    for row in rows("When it fails"):
        starts = [party.slug for party in Party] if row[0].startswith("*") else [row[0].partition(".")[0]]
        explained += [f"{start}.{row[0].partition('.')[2]}" for start in starts]
    assert sorted(explained) == sorted(errors.every_code())


def test_every_code_has_a_meaning_and_a_remedy() -> None:
    assert all(len(row) == 3 and all(row) for row in rows("When it fails"))


def test_the_fault_matrix_is_the_one_that_is_tested() -> None:
    shown = README.split("<!-- fault matrix -->\n", 1)[1].split("<!-- end of fault matrix -->", 1)[0]
    assert shown == fault_matrix() + "\n"


def test_every_code_of_helseids_own_is_explained() -> None:
    assert {row[0] for row in rows("HelseID's own codes")} == set(HID_REMEDIES)


def test_the_table_of_classes_is_what_the_classes_are() -> None:
    section = README.split("| class | HTTP |", 1)[1].split("\n\n", 1)[0]
    for line in section.splitlines()[2:]:
        name, http, retryable, _ = (cell.strip().strip("`") for cell in line.strip("|").split("|"))
        kind = getattr(errors, name)
        assert (kind.http_status, kind.retryable) == (int(http.split(",")[0]), retryable == "yes"), name


def test_every_module_has_its_row() -> None:
    told = set(re.findall(r"`((?:main|helseid_fn/[\w/]+)\.py)`", README.split("## How the code is laid out", 1)[1]))
    modules = [path for path in (ROOT / "helseid_fn").rglob("*.py") if path.name != "__init__.py"]
    assert told == {str(path.relative_to(ROOT)) for path in modules} | {"main.py"}


def test_every_file_that_is_named_exists() -> None:
    for name in re.findall(r"`((?:helseid_fn|tests|infra|standin|demo)/[\w/.]*)`", README):
        assert (ROOT / name).exists(), name


def test_every_make_target_that_is_named_exists() -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(re.findall(r"(?:`|^)make ([a-z-]+)", README, re.MULTILINE)) <= set(targets)


def test_what_is_said_of_the_lambda_archive_is_so() -> None:
    section = README.split("## The archive for AWS Lambda", 1)[1].split("\n## ", 1)[0]
    defaults = dict(re.findall(r"^(ARCH|RUNTIME) \?= (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert f"`build/lambda-{defaults['ARCH']}-{defaults['RUNTIME']}.zip`" in section
    assert f"`python{defaults['RUNTIME']}` and the architecture to `{defaults['ARCH']}`" in section
    assert {defaults["RUNTIME"], *re.findall(r"\b3\.\d+\b", section)} == set(lambda_zip.PYTHONS)
    chosen = re.findall(r"ARCH=(\w+) RUNTIME=([\d.]+)", section)
    assert all(arch in lambda_zip.WHEEL_ARCHITECTURES and python in lambda_zip.PYTHONS for arch, python in chosen)
    assert "half a second" in section
    assert "def lambda_handler(" in (ROOT / "main.py").read_text()
    assert "LAMBDA_RESERVE_SECONDS = 0.5\n" in (ROOT / "main.py").read_text()


def test_the_landing_check_runs_the_test_command_of_the_readme() -> None:
    assert "make test\n" in (ROOT / ".ci" / "run").read_text()
    assert "make test\n" in code_blocks("sh")


def test_the_python_versions_that_are_named_are_supported() -> None:
    assert "Python 3.11, 3.12 or 3.13" in README
    assert 'requires-python = ">=3.11"' in (ROOT / "pyproject.toml").read_text()


def test_the_example_of_a_body_is_a_valid_invocation() -> None:
    body = json.loads(next(block for block in code_blocks("json") if '"request"' in block))
    invocation = parse_invocation(body, parse_settings(ANYWHERE))
    assert invocation.organization.child == body["organization"]["child"]
    assert invocation.request.url.endswith("/greetings/relative/below/API_URL?k=v")


def test_the_walk_through_prints_what_the_readme_shows() -> None:
    command = [sys.executable, "-m", "demo"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=120).stdout
    shown = README.split("<!-- demo output -->\n```\n", 1)[1].split("```\n<!-- end", 1)[0]
    assert without_chance(printed) == without_chance(shown)


def without_chance(text: str) -> str:
    """Take out what differs from run to run: ids, ports, times, and the line breaks and columns that follow from them."""
    text = re.sub(r"[\w-]{6}…", "ID…", text)
    text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", text)
    text = re.sub(r"\d\d:\d\d:\d\d", "TIME", text)
    text = re.sub(r"\d+(\.\d+)? ms", "N ms", text)
    text = re.sub(r"\d+ s left", "N s left", text)
    text = re.sub(r"(\d+) calls, \1 of them", "N calls, N of them", text)
    return " ".join(text.split())


@pytest.mark.parametrize("jwk", ["PS256"], indirect=True)
def test_the_answer_that_is_shown_has_the_members_of_a_real_one(
    jwk: dict[str, Any], key_file: Path, load_main: Callable[[dict[str, str]], ModuleType]
) -> None:
    with StandIn([Client(client_id="client", jwks=[public_jwk(jwk)])]) as standin:
        main = load_main(standin.environment(f"file:{key_file}"))
        body, _, _ = main.run(Request(EnvironBuilder(method="POST").get_environ()))
    shown = json.loads(next(block for block in code_blocks("json") if '"status": "ok"' in block))
    assert shape_of(shown, "greeting") == shape_of(json.loads(body), "greeting")


def shape_of(value: Any, last: str) -> Any:
    """Return the members of an answer, down to the API's own."""
    if not isinstance(value, dict):
        return type(value).__name__
    return {name: shape_of(each, last) for name, each in value.items() if last not in value or name == last}


@pytest.mark.parametrize("jwk", ["PS256"], indirect=True)
def test_the_example_of_getting_only_a_token_runs(
    jwk: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "client.jwk.json").write_text(json.dumps(jwk))
    monkeypatch.chdir(tmp_path)
    example = next(block for block in code_blocks("python") if "TokenSource" in block)
    with StandIn([Client(client_id=EXAMPLES["HELSEID_CLIENT_ID"], jwks=[public_jwk(jwk)])]) as standin:
        assert EXAMPLES["HELSEID_ISSUER"] in example
        exec(compile(example.replace(EXAMPLES["HELSEID_ISSUER"], standin.issuer), "README.md", "exec"), {})
        assert standin.count("token") == 2
        assert not any(secret in capsys.readouterr().out for secret in standin.secrets())


def test_the_command_that_makes_a_key_makes_one_that_can_be_used(tmp_path: Path) -> None:
    (command,) = {line.strip() for block in code_blocks("sh") for line in block.splitlines() if "first_key" in line}
    printed = run_in(tmp_path, f"PYTHONPATH={ROOT} {command}")
    private = tmp_path / "client.jwk.json"
    key = parse_signing_key(private.read_text())
    assert (key.alg, key.kid is not None) == ("PS256", True)
    assert "d" not in json.loads(printed)
    assert json.loads(printed)["kid"] == key.kid
    assert private.stat().st_mode & 0o077 == 0


def test_the_command_that_converts_pem_makes_a_key_that_can_be_used(tmp_path: Path) -> None:
    command = next(line.strip() for block in code_blocks("sh") for line in block.splitlines() if "import_key" in line)
    pem = RSAKey.import_key(make_jwk("PS256")).as_pem(private=True)
    (tmp_path / "key.pem").write_bytes(pem)
    key = parse_signing_key(run_in(tmp_path, command))
    assert (key.alg, key.kid) == ("PS256", key.thumbprint)


def run_in(folder: Path, command: str) -> str:
    """Run a command of the README in a folder that has a `.venv`, and return what it prints."""
    (folder / ".venv").symlink_to(Path(sys.executable).parent.parent)
    return subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True, check=True, timeout=120).stdout


def test_the_entry_points_that_are_named_exist(load_main: Callable[[dict[str, str]], ModuleType]) -> None:
    main = load_main(ANYWHERE)
    named = set(re.findall(r"`main\.(\w+)`", README)) - {"py"}
    assert named == {"run", "run_event", "lambda_handler", "rotate", "rotate_lambda"}
    assert all(callable(getattr(main, name)) for name in named)
