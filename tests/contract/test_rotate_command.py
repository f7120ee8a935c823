"""`helseid-fn rotate` with a key file, against Selvbetjening and HelseID."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from helseid_fn.cli.main import main
from helseid_fn.keys.signing_key import parse_signing_key
from standin import Client, StandIn, faults, make_jwk, public_jwk

NAME = "client.jwk.json"
PENDING = f"pending.{NAME}"


@pytest.fixture
def jwk() -> dict[str, Any]:
    return make_jwk("ES256", fresh=True)


@pytest.fixture
def standin(jwk: dict[str, Any]) -> Iterator[StandIn]:
    with StandIn([Client(client_id="client", jwks=[public_jwk(jwk)])]) as standin:
        yield standin


Rotate = Callable[..., tuple[int, str]]


@pytest.fixture
def rotate(
    standin: StandIn,
    jwk: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Rotate:
    """Run the command in a folder with the key file; return its exit code, and what it printed."""
    monkeypatch.chdir(tmp_path)
    Path(NAME).write_text(json.dumps({**jwk, "iat": 1}))
    Path(NAME).chmod(0o600)
    for name, value in {**standin.environment(f"file:{NAME}"), "ROTATION_ALG": "ES384"}.items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main(["rotate", *arguments])
        return int(ended.value.code or 0), "".join(capsys.readouterr())

    return run


def test_a_due_key_file_is_replaced(rotate: Rotate, standin: StandIn, jwk: dict[str, Any]) -> None:
    code, told = rotate()
    key = parse_signing_key(Path(NAME).read_text())
    assert (code, key.alg, key.expires_at is not None) == (0, "ES384", True)
    assert re.fullmatch(rf"The key was replaced\. In use: kid {key.kid}, which expires [\d-]+T[\d:]+Z\.\n", told)
    assert standin.signing_kids() == [jwk["kid"], key.kid]
    assert standin.count("register") == 1


def test_the_folder_has_one_key_after_a_rotation(rotate: Rotate) -> None:
    rotate()
    assert sorted(path.name for path in Path().iterdir()) == [".gitignore", NAME]
    assert Path(NAME).stat().st_mode & 0o777 == 0o600


def test_a_key_that_is_not_due_is_replaced_when_asked(rotate: Rotate, standin: StandIn) -> None:
    rotate()
    first = parse_signing_key(Path(NAME).read_text()).kid
    code, told = rotate()
    assert (code, told.startswith("The key is not due; replace it with --now. In use: kid ")) == (0, True)
    assert standin.count("register") == 1
    assert rotate("--now")[0] == 0
    assert parse_signing_key(Path(NAME).read_text()).kid != first


def test_a_key_file_gets_the_expiry_that_selvbetjening_knows(rotate: Rotate, standin: StandIn, jwk: dict[str, Any]) -> None:
    Path(NAME).write_text(json.dumps({**jwk, "iat": int(time.time())}))
    (registered,) = standin.registered_keys("client")
    registered.expires_at = 4102444800.0
    assert "which expires 2100-01-01T00:00:00Z." in rotate()[1]
    assert json.loads(Path(NAME).read_text())["exp"] == 4102444800


def test_a_rotation_that_broke_off_is_continued(rotate: Rotate, standin: StandIn, jwk: dict[str, Any]) -> None:
    standin.selvbetjening.fail_next("register", faults.Status(403))
    assert rotate()[0] == 5
    waiting = parse_signing_key(Path(PENDING).read_text()).kid
    assert json.loads(Path(NAME).read_text())["kid"] == jwk["kid"]
    assert rotate()[0] == 0
    assert (parse_signing_key(Path(NAME).read_text()).kid, Path(PENDING).exists()) == (waiting, False)


def test_a_pending_key_of_somebody_else_is_not_promoted(rotate: Rotate, standin: StandIn, jwk: dict[str, Any]) -> None:
    Path(PENDING).write_text(json.dumps(make_jwk("ES256", fresh=True)))
    code, told = rotate()
    assert (code, "Delete pending.client.jwk.json, and the next run makes another." in told) == (9, True)
    assert (json.loads(Path(NAME).read_text())["kid"], standin.count("register")) == (jwk["kid"], 0)


def test_without_selvbetjening_nothing_is_made(rotate: Rotate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SELVBETJENING_URL")
    code, told = rotate()
    assert (code, "SELVBETJENING_URL is missing" in told, Path(PENDING).exists()) == (9, True, False)


def test_a_key_of_aws_names_the_command_of_aws(rotate: Rotate, monkeypatch: pytest.MonkeyPatch) -> None:
    arn = "arn:aws:secretsmanager:eu-north-1:123456789012:secret:helseid-key-AbCdEf"
    monkeypatch.setenv("HELSEID_KEY", arn)
    assert rotate() == (1, f"Error: AWS starts this rotation. Run: aws secretsmanager rotate-secret --secret-id {arn}\n")
