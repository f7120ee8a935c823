"""What `docs/library.md` says is public, and its examples: all run, against the stand-in and without Azure and Django."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from helseid_fn.setting_table import EXAMPLES
from standin import StandIn, faults
from tests.conftest import ROOT
from tests.support import public_surface
from tests.support.deployment import made

PAGE = (ROOT / "docs" / "library.md").read_text()
BLOCKS = dict(re.findall(r"^<!-- library: (\w+) -->\n```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(standin: StandIn, jwk: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs examples one after the other, the client's first."""
    (tmp_path / "client.jwk.json").write_text(json.dumps(jwk))
    (tmp_path / "client.jwk.json").chmod(0o600)
    (tmp_path / "report.pdf").write_bytes(b"%PDF")
    monkeypatch.chdir(tmp_path)
    places = {EXAMPLES["HELSEID_ISSUER"]: standin.issuer, "https://api.example.no/machine-clients": standin.api_base}

    def run(*names: str) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name in ("client", *names):
            code = BLOCKS[name]
            for public, local in places.items():
                code = code.replace(public, local)
            exec(compile(code, f"docs/library.md: {name}", "exec"), values)
        return values

    return run


def make_module(monkeypatch: pytest.MonkeyPatch, name: str, **members: Any) -> None:
    """Have a framework that is not installed here stand for itself."""
    package = ModuleType(name.partition(".")[0])
    module = ModuleType(name)
    for member, value in members.items():
        setattr(module, member, value)
    setattr(package, name.rpartition(".")[2], module)
    monkeypatch.setitem(sys.modules, package.__name__, package)
    monkeypatch.setitem(sys.modules, name, module)


def test_every_example_is_run_here_or_with_the_page_of_the_app() -> None:
    with_name = {"client", "api", "pages", "requests", "httpx", "async", "token", "errors", "azure", "django"}
    assert BLOCKS.keys() == with_name
    assert len(re.findall(r"^```python$", PAGE, re.MULTILINE)) == len(BLOCKS) + 1


def test_the_public_surface_is_what_its_file_says() -> None:
    """If this fails, run: python -m tests.support.public_surface."""
    assert public_surface.FILE.read_text() == public_surface.describe()


def test_the_example_of_a_client_reaches_nothing(run: Run, standin: StandIn) -> None:
    run()
    assert made(standin) == {}


def test_the_example_of_calls_runs(run: Run, standin: StandIn, capsys: pytest.CaptureFixture[str]) -> None:
    standin.api.fail_next("api", faults.Status(404), after=3)
    run("api")
    assert capsys.readouterr().out.splitlines()[1:] == ["There is no such order."]
    assert [(each.method, each.target.partition("/machine-clients/")[2]) for each in standin.exchanges("api")] == [
        ("GET", "greetings"),
        ("POST", "orders"),
        ("PUT", "reports/7"),
        ("GET", "orders/8?fields=id&fields=count"),
    ]
    assert standin.exchanges("api")[2].body == b"%PDF"


def test_the_example_of_pages_runs(run: Run, standin: StandIn) -> None:
    pages = [{"entry": [{"id": 1}, {"id": 2}]}, {"entry": [{"id": 3}]}, {"entry": []}]
    for number, page in enumerate(pages):
        standin.api.fail_next("api", faults.Status(200, json.dumps(page), (), "application/json"), after=0 if number else 4)
    assert [each["id"] for each in run("api", "pages")["events"]] == [1, 2, 3]
    assert standin.exchanges("api")[-1].target.endswith("events?after=3")


@pytest.mark.parametrize(("name", "calls"), [("requests", 1), ("httpx", 1), ("async", 2)])
def test_the_examples_of_auth_objects_run(run: Run, standin: StandIn, name: str, calls: int) -> None:
    run(name)
    assert made(standin) == {"metadata": 1, "token": 2, "api": calls}


def test_the_example_of_a_token_shows_no_secret(run: Run, standin: StandIn, capsys: pytest.CaptureFixture[str]) -> None:
    token = run("token")["token"]
    printed = capsys.readouterr().out
    assert printed.startswith("DPoP 20")
    assert token.reveal() in standin.secrets()
    assert not [secret for secret in standin.secrets() if secret in printed]


@pytest.mark.parametrize(
    ("status", "printed"), [(409, "api.refused.other 409 {'status': 409"), (503, "The API failed (status 503).")]
)
def test_the_example_of_errors_runs(
    run: Run, standin: StandIn, capsys: pytest.CaptureFixture[str], status: int, printed: str
) -> None:
    standin.api.fail_next("api", faults.Status(status), after=4, times=3)
    run("api", "errors")
    assert capsys.readouterr().out.splitlines()[-1].startswith(printed)


def test_the_example_of_an_azure_function_runs(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    app = SimpleNamespace(route=lambda **_: lambda function: function)
    response = lambda content, mimetype: (content, mimetype)  # noqa: E731  # as short as the framework's own is to use
    make_module(monkeypatch, "azure.functions", FunctionApp=lambda: app, HttpRequest=object, HttpResponse=response)
    content, mimetype = run("api", "azure")["greeting"](None)
    assert (json.loads(content)["parentOrganizationNumber"], mimetype) == ("999977774", "application/json")


def test_the_example_of_a_django_view_runs(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    make_module(monkeypatch, "django.http", JsonResponse=dict)
    assert run("api", "django")["greeting"](None)["parentOrganizationNumber"] == "999977774"
