"""The stand-in as a tool: its arguments, its files, its authority, and why it does not start."""

import http.client
import json
import random
import re
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from demo.processes import Process, accepts, bare_environment
from standin import make_jwk, public_jwk
from standin.arguments import PORTS, parse_arguments
from tests.conftest import ROOT


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("position", range(PORTS))
def test_a_port_in_use_is_one_sentence(position: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run("standin", "--alg", "ES256", "--port-base", str(port - position))
    sentence = r"Port \d+ is in use\. Stop the program that uses it, or choose another --port-base\.\n"
    assert (ended.returncode, ended.stdout) == (1, "")
    assert re.fullmatch(sentence, ended.stderr)


@pytest.mark.parametrize("option", ["--env-file", "--key-file", "--json-events"])
def test_a_file_that_cannot_be_written_is_one_sentence(option: str, tmp_path: Path) -> None:
    path = tmp_path / "missing" / "file"
    ended = run("standin", "--alg=ES256", "--port-base=0", option, str(path))
    assert (ended.returncode, ended.stderr) == (1, f"{path} cannot be used (No such file or directory). Choose another.\n")


def test_a_key_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    ended = run("standin.aws", str(tmp_path / "missing"), "http://127.0.0.1:1")
    assert ended.returncode == 2
    assert ended.stderr.endswith("missing cannot be read (No such file or directory)\n")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., dict[str, str]]]:
    """Return what starts the stand-in in an empty folder and returns its environment; only the last one started runs."""
    running: list[Process] = []

    def start(*arguments: str) -> dict[str, str]:
        stop()
        environment = {**bare_environment(), "PYTHONPATH": str(ROOT), "XDG_DATA_HOME": str(tmp_path / "data")}
        command = [sys.executable, "-m", "standin", "--alg=ES256", "--json-events=-", *arguments]
        process = Process("the stand-in", command, environment, tmp_path)
        running.append(process)
        process.wait_for(lambda: bool(process.lines))
        found: dict[str, str] = process.lines[0]["environment"]
        return found

    def stop() -> None:
        while running:
            running.pop().stop()

    yield start
    stop()


Start = Callable[..., dict[str, str]]


def free_ports(count: int) -> int:
    """Return the first of some free ports in a row, below those that the system gives to other tests meanwhile."""
    firsts = range(20_000, 32_000, count)
    return next(
        first for first in random.sample(firsts, len(firsts)) if not any(accepts(first + number) for number in range(count))
    )


def test_with_tls_the_next_steps_name_the_authority(tmp_path: Path) -> None:
    environment = {**bare_environment(), "PYTHONPATH": str(ROOT), "XDG_DATA_HOME": str(tmp_path / "data")}
    command = [sys.executable, "-m", "standin", "--alg=ES256", "--port-base=0", "--export=client.json", "--tls"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    ) as ran:
        assert ran.stderr is not None
        told = [ran.stderr.readline() for _ in range(5)]
        ran.terminate()
    assert "in the same folder: " in told[2]
    assert told[3] == "# Then: paste the line above that begins with export REQUESTS_CA_BUNDLE\n"
    assert told[4].endswith(" call\n")


def test_the_ports_are_the_same_after_a_restart(start: Start) -> None:
    base = free_ports(PORTS)
    first, second = start(f"--port-base={base}"), start(f"--port-base={base}")
    names = ("HELSEID_ISSUER", "API_URL", "SECRET_MANAGER_ENDPOINT", "SELVBETJENING_URL")
    assert [first[name] for name in names] == [second[name] for name in names]
    assert first["HELSEID_ISSUER"] == f"http://127.0.0.1:{base}"


def test_without_arguments_the_ports_begin_at_8100() -> None:
    assert vars(parse_arguments([]))["port_base"] == 8100


@pytest.mark.parametrize("port", ["x", "-1", "65532", "8100.5"])
def test_a_port_base_that_is_no_port_is_named(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse_arguments([f"--port-base={port}"])
    assert f"{port} is not a number from 0 to 65531" in capsys.readouterr().err


def test_an_export_has_the_members_of_selvbetjening(start: Start, tmp_path: Path) -> None:
    settings = start("--port-base=0", "--export=client.json")
    exported = json.loads((tmp_path / "client.json").read_text())
    assert list(exported) == ["authority", "clientId", "scopes", "privateJwk"]
    assert (exported["authority"], exported["clientId"]) == (settings["HELSEID_ISSUER"], settings["HELSEID_CLIENT_ID"])
    assert json.loads(exported["privateJwk"])["alg"] == "ES256"
    assert (tmp_path / "client.json").stat().st_mode & 0o777 == 0o600


def test_an_exported_client_is_kept_at_a_restart(start: Start, tmp_path: Path) -> None:
    start("--port-base=0", "--export=client.json")
    first = json.loads((tmp_path / "client.json").read_text())
    start("--port-base=0", "--export=client.json")
    second = json.loads((tmp_path / "client.json").read_text())
    assert (first["clientId"], first["privateJwk"]) == (second["clientId"], second["privateJwk"])
    assert first["authority"] != second["authority"]


def test_an_export_replaces_no_other_file(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("mine")
    ended = run("standin", "--port-base=0", f"--export={tmp_path}/notes")
    told = f"{tmp_path}/notes is not a file that --export wrote. Name another, or move it away.\n"
    assert (ended.returncode, ended.stderr, (tmp_path / "notes").read_text()) == (1, told, "mine")


@pytest.mark.parametrize(
    ("options", "parents"),
    [
        ((), "999977774 313745392"),
        (("--single-tenant",), None),
        (("--export=x",), None),
        (("--export=x", "--multi-tenant"), "999977774 313745392"),
    ],
)
def test_the_tenancy_is_chosen(start: Start, options: tuple[str, ...], parents: str | None) -> None:
    assert start("--port-base=0", *options).get("HELSEID_ORGANIZATIONS") == parents


def sign_in(
    settings: dict[str, str], client_id: str, jwk: dict[str, Any], **variables: str
) -> subprocess.CompletedProcess[str]:
    """Call the API as a client, with the function's own command line."""
    settings = {name: value for name, value in settings.items() if "ORGANIZATION" not in name}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "key").write_text(json.dumps(jwk))
        environment = {**bare_environment(), **settings, "HELSEID_CLIENT_ID": client_id, "HELSEID_KEY": "file:key"}
        return subprocess.run(
            [sys.executable, "-m", "helseid_fn", "call"],
            cwd=folder,
            env={**environment, "PYTHONPATH": str(ROOT), **variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )


def test_a_client_of_a_file_is_known_by_its_public_key(start: Start, tmp_path: Path) -> None:
    jwk = make_jwk("ES384", fresh=True)
    client = {
        "clientId": "ours",
        "jwks": [public_jwk(jwk)],
        "tenancy": "multi-tenant",
        "parents": ["123456789"],
        "children": [],
    }
    (tmp_path / "clients.json").write_text(json.dumps([client]))
    settings = start("--port-base=0", "--client=clients.json")
    assert sign_in(settings, "ours", jwk, HELSEID_PARENT_ORGANIZATION="123456789").returncode == 0
    assert sign_in(settings, "ours", jwk, HELSEID_PARENT_ORGANIZATION="999977774").returncode == 5


PUBLIC = public_jwk(make_jwk("ES256"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "is not JSON. Write a list of clients."),
        ("[1]", "a client has no clientId."),
        (json.dumps({"clientId": "c"}), "client c has no usable jwks."),
        (json.dumps({"clientId": "c", "jwks": [{"kty": "EC"}]}), "client c has no usable jwks."),
        (json.dumps({"clientId": "c", "jwks": [PUBLIC], "scope": "x"}), "client c has an unknown member scope."),
        (json.dumps({"clientId": "c", "jwks": [PUBLIC], "scopes": "x"}), "scopes of client c is not a list of strings."),
        (json.dumps({"clientId": "c", "jwks": [PUBLIC], "tenancy": "x"}), "tenancy of client c is not one of"),
    ],
)
def test_what_is_wrong_with_a_client_file_is_named(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "clients.json").write_text(content)
    ended = run("standin", "--port-base=0", f"--client={tmp_path}/clients.json")
    assert (ended.returncode, words in ended.stderr, ended.stderr.count("\n")) == (1, True, 1)


def test_a_private_key_in_a_client_file_is_refused_and_not_shown(tmp_path: Path) -> None:
    jwk = make_jwk("ES256", fresh=True)
    (tmp_path / "clients.json").write_text(json.dumps({"clientId": "c", "jwks": [jwk]}))
    ended = run("standin", "--port-base=0", f"--client={tmp_path}/clients.json")
    assert (ended.returncode, "has a private key in jwks" in ended.stderr, jwk["d"] in ended.stderr) == (1, True, False)


def test_with_tls_the_function_signs_in_over_https(start: Start, tmp_path: Path) -> None:
    settings = start("--port-base=0", "--tls", "--export=client.json")
    exported = json.loads((tmp_path / "client.json").read_text())
    assert settings["HELSEID_ISSUER"].startswith("https://127.0.0.1:")
    ran = sign_in(settings, exported["clientId"], json.loads(exported["privateJwk"]))
    assert (ran.returncode, "Hello from the Sample API" in ran.stdout) == (0, True)


def test_with_tls_every_stack_is_told_what_to_trust(start: Start) -> None:
    settings = start("--port-base=0", "--tls")
    names = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS")
    assert {Path(settings[name]).name for name in names} == {"authority.pem"}


@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("POST", "/machine-clients"), ("GET", "/machine-clients/orders")])
def test_an_unknown_path_of_the_api_is_404_before_any_challenge(start: Start, method: str, path: str) -> None:
    settings = start("--port-base=0")
    api = settings["API_URL"].removesuffix("/machine-clients/greetings")
    connection = http.client.HTTPConnection(api.removeprefix("http://"), timeout=10)
    connection.request(method, path)
    response = connection.getresponse()
    assert (response.status, response.getheader("WWW-Authenticate")) == (404, None)
    response.read()
    connection.close()
