"""README.md and `docs/`, compared with the code."""

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
from dotenv import dotenv_values
from joserfc.jwk import RSAKey
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

import helseid_fn
from helseid_fn import errors
from helseid_fn.error_codes import Party, every_code
from helseid_fn.function.aws import RESERVE_SECONDS
from helseid_fn.function.invocation import parse_invocation
from helseid_fn.keys.signing_key import parse_signing_key
from helseid_fn.oauth.token_errors import HID_REMEDIES
from helseid_fn.setting_table import EXAMPLES, REQUIRED, SETTINGS
from helseid_fn.settings import parse_settings
from infra import archive, lambda_zip
from standin import Client, StandIn, make_jwk, public_jwk
from tests.support.command_line_docs import env_example
from tests.support.doctor_faults import FAULTS
from tests.support.faults.table import count_cells
from tests.support.generated_docs import ENV_EXAMPLE, GENERATED, block

ROOT = Path(__file__).resolve().parent.parent
PAGES = {str(path.relative_to(ROOT)): path.read_text() for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]}
LINKING = {
    **PAGES,
    **{str(path.relative_to(ROOT)): path.read_text() for path in sorted((ROOT / "infra").rglob("README.md"))},
    **{str(path.relative_to(ROOT)): path.read_text() for path in sorted(ROOT.glob("*.md"))},
}
ALL = "\n".join(PAGES.values())
README = PAGES["README.md"]
ERRORS = PAGES["docs/errors.md"]

# Not every machine has its certificates at the example's path.
ANYWHERE = {name: value for name, value in EXAMPLES.items() if not name.endswith("CA_BUNDLE")}

every_page = pytest.mark.parametrize("page", PAGES)


def section_of(text: str, heading: str) -> str:
    """Return the text below a heading, up to the next heading of its level or above."""
    mark, start = next(
        (match[1], match.end()) for match in re.finditer(r"^(#+) (.*)$", text, re.MULTILINE) if match[2] == heading
    )
    return re.split(rf"^#{{1,{len(mark)}}} ", text[start:], maxsplit=1, flags=re.MULTILINE)[0]


def tables(text: str, heading: str) -> list[list[str]]:
    """Return the cells of the rows of all tables below a heading."""
    found: list[list[str]] = []
    for table in re.findall(r"(?:^\|.*\n?)+", section_of(text, heading), re.MULTILINE):
        found += [[cell.strip().strip("`") for cell in line.strip("| ").split(" | ")] for line in table.splitlines()[2:]]
    return found


def code_blocks(language: str, text: str = ALL) -> list[str]:
    return re.findall(rf"^ *```{language}\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)


def slug(heading: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors(text: str) -> set[str]:
    prose = re.sub(r"^ *```.*?^ *```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return {slug(heading) for heading in re.findall(r"^#+ (.*)$", prose, re.MULTILINE)}


@pytest.mark.parametrize(("page", "name", "generate"), GENERATED, ids=lambda each: each if isinstance(each, str) else "")
def test_generated_tables_are_current(page: str, name: str, generate: Callable[[], str]) -> None:
    """If this fails, run: python -m tests.support.generated_docs."""
    assert block(PAGES[f"docs/{page}"], name) == generate()


def test_the_example_of_an_env_file_has_every_setting() -> None:
    """If this fails, run: python -m tests.support.generated_docs."""
    assert ENV_EXAMPLE.read_text() == env_example()


def test_the_example_of_an_env_file_is_valid() -> None:
    values = dotenv_values(ENV_EXAMPLE)
    assert parse_settings({name: value or "" for name, value in values.items()}).key_address == "file:client.jwk.json"


def test_the_page_on_helsenettet_has_codes_of_the_doctor() -> None:
    listed = {row[0] for row in tables(PAGES["docs/helsenettet.md"], "Try it")}
    assert listed == listed & {fault.code for fault in FAULTS} != set()


def test_the_cells_of_the_fault_matrix_are_counted() -> None:
    cells, tried = count_cells()
    told = f"It has {cells} cells: {tried} are tried, and {cells - tried} say in brackets why there is no such case."
    assert told in section_of(ERRORS, "What each fault becomes")
    assert f"it tries {tried} of the {cells} cells" in PAGES["docs/testing.md"]


def test_the_readme_lists_the_required_settings() -> None:
    listed = {row[0]: row[2] for row in tables(README, "Settings")}
    assert listed == {each.name: each.example for each in SETTINGS if each.default is REQUIRED}


@pytest.mark.parametrize("name", [each.name for each in SETTINGS if each.default is REQUIRED])
def test_a_required_setting_is_required(name: str) -> None:
    with pytest.raises(errors.SettingsError, match=f"{name} is missing"):
        parse_settings({each: example for each, example in ANYWHERE.items() if each != name})


def test_the_smallest_configuration_is_valid() -> None:
    exports = dict(re.findall(r"^export (\w+)=(\S+)$", PAGES["docs/configuration.md"], re.MULTILINE))
    assert parse_settings(exports).key_address == exports["HELSEID_KEY"]
    assert exports.keys() == {each.name for each in SETTINGS if each.default is REQUIRED}


def test_every_setting_that_is_named_exists() -> None:
    named = set(re.findall(r"`((?:HELSEID|API|ROTATION|SELVBETJENING|DEADLINE|LOG)_[A-Z_]+[A-Z])\b", ALL))
    assert named <= EXAMPLES.keys()


def test_every_code_is_explained_with_its_remedy() -> None:
    explained: list[str] = []
    for row in tables(ERRORS, "Codes"):
        starts = [party.slug for party in Party] if row[0].startswith("*") else [row[0].partition(".")[0]]
        explained += [f"{start}.{row[0].partition('.')[2]}" for start in starts]
        assert len(row) == 3, row
        assert all(row), row
    assert sorted(explained) == sorted(every_code())


def test_every_code_that_is_named_elsewhere_exists() -> None:
    families = "|".join(["settings", "function", "invocation", "signing_key", "rotation", *(party.slug for party in Party)])
    other_pages = "\n".join(text for page, text in PAGES.items() if page != "docs/errors.md")
    named = set(re.findall(rf"`((?:{families})\.[a-z_]+(?:\.[a-z_]+)?)`", other_pages))
    assert {each for each in named if not (ROOT / "helseid_fn" / each).exists()} <= {
        *every_code(),
        "api.body",
        "api.content",
        "api.headers",
    }


def test_every_helseid_code_is_explained() -> None:
    assert {row[0] for row in tables(ERRORS, "HelseID's own codes")} == set(HID_REMEDIES)


def test_the_table_of_classes_matches_the_classes() -> None:
    rows = tables(ERRORS, "Classes")
    direct = {*errors.HelseidFnError.__subclasses__(), *errors.PartyError.__subclasses__()} - {errors.PartyError}
    kinds = {kind.__name__: kind for kind in direct}
    for name, code, http, retryable, _ in rows:
        kind = kinds[name]
        assert (kind.http_status, kind.retryable) == (int(http.split(",")[0]), retryable.startswith("yes")), name
        pattern = re.escape(code).replace("PARTY", "[a-z_]+").replace(r"\*", "[a-z_]+")
        assert any(re.fullmatch(pattern, each) for each in every_code()), code
    assert {row[0] for row in rows} == set(kinds)


def test_the_listing_names_every_module() -> None:
    named: set[str] = set()
    folders: dict[int, str] = {}
    for line in block(PAGES["docs/architecture.md"], "listing").strip("`\n").splitlines():
        indent, words = len(line) - len(line.lstrip()), line.split()
        folders = {depth: folder for depth, folder in folders.items() if depth < indent}
        if words[0].endswith("/"):
            folders[indent] = words.pop(0)
        named |= {f"{''.join(folders.values())}{word}" for word in words if word.endswith(".py")}
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "helseid_fn").rglob("*.py") if path.name != "__init__.py"}
    assert named == modules | {"main.py", "helseid_fn/__init__.py"}


@every_page
def test_every_file_that_is_named_exists(page: str) -> None:
    named = re.findall(r"`((?:helseid_fn|tests|standin|demo|bench|infra|docs)/[\w/.]*)`", PAGES[page])
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", LINKING)
def test_every_link_resolves(page: str) -> None:
    prose = re.sub(r"^ *```.*?^ *```$", "", LINKING[page], flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if target.startswith(("http:", "https:", "mailto:")):
            continue
        name, _, anchor = target.partition("#")
        path = ((ROOT / page).parent / name).resolve() if name else ROOT / page
        assert path.exists(), target
        assert not anchor or anchor in anchors(path.read_text()), target


def test_every_page_says_whom_it_is_for() -> None:
    for page, text in PAGES.items():
        if page.startswith("docs/") and not re.match(r"docs/decisions/\d", page):
            assert re.match(r"# .+\n\nFor ", text), page


def test_every_page_is_linked_from_an_index() -> None:
    index = {"docs": README, "docs/decisions": PAGES["docs/decisions/README.md"]}
    for page in PAGES.keys() - {"README.md", "docs/decisions/README.md"}:
        folder, _, name = page.rpartition("/")
        assert f"({name})" in index[folder] or f"({page})" in index[folder], page


@pytest.mark.parametrize("page", [page for page in PAGES if re.match(r"docs/decisions/\d", page)])
def test_a_decision_has_its_number_and_parts(page: str) -> None:
    assert re.match(rf"# {int(Path(page).name[:4])}\. ", PAGES[page])
    assert re.findall(r"^## (.*)$", PAGES[page], re.MULTILINE)[:2] == ["Context", "Decision"]


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 180


def test_every_make_target_that_is_named_exists() -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(re.findall(r"(?:`|^)make ([a-z-]+)", ALL, re.MULTILINE)) <= set(targets)


def test_every_field_of_the_log_line_is_explained() -> None:
    noted = {
        name for path in (ROOT / "helseid_fn").rglob("*.py") for name in re.findall(r"ctx[.]note[(](\w+)=", path.read_text())
    }
    table = section_of(PAGES["docs/operating.md"], "The log")
    assert len(noted) > 5
    assert noted | {"trigger", "tries"} <= set(re.findall(r"`(\w+)`", table))


def test_the_lambda_archive_is_as_described() -> None:
    section = section_of(PAGES["docs/operating.md"], "The archive for AWS Lambda")
    defaults = dict(re.findall(r"^(ARCH|RUNTIME) \?= (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert f"`build/lambda-{defaults['ARCH']}-{defaults['RUNTIME']}.zip`" in section
    assert f"`python{defaults['RUNTIME']}` and the architecture to `{defaults['ARCH']}`" in section
    assert {defaults["RUNTIME"], *re.findall(r"\b3\.\d+\b", section)} == set(archive.PYTHONS)
    chosen = re.findall(r"ARCH=(\w+) RUNTIME=([\d.]+)", section)
    assert all(arch in lambda_zip.WHEEL_ARCHITECTURES and python in archive.PYTHONS for arch, python in chosen)
    assert "half a second" in section
    assert RESERVE_SECONDS == 0.5


def test_the_landing_check_runs_the_documented_command() -> None:
    assert "make test\n" in (ROOT / ".ci" / "run").read_text()
    assert "make test\n" in code_blocks("sh", PAGES["docs/testing.md"])


def test_the_python_versions_that_are_named_are_supported() -> None:
    assert "Python 3.11, 3.12, 3.13 or 3.14" in README
    assert 'requires-python = ">=3.11"' in (ROOT / "pyproject.toml").read_text()


def test_the_example_of_a_body_is_a_valid_invocation() -> None:
    body = json.loads(next(each for each in code_blocks("json") if '"request"' in each))
    invocation = parse_invocation(body, parse_settings(ANYWHERE))
    assert invocation.organization.child == body["organization"]["child"]
    assert invocation.request.url.endswith("/greetings/relative/below/API_URL?k=v")


def test_every_json_example_is_valid() -> None:
    assert all(json.loads(each) for each in code_blocks("json"))


def test_the_demo_prints_what_the_readme_shows() -> None:
    """In this order, between lines that the README leaves out."""
    command = [sys.executable, "-m", "demo"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=120).stdout
    lines = iter([without_chance(line) for line in printed.splitlines()])
    shown = block(README, "demo output").removeprefix("```\n").removesuffix("\n```").splitlines()
    missing = [line for line in shown if line.strip() and without_chance(line) not in lines]
    assert missing == []
    assert 10 <= len(shown) <= 20


def without_chance(text: str) -> str:
    """Remove what differs between runs: ids, ports, times, counts, and the columns that depend on them."""
    text = re.sub(r"[\w-]{6}…", "ID…", text)
    text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", text)
    text = re.sub(r"\d\d:\d\d:\d\d", "TIME", text)
    text = re.sub(r"\d+(\.\d+)? (ms|s)\b", r"N \2", text)
    text = re.sub(r"\d+ calls", "N calls", text)
    return " ".join(text.split())


@pytest.mark.parametrize("jwk", ["PS256"], indirect=True)
def test_the_response_that_is_shown_has_the_real_members(
    jwk: dict[str, Any], key_file: Path, load_main: Callable[[dict[str, str]], ModuleType]
) -> None:
    with StandIn([Client(client_id="client", jwks=[public_jwk(jwk)])]) as standin:
        main = load_main(standin.environment(f"file:{key_file}"))
        body, _, _ = main.run(Request(EnvironBuilder(method="POST").get_environ()))
        problem, _, _ = main.run(Request(EnvironBuilder(method="PUT").get_environ()))
    shown = json.loads(next(each for each in code_blocks("json") if '"status": "ok"' in each))
    assert shape_of(shown, "greeting") == shape_of(json.loads(body), "greeting")
    rows = tables(PAGES["docs/http-contract.md"], "The response to a failure")
    assert set(", ".join(row[0] for row in rows).replace("`", "").split(", ")) - {"api"} == json.loads(problem).keys()


def shape_of(value: Any, last: str) -> Any:
    """Return the members of a response, except those inside the API's body."""
    if not isinstance(value, dict):
        return type(value).__name__
    return {name: shape_of(each, last) for name, each in value.items() if last not in value or name == last}


def test_the_example_of_an_entry_point_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ANYWHERE.items():
        monkeypatch.setenv(name, value)
    example = next(each for each in code_blocks("python") if "App.from_environment" in each)
    names: dict[str, Any] = {}
    exec(compile(example, "library.md", "exec"), names)
    _, status, _ = names["run"](Request(EnvironBuilder(method="PUT").get_environ()))
    assert status == 400


def test_the_public_names_are_documented() -> None:
    public = section_of(PAGES["docs/library.md"], "What is public") + section_of(ERRORS, "Classes")
    assert {name for name in helseid_fn.__all__ if f"`{name}`" not in public} == {"HelseidFnError"}
    assert "`HelseidFnError`" in PAGES["docs/library.md"]


def test_the_command_that_makes_a_key_makes_a_usable_one(tmp_path: Path) -> None:
    (command,) = {line.strip() for each in code_blocks("sh") for line in each.splitlines() if "key new file:" in line}
    printed = run_in(tmp_path, f"PYTHONPATH={ROOT} {command}")
    private = tmp_path / "client.jwk.json"
    key = parse_signing_key(private.read_text())
    assert (key.alg, key.kid is not None) == ("PS256", True)
    assert "d" not in json.loads(printed)
    assert json.loads(printed)["kid"] == key.kid
    assert private.stat().st_mode & 0o077 == 0


def test_the_command_that_converts_pem_makes_a_usable_key(tmp_path: Path) -> None:
    command = next(line.strip() for each in code_blocks("sh") for line in each.splitlines() if "import key.pem" in line)
    pem = RSAKey.import_key(make_jwk("PS256")).as_pem(private=True)
    (tmp_path / "key.pem").write_bytes(pem)
    run_in(tmp_path, f"PYTHONPATH={ROOT} {command}")
    private = tmp_path / "client.jwk.json"
    key = parse_signing_key(private.read_text())
    assert (key.alg, key.kid) == ("PS256", key.thumbprint)
    assert private.stat().st_mode & 0o077 == 0


def run_in(folder: Path, command: str) -> str:
    """Run a documented command in a folder that has a `.venv`, and return what it prints."""
    (folder / ".venv").symlink_to(Path(sys.executable).parent.parent)
    return subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True, check=True, timeout=120).stdout


def test_the_stand_ins_options_are_documented() -> None:
    usage = subprocess.run(
        [sys.executable, "-m", "standin", "--help"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    ).stdout
    listed = {row[0].split()[0] for row in tables(PAGES["docs/stand-in.md"], "Options")}
    assert listed == set(re.findall(r"^ +(--[a-z-]+)", usage, re.MULTILINE))


def test_the_verbs_of_the_control_channel_are_documented() -> None:
    section = section_of(PAGES["docs/stand-in.md"], "Make it misbehave")
    verbs = re.findall(r'^ +"([a-z-]+)": (?:lambda|self)', (ROOT / "standin" / "control.py").read_text(), re.MULTILINE)
    assert len(verbs) > 10
    assert [verb for verb in verbs if f"`{verb}`" not in section] == []


def test_the_entry_points_that_are_named_exist(load_main: Callable[[dict[str, str]], ModuleType]) -> None:
    main = load_main(ANYWHERE)
    named = set(re.findall(r"`main\.(\w+)`", ALL)) - {"py"}
    assert named == {"run", "run_event", "lambda_handler", "rotate", "rotate_lambda"}
    assert all(callable(getattr(main, name)) for name in named)


def test_every_promise_names_tests_that_exist() -> None:
    for promise, tests, _ in tables(PAGES["docs/security.md"], "What is promised"):
        named = re.findall(r"[\w/]+\.py", tests)
        assert named, promise
        assert [each for each in named if not (ROOT / "tests" / each).is_file()] == [], promise
