"""`helseid-fn key`: the first key in each kind of store, its sentence when that fails, and the key in use."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from helseid_fn.cli import key as key_command
from helseid_fn.cli.main import main
from helseid_fn.keys.generate import public_half
from helseid_fn.keys.signing_key import SigningKey, parse_signing_key
from standin import StandIn, make_jwk, secret_faults
from standin.aws.secrets_manager import SecretsManager
from standin.aws.server import refuse
from standin.jose import PRIVATE_MEMBERS
from standin.secret_manager import SecretManager
from tests.conftest import ROOT
from tests.support.deployment import fragments_of
from tests.support.weak_keys import CHERNICK, key_with_p

SECRET = "projects/p/secrets/helseid-key"
USAGE = "Usage: helseid-fn key new [OPTIONS] [STORE]\nTry 'helseid-fn key new --help' for help.\n\n"


@pytest.fixture
def standin(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    with StandIn(secret_manager=True) as standin:
        standin.secret_manager.create(SECRET)
        monkeypatch.setenv("SECRET_MANAGER_ENDPOINT", standin.secret_manager_address)
        yield standin


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> Iterator[SecretsManager]:
    with SecretsManager() as manager:
        for name, value in manager.environment("").items():
            monkeypatch.setenv(name, value)
        yield manager


class Ran:
    """The outcome of the command."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err

    def check_made(self, text: str) -> SigningKey:
        """Check that it printed only the public half of this private key."""
        key, shown = parse_signing_key(text), json.loads(self.out)
        assert (self.status, self.err.partition(" is in ")[0]) in ((0, ""), (0, "The private half"))
        assert not PRIVATE_MEMBERS & set(shown)
        assert (shown["kid"], shown["alg"], shown["use"]) == (key.thumbprint, key.alg, "sig")
        assert {name: shown[name] for name in key.public_jwk} == key.public_jwk
        assert not [piece for piece in fragments_of([], json.loads(text)) if piece in self.out]
        return key

    def check_failed(self) -> str:
        """Check that it printed one sentence only, and return it."""
        assert (self.status > 0, self.out) == (True, "")
        sentence = self.err.rpartition("Error: ")[2]
        assert self.err in (f"Error: {sentence}", f"{USAGE}Error: {sentence}")
        assert sentence.count("\n") == 1
        assert not any(f'"{name}"' in self.err for name in PRIVATE_MEMBERS)
        return sentence.strip()


Run = Callable[..., Ran]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str) -> Ran:
        with pytest.raises(SystemExit) as ended:
            main(["key", "new", *arguments], prog_name="helseid-fn")
        return Ran(int(ended.value.code or 0), *capsys.readouterr())

    return run


def test_a_key_file_belongs_to_its_owner_alone(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "client.jwk.json"
    before = os.umask(0)
    try:
        ran = run(f"file:{path}", "--alg", "ES256")
    finally:
        os.umask(before)
    assert ran.check_made(path.read_text()).alg == "ES256"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_key_file_in_this_folder_is_kept_out_of_git(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ran = run("--alg=ES256")
    ran.check_made((tmp_path / "client.jwk.json").read_text())
    assert ran.err == "The private half is in file:client.jwk.json. Register the public half above in Selvbetjening.\n"
    assert (tmp_path / ".gitignore").read_text() == "client.jwk.json\n"


def test_a_date_is_called_date_in_the_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["key", "expires", "tomorrow"], prog_name="helseid-fn")
    assert "Usage: helseid-fn key expires [OPTIONS] DATE\n" in capsys.readouterr().err


def test_a_key_is_rsa_of_4096_bits_for_ps256_by_default(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "client.jwk.json"
    key = run(f"file:{path}").check_made(path.read_text())
    assert (key.alg, len(key.public_jwk["n"])) == ("PS256", -(-4096 // 6))
    assert key.made_at is not None


def test_a_key_that_openssl_finds_faulty_is_not_stored(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_command, "generate_jwk", lambda _alg, _now: json.dumps(key_with_p(CHERNICK)))
    assert "do not match" in run(f"file:{tmp_path / 'client.jwk.json'}").check_failed()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arranged", ["file", "symlink", "dangling symlink"])
def test_a_file_that_is_there_is_not_overwritten(run: Run, tmp_path: Path, arranged: str) -> None:
    path, other = tmp_path / "client.jwk.json", tmp_path / "other"
    if arranged != "dangling symlink":
        (path if arranged == "file" else other).write_text("what was there")
    if "symlink" in arranged:
        path.symlink_to(other)
    assert "has a key already" in run(f"file:{path}", "--alg=ES256").check_failed()
    assert [each.read_text() for each in (path, other) if each.is_file()] in (["what was there"] * n for n in range(3))
    assert other.exists() == (arranged == "symlink")


def test_a_second_run_shows_the_public_half_again(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "client.jwk.json"
    first = run(f"file:{path}", "--alg=ES256")
    sentence = run(f"file:{path}", "--alg=ES256").check_failed()
    assert "has a key already, which a new one would replace before HelseID knows it. Rotate it, or name" in sentence
    assert f"Its public half is {first.out.strip()}" in sentence


def test_a_stored_key_with_its_d_as_kid_is_not_shown(run: Run, tmp_path: Path) -> None:
    path, jwk = tmp_path / "client.jwk.json", make_jwk("ES256")
    path.write_text(json.dumps({**jwk, "kid": jwk["d"]}))
    sentence = run(f"file:{path}", "--alg=ES256").check_failed()
    assert ("has a key already" in sentence, "public half" in sentence) == (True, False)
    assert jwk["d"] not in sentence


@pytest.mark.parametrize(("output", "reason"), [(">/dev/full", "No space left on device"), (">&-", "it is closed")])
def test_a_public_half_that_is_not_printed_is_not_lost(tmp_path: Path, output: str, reason: str) -> None:
    path = tmp_path / "client.jwk.json"
    ran = subprocess.run(
        ["sh", "-c", f'exec "$0" -m helseid_fn key new "$1" --alg=ES256 {output}', sys.executable, f"file:{path}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    sentence = Ran(ran.returncode, ran.stdout, ran.stderr).check_failed()
    assert f"standard output failed ({reason}). This is its public half: " in sentence
    Ran(0, sentence[sentence.index("{") :], "").check_made(path.read_text())


def test_a_missing_folder_is_named(run: Run, tmp_path: Path) -> None:
    sentence = run(f"file:{tmp_path}/none/client.jwk.json", "--alg=ES256").check_failed()
    assert "could not be written (No such file or directory)" in sentence


# Set in the new process itself: a `preexec_fn` is not safe when the parent has threads, such as gRPC's.
WITH_FILES_OF_100_BYTES = """
import resource, runpy
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
runpy.run_module("helseid_fn", run_name="__main__")
"""


def test_a_key_that_the_disk_has_no_room_for_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "client.jwk.json"
    ran = subprocess.run(
        [sys.executable, "-c", WITH_FILES_OF_100_BYTES, "key", "new", f"file:{path}", "--alg=ES256"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "could not be written (File too large)" in Ran(ran.returncode, ran.stdout, ran.stderr).check_failed()
    assert not path.exists()


def test_a_key_is_stored_in_a_google_secret(run: Run, standin: StandIn) -> None:
    ran = run(SECRET, "--alg=ES256")
    (version,) = standin.secret_manager.versions(SECRET)
    ran.check_made(version.data.decode())
    assert version.checksum_given
    assert [exchange.kind for exchange in standin.received] == ["list", "add"]


@pytest.mark.parametrize("retire", [SecretManager.disable, SecretManager.destroy], ids=["disabled", "destroyed"])
def test_a_key_that_was_retired_does_not_count(
    run: Run, standin: StandIn, retire: Callable[[SecretManager, str], None]
) -> None:
    retire(standin.secret_manager, standin.secret_manager.add(SECRET, "what was there"))
    ran = run(SECRET, "--alg=ES256")
    ran.check_made(standin.secret_manager.versions(SECRET)[-1].data.decode())


def test_a_google_secret_with_a_key_is_left_alone(run: Run, standin: StandIn) -> None:
    standin.secret_manager.add(SECRET, "what was there")
    standin.secret_manager.disable(standin.secret_manager.add(SECRET, "a newer one"))
    ran = run(SECRET, "--alg=ES256")
    assert f"{SECRET} has a key already" in ran.check_failed()
    assert standin.count("add") == 0


def test_the_public_half_of_a_key_in_a_store_is_shown(run: Run, standin: StandIn, manager: SecretsManager) -> None:
    jwk: dict[str, Any] = make_jwk("ES256")
    standin.secret_manager.add(SECRET, json.dumps(jwk))
    arn = manager.add(json.dumps(jwk))
    for store in (SECRET, arn):
        ran = run(store, "--alg=ES256")
        shown = f"Its public half is {json.dumps(public_half(json.dumps(jwk)))}"
        assert shown in ran.check_failed()


@pytest.mark.parametrize(
    ("secret", "fault", "words"),
    [
        ("projects/p/secrets/none", None, "gcloud secrets create none --project=p"),
        (SECRET, secret_faults.Fail("PERMISSION_DENIED"), "roles/secretmanager.secretVersionManager"),
    ],
)
def test_a_refusal_by_google_names_the_remedy(
    run: Run, standin: StandIn, secret: str, fault: secret_faults.SecretFault | None, words: str
) -> None:
    if fault is not None:
        standin.secret_manager.fail_next("add", fault)
    ran = run(secret, "--alg=ES256")
    assert words in ran.check_failed()


def test_a_key_stored_without_a_response_is_shown_all_the_same(run: Run, standin: StandIn) -> None:
    standin.secret_manager.fail_next("add", secret_faults.Fail(handled=True))
    ran = run(SECRET, "--alg=ES256")
    sentence = ran.check_failed()
    (version,) = standin.secret_manager.versions(SECRET)
    assert Ran(0, sentence[sentence.index("{") :], "").check_made(version.data.decode()).alg == "ES256"


def empty_secret(manager: SecretsManager) -> str:
    arn: str = manager.client.create_secret(Name=f"helseid/key-{uuid.uuid4().hex}")["ARN"]
    return arn


def test_a_key_is_stored_in_an_aws_secret(run: Run, manager: SecretsManager) -> None:
    arn = empty_secret(manager)
    ran = run(arn, "--alg=ES256")
    ran.check_made(manager.client.get_secret_value(SecretId=arn)["SecretString"])


def test_a_version_that_a_rotation_reserved_does_not_count(run: Run, manager: SecretsManager) -> None:
    arn = empty_secret(manager)
    manager.reserve(arn)
    run(arn, "--alg=ES256").check_made(manager.current(arn)["SecretString"])


def test_an_aws_secret_with_a_key_is_left_alone(run: Run, manager: SecretsManager) -> None:
    arn = manager.add("what was there")
    assert f"{arn} has a key already" in run(arn, "--alg=ES256").check_failed()
    assert manager.client.get_secret_value(SecretId=arn)["SecretString"] == "what was there"


def test_a_missing_aws_secret_is_named(run: Run, manager: SecretsManager) -> None:
    arn = empty_secret(manager)
    assert "The secret manager has no" in run(f"{arn[:-6]}AbCdEf", "--alg=ES256").check_failed()


def test_a_refusal_by_aws_names_the_missing_permission(run: Run, manager: SecretsManager) -> None:
    arn = empty_secret(manager)
    manager.operations = {"PutSecretValue"}
    manager.fail_next(refuse(400, "AccessDeniedException"))
    assert '"Action": "secretsmanager:PutSecretValue"' in run(arn, "--alg=ES256").check_failed()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["file:x", "--alg", "HS256"], "'HS256' is not one of 'RS256'"),
        (["projects/p/secrets/s/versions/latest"], "without a version"),
        (["client.jwk.json", "--alg=ES256"], "file:PATH"),
        (["arn:aws:secretsmanager:eu-north-1:1:secret:x", "--alg=ES256"], "ARN of a secret"),
        (["file:", "--alg=ES256"], "file:PATH"),
    ],
)
def test_a_wrong_argument_is_named_in_a_sentence(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert words in run(*arguments).check_failed()
    assert list(tmp_path.iterdir()) == []


def test_a_key_given_as_the_store_is_not_repeated(run: Run) -> None:
    jwk: dict[str, Any] = make_jwk("ES256")
    sentence = run(json.dumps(jwk), "--alg=ES256").check_failed()
    assert not [piece for piece in fragments_of([], jwk) if piece in sentence]


@pytest.mark.parametrize("prefix", ["file:", "projects/my-project/secrets/"])
def test_a_key_after_a_stores_prefix_is_not_repeated(run: Run, prefix: str) -> None:
    jwk: dict[str, Any] = make_jwk("ES256")
    sentence = run(f"{prefix}{json.dumps(jwk)}/x", "--alg=ES256").check_failed()
    assert not [piece for piece in fragments_of([], jwk) if piece in sentence]


def test_an_endpoint_that_is_none_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_MANAGER_ENDPOINT", "nowhere")
    assert "SECRET_MANAGER_ENDPOINT is not host:port" in run(SECRET, "--alg=ES256").check_failed()


class Shown(NamedTuple):
    """What `key show` prints."""

    public_half: dict[str, str]
    notes: dict[str, str]


@pytest.fixture
def show(capsys: pytest.CaptureFixture[str]) -> Callable[..., Shown]:
    def show(*arguments: str) -> Shown:
        with pytest.raises(SystemExit):
            main(["key", "show", *arguments], prog_name="helseid-fn")
        out, err = capsys.readouterr()
        return Shown(json.loads(out), dict(line.split(maxsplit=1) for line in err.splitlines()))

    return show


def test_the_key_in_use_is_shown_by_its_public_half(
    run: Run, show: Callable[..., Shown], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = json.loads(run(f"file:{tmp_path}/key.json", "--alg=ES256").out)
    monkeypatch.setenv("HELSEID_KEY", f"file:{tmp_path}/key.json")
    shown = show()
    assert (shown.public_half, shown.notes["thumbprint"]) == (made, made["kid"])
    in_90_days = datetime.now(UTC) + timedelta(days=90)
    dates = [f"{in_90_days - timedelta(minutes=minutes):%Y-%m-%d}" for minutes in (0, 1)]  # the day may end meanwhile
    said = "unknown, and taken to be {}, in 90 days; note it with: helseid-fn key expires DATE"
    assert shown.notes["expires"] in [said.format(date) for date in dates]


def test_an_expiry_that_is_noted_is_shown(
    run: Run, show: Callable[..., Shown], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "key.json"
    run(f"file:{path}", "--alg=ES256")
    monkeypatch.setenv("HELSEID_KEY", f"file:{path}")
    with pytest.raises(SystemExit):
        main(["key", "expires", "2001-02-03"])
    assert json.loads(path.read_text())["exp"] == 981158400
    assert path.stat().st_mode & 0o777 == 0o600
    assert show().notes["expires"].startswith("2001-02-03 00:00 UTC, ")


def test_a_key_of_a_cloud_is_not_dated_by_hand(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("HELSEID_KEY", f"{SECRET}/versions/latest")
    with pytest.raises(SystemExit) as ended:
        main(["key", "expires", "2027-01-01"])
    assert ended.value.code == 1
    assert "HELSEID_KEY is not a file." in capsys.readouterr().err
