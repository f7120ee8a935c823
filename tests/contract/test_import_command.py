"""`helseid-fn import` in processes of its own: what Selvbetjening and key tools give becomes an env file and a key file."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates
from dotenv import dotenv_values

from demo.processes import bare_environment
from helseid_fn.cli import client_file
from helseid_fn.cli.env_file import write_variables
from helseid_fn.cli.environment import read_environment
from helseid_fn.cli.main import main
from helseid_fn.keys.signing_key import parse_signing_key
from standin import make_jwk
from tests.conftest import ROOT
from tests.support.deployment import fragments_of

PASSPHRASE = "correct horse"
API_URL = "https://api.example.no/machine-clients/greetings"
CONFIGURATION = {
    "authority": "https://helseid-sts.test.nhn.no",
    "clientId": "9f5a1c6e-1c3b-4c62-9b4e-6f5d0d9d7a10",
    "scopes": ["nhn:test-public-samplecode/client-credentials"],
}


@pytest.fixture(scope="module")
def private() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="module")
def jwk() -> dict[str, Any]:
    return make_jwk("PS256")


def run(folder: Path, *arguments: str, typed: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "helseid_fn", *arguments],
        cwd=folder,
        env={**bare_environment(), "PYTHONPATH": str(ROOT), **environment},
        input=typed,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def write(folder: Path, content: str | bytes, name: str = "client.json") -> str:
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return name


def test_a_client_configuration_becomes_settings_and_a_key(tmp_path: Path, jwk: dict[str, Any]) -> None:
    name = write(tmp_path, json.dumps({**CONFIGURATION, "privateJwk": json.dumps(jwk)}))
    ran = run(tmp_path, "import", name, f"--api-url={API_URL}")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert dotenv_values(tmp_path / ".env") == {
        "HELSEID_ISSUER": CONFIGURATION["authority"],
        "HELSEID_CLIENT_ID": CONFIGURATION["clientId"],
        "HELSEID_SCOPE": CONFIGURATION["scopes"][0],
        "HELSEID_KEY": "file:client.jwk.json",
        "API_URL": API_URL,
    }
    stored = json.loads((tmp_path / "client.jwk.json").read_text())
    assert (stored.pop("iat") > 0, stored) == (True, jwk)
    assert not [piece for piece in fragments_of([], jwk) if piece in ran.stdout]


def test_the_spelling_of_dotnet_is_understood(tmp_path: Path, jwk: dict[str, Any]) -> None:
    members = {name[0].upper() + name[1:]: value for name, value in CONFIGURATION.items()} | {"PrivateJwk": jwk, "Kid": None}
    members["Scopes"] = "a b nhn:selvbetjening/client"
    assert run(tmp_path, "import", write(tmp_path, json.dumps(members))).returncode == 0
    settings = dotenv_values(tmp_path / ".env")
    assert settings["HELSEID_SCOPE"] == "a b"
    assert settings["SELVBETJENING_URL"] == "https://api.selvbetjening.test.nhn.no"


def test_a_scope_adds_no_line_to_the_env_file(tmp_path: Path, jwk: dict[str, Any]) -> None:
    run(
        tmp_path,
        "import",
        write(tmp_path, json.dumps({**CONFIGURATION, "scopes": ["a\nPATH=b"], "privateJwk": json.dumps(jwk)})),
    )
    assert "HELSEID_SCOPE='a PATH=b'" in (tmp_path / ".env").read_text().splitlines()


def test_every_written_file_belongs_to_its_owner_alone(tmp_path: Path, jwk: dict[str, Any]) -> None:
    run(tmp_path, "import", write(tmp_path, json.dumps(jwk)))
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in (".env", "client.jwk.json")] == [0o600, 0o600]


def test_git_ignores_the_settings_and_every_key(tmp_path: Path, jwk: dict[str, Any]) -> None:
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    (tmp_path / ".gitignore").write_text("*.jwk.json")
    run(tmp_path, "import", write(tmp_path, json.dumps(jwk)))
    status = subprocess.run(["git", "status", "--porcelain"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert status.stdout == "?? .gitignore\n"
    assert (tmp_path / ".gitignore").read_text() == "*.jwk.json\n.env\nclient.json\n"


def test_git_ignores_a_key_in_a_folder_below(tmp_path: Path, jwk: dict[str, Any]) -> None:
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    (tmp_path / "keys").mkdir()
    run(tmp_path, "import", write(tmp_path, json.dumps(jwk)), "--key=file:keys/key[1].json")
    status = subprocess.run(["git", "status", "--porcelain", "-uall"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert (status.stdout, (tmp_path / "keys" / "key[1].json").exists()) == ("?? .gitignore\n", True)


def test_no_key_is_written_that_git_may_take(tmp_path: Path, jwk: dict[str, Any]) -> None:
    write(tmp_path, b"\xff\n", ".gitignore")
    ran = run(tmp_path, "import", write(tmp_path, json.dumps(jwk)))
    assert (ran.returncode, ran.stderr.count("\n"), "(it is not UTF-8)" in ran.stderr) == (1, 1, True)
    assert {path.name for path in tmp_path.iterdir()} == {".gitignore", "client.json"}


def test_what_is_still_missing_is_named(tmp_path: Path, jwk: dict[str, Any]) -> None:
    missing = run(tmp_path, "import", write(tmp_path, json.dumps(jwk))).stdout.partition("Still to be set in .env:\n")[2]
    assert [line.split()[0] for line in missing.splitlines()] == [
        "HELSEID_ISSUER",
        "HELSEID_CLIENT_ID",
        "HELSEID_SCOPE",
        "API_URL",
    ]


def test_a_setting_that_differs_is_replaced_when_asked(tmp_path: Path, jwk: dict[str, Any]) -> None:
    name = write(tmp_path, json.dumps(jwk))
    write(tmp_path, "OTHER=kept\nAPI_URL=https://old.example.no/\n", ".env")
    refused = run(tmp_path, "import", name, f"--api-url={API_URL}")
    assert (refused.returncode, "has other values of API_URL" in refused.stderr) == (1, True)
    assert not (tmp_path / "client.jwk.json").exists()
    assert run(tmp_path, "import", name, f"--api-url={API_URL}", "--overwrite").returncode == 0
    settings = dotenv_values(tmp_path / ".env")
    assert (settings["OTHER"], settings["API_URL"]) == ("kept", API_URL)


def test_another_key_is_never_replaced(tmp_path: Path, jwk: dict[str, Any]) -> None:
    write(tmp_path, "another", "client.jwk.json")
    ran = run(tmp_path, "import", write(tmp_path, json.dumps(jwk)), "--overwrite")
    assert (ran.returncode, "has a key already" in ran.stderr) == (1, True)
    assert (tmp_path / "client.jwk.json").read_text() == "another"


def test_the_same_file_may_be_imported_twice(tmp_path: Path, jwk: dict[str, Any]) -> None:
    name = write(tmp_path, json.dumps(jwk))
    first, second = run(tmp_path, "import", name), run(tmp_path, "import", name)
    assert (first.returncode, second.returncode) == (0, 0)


def test_a_variable_that_hides_the_env_file_is_named(tmp_path: Path, jwk: dict[str, Any]) -> None:
    name = write(tmp_path, json.dumps({**CONFIGURATION, "privateJwk": jwk}))
    ran = run(tmp_path, "import", name, HELSEID_ISSUER="http://127.0.0.1:8100", API_URL=API_URL)
    told = "The environment has other values, which take precedence over .env: HELSEID_ISSUER. Unset them."
    assert (ran.returncode, ran.stderr.strip()) == (0, told)


def test_the_names_of_a_stored_key_are_corrected_when_asked(tmp_path: Path, private: rsa.RSAPrivateKey) -> None:
    name = write(tmp_path, private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), "key.pem")
    run(tmp_path, "import", name)
    path = tmp_path / "client.jwk.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "exp": 4102444800}))
    refused = run(tmp_path, "import", name, "--kid=registered", "--alg=RS256")
    assert (refused.returncode, "not kid registered and RS256" in refused.stderr) == (1, True)
    assert run(tmp_path, "import", name, "--kid=registered", "--alg=RS256", "--overwrite").returncode == 0
    key = parse_signing_key(path.read_text())
    assert (key.kid, key.alg, key.expires_at) == ("registered", "RS256", 4102444800)


def test_a_pem_is_registered_as_the_options_say(tmp_path: Path, private: rsa.RSAPrivateKey) -> None:
    name = write(tmp_path, private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), "key.pem")
    assert run(tmp_path, "import", name, "--alg=RS384", "--kid=my key").returncode == 0
    key = parse_signing_key((tmp_path / "client.jwk.json").read_text())
    assert (key.alg, key.kid) == ("RS384", "my key")


@pytest.mark.parametrize("form", ["pem", "pfx"])
@pytest.mark.parametrize(("typed", "status"), [(f"{PASSPHRASE}\n", 0), ("wrong\n", 4), ("", 4)])
def test_a_passphrase_is_read_from_standard_input(
    tmp_path: Path, private: rsa.RSAPrivateKey, form: str, typed: str, status: int
) -> None:
    encryption = BestAvailableEncryption(PASSPHRASE.encode())
    octets = (
        private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
        if form == "pem"
        else serialize_key_and_certificates(b"key", private, None, None, encryption)
    )
    ran = run(tmp_path, "import", write(tmp_path, octets, "key"), typed=typed)
    assert (ran.returncode, (tmp_path / "client.jwk.json").exists()) == (status, status == 0)
    assert ran.stderr == ("" if status == 0 else "Error: The key could not be decrypted. Check the passphrase.\n")


def test_a_pfx_without_a_passphrase_needs_none(tmp_path: Path, private: rsa.RSAPrivateKey) -> None:
    octets = serialize_key_and_certificates(b"key", private, None, None, NoEncryption())
    assert run(tmp_path, "import", write(tmp_path, octets, "key.p12")).returncode == 0
    numbers = parse_signing_key((tmp_path / "client.jwk.json").read_text()).public_jwk
    assert numbers["e"] == "AQAB"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "client.json cannot be read (No such file or directory)"),
        ("{}", "The text in client.json has no kty, so it is not a JWK."),
        ("text", "The file is not a private key in PEM, DER or PKCS#12."),
        ("{" + " " * 65536, "client.json exceeds 64 KiB"),
    ],
)
def test_what_goes_wrong_is_one_sentence(tmp_path: Path, content: str | None, words: str) -> None:
    if content is not None:
        write(tmp_path, content)
    ran = run(tmp_path, "import", "client.json")
    assert (ran.returncode > 0, ran.stdout, words in ran.stderr, ran.stderr.count("\n")) == (True, "", True, 1)
    assert {path.name for path in tmp_path.iterdir()} <= {"client.json"}


def test_a_file_that_never_ends_is_not_read_whole(tmp_path: Path) -> None:
    assert "/dev/zero exceeds 64 KiB" in run(tmp_path, "import", "/dev/zero").stderr


def test_a_prompt_that_ends_is_one_sentence(
    tmp_path: Path, private: rsa.RSAPrivateKey, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")), "key.pem")

    def end(_prompt: str) -> str:
        raise EOFError

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(client_file, "getpass", end)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    with pytest.raises(SystemExit):
        main(["import", "key.pem"])
    assert capsys.readouterr() == ("", "Error: No passphrase was given, so nothing was stored.\n")


@pytest.mark.parametrize("value", ["it's", "a b", 'q"q', "back\\slash", "#x", "$HOME"])
def test_every_value_is_read_back_as_it_was_written(tmp_path: Path, value: str) -> None:
    path = tmp_path / ".env"
    write_variables(path, {"A": value, "B": "1"})
    assert read_environment(str(path), {}, must_exist=True) == {"A": value, "B": "1"}
