"""The command that converts a key, in processes of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from helseid_fn.cli import convert_key
from helseid_fn.keys.generate import public_half
from helseid_fn.keys.signing_key import parse_signing_key

ROOT = Path(__file__).parents[2]
PASSPHRASE = "correct horse"


@pytest.fixture(scope="module")
def private() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def convert(*arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "helseid_fn.cli.convert_key", *arguments],
        cwd=ROOT,
        input=typed,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_pem_becomes_a_file_of_its_owner(tmp_path: Path, private: rsa.RSAPrivateKey) -> None:
    source, target = tmp_path / "key.pem", tmp_path / "client.jwk.json"
    source.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    ran = convert(str(source), f"file:{target}", "--alg=RS384", "--kid=my key")
    assert (ran.returncode, json.loads(ran.stdout)) == (0, public_half(target.read_text()))
    key = parse_signing_key(target.read_text())
    assert (key.alg, key.kid, target.stat().st_mode & 0o777) == ("RS384", "my key", 0o600)


@pytest.mark.parametrize(("typed", "status"), [(f"{PASSPHRASE}\n", 0), ("wrong\n", 1), ("", 1)])
def test_a_passphrase_is_read_from_standard_input(tmp_path: Path, private: rsa.RSAPrivateKey, typed: str, status: int) -> None:
    source, target = tmp_path / "key.pem", tmp_path / "client.jwk.json"
    encryption = BestAvailableEncryption(PASSPHRASE.encode())
    source.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
    ran = convert(str(source), f"file:{target}", typed=typed)
    assert (ran.returncode, target.exists()) == (status, status == 0)
    assert ran.stderr == ("" if status == 0 else "The key could not be decrypted. Check the passphrase.\n")


@pytest.mark.parametrize(
    ("content", "arguments", "words"),
    [
        (None, (), "could not be read (No such file or directory). Check its name"),
        ("{}", (), "is JSON, and a JWK needs no conversion. Store it"),
        ("{}", ("--alg=HS256",), "The argument is not one of RS256"),
    ],
)
def test_what_goes_wrong_is_one_sentence(tmp_path: Path, content: str | None, arguments: tuple[str, ...], words: str) -> None:
    source, target = tmp_path / "key.pem", tmp_path / "client.jwk.json"
    if content is not None:
        source.write_text(content)
    ran = convert(str(source), f"file:{target}", *arguments)
    assert (ran.returncode, ran.stdout, words in ran.stderr, ran.stderr.count("\n")) == (1, "", True, 1)
    assert not target.exists()


@pytest.mark.parametrize("source", ["/dev/zero", "huge"])
def test_a_file_that_is_too_large_is_not_read_whole(tmp_path: Path, source: str) -> None:
    if source == "huge":
        with (tmp_path / source).open("wb") as file:
            file.truncate(10**12)
    # An absolute path replaces what it is joined to.
    ran = convert(str(tmp_path / source), f"file:{tmp_path / 'client.jwk.json'}")
    assert (ran.returncode, "which exceeds 64 KiB and is no key" in ran.stderr, ran.stderr.count("\n")) == (1, True, 1)


def test_a_prompt_that_ends_is_one_sentence(
    tmp_path: Path, private: rsa.RSAPrivateKey, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "key.pem"
    source.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")))

    def end(_prompt: str) -> str:
        raise EOFError

    monkeypatch.setattr(convert_key, "getpass", end)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    assert convert_key.main([str(source), f"file:{tmp_path / 'client.jwk.json'}"]) == 1
    assert capsys.readouterr() == ("", "No passphrase was given, so nothing was stored.\n")
