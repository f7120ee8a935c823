"""Keys as people's tools write them: each tool makes keys while the test runs, and the function signs with them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from joserfc.jwk import ECKey, RSAKey

from helseid_fn.cli import client_file
from helseid_fn.cli.main import main
from helseid_fn.keys.signing_key import parse_signing_key
from tests.support.clients.installing import HERE, install_node, install_python
from tests.support.parts import verify

ALGORITHMS = ["RS256", "PS512", "ES256", "ES384", "ES512"]
PASSPHRASE = "correct horse"

needs_npm = pytest.mark.skipif(shutil.which("npm") is None and "CI" not in os.environ, reason="there is no npm on this machine")
needs_openssl = pytest.mark.skipif(
    shutil.which("openssl") is None and "CI" not in os.environ, reason="there is no openssl on this machine"
)

TOOLS: dict[str, Callable[[], list[str | Path]]] = {
    "jwcrypto": lambda: [install_python(), HERE / "keys_of_jwcrypto.py"],
    "jwskate": lambda: [install_python(), HERE / "keys_of_jwskate.py"],
    "jose": lambda: ["node", install_node() / "keys_of_jose.mjs"],
    "node-jose": lambda: ["node", install_node() / "keys_of_node_jose.mjs"],
}


def check_signs(text: str, alg: str) -> None:
    """Check that the function takes a key, and that another library verifies what it signs."""
    key = parse_signing_key(text, check_primes=True)
    assert key.alg == alg
    verify(key.sign({"typ": "JWT"}, {"iss": "client"}), key.public_jwk)


@pytest.mark.parametrize("tool", [pytest.param(name, marks=needs_npm if "jose" in name else ()) for name in TOOLS])
def test_a_key_of_another_tool_signs(tool: str) -> None:
    run = subprocess.run(TOOLS[tool](), input=json.dumps(ALGORITHMS), capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr
    made = run.stdout.splitlines()
    assert [json.loads(text)["alg"] for text in made][:: len(made) // len(ALGORITHMS)] == ALGORITHMS
    for text in made:
        check_signs(text, json.loads(text)["alg"])


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_key_of_joserfc_signs(alg: str) -> None:
    curve = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}.get(alg)
    options = {"alg": alg, "use": "sig", "key_ops": ["sign"]}
    key = ECKey.generate_key(curve, options) if curve else RSAKey.generate_key(2048, options)
    check_signs(json.dumps(key.as_dict(private=True)), alg)


GENRSA = ("genrsa", "2048")
GENEC = ("ecparam", "-name", "prime256v1", "-genkey")
BY_OPENSSL = {
    "RSA": (GENRSA, None, "PS256"),
    "RSA, traditional": (GENRSA, ("rsa", "-traditional"), "PS256"),
    "RSA, encrypted": (GENRSA, ("rsa", "-aes256"), "PS256"),
    "RSA, encrypted the old way": (GENRSA, ("rsa", "-traditional", "-aes256"), "PS256"),
    "RSA, DER": (GENRSA, ("rsa", "-outform", "DER"), "PS256"),
    "RSA-PSS": (("genpkey", "-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048"), None, "PS256"),
    "elliptic curve, with its parameters": (GENEC, None, "ES256"),
    "elliptic curve, PKCS#8": (GENEC, ("pkcs8", "-topk8", "-nocrypt"), "ES256"),
    "elliptic curve, encrypted": (GENEC, ("pkcs8", "-topk8"), "ES256"),
    "elliptic curve, encrypted DER": (GENEC, ("pkcs8", "-topk8", "-outform", "DER"), "ES256"),
    "P-384": (("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"), None, "ES384"),
    "P-521": (("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"), None, "ES512"),
}


def openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=60)


@needs_openssl
@pytest.mark.parametrize("name", BY_OPENSSL)
def test_a_key_of_openssl_is_imported_and_signs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make, then, alg = BY_OPENSSL[name]
    made, key, stored = tmp_path / "made", tmp_path / "key", tmp_path / "client.jwk.json"
    openssl(make[0], "-out", made, *make[1:])
    if then is not None:
        openssl(*then, "-in", made, "-out", key, "-passout", f"pass:{PASSPHRASE}")
    monkeypatch.setattr(client_file, "_read_passphrase", PASSPHRASE.encode)
    import_key(key if then else made, stored, monkeypatch)
    check_signs(stored.read_text(), alg)


@needs_openssl
@pytest.mark.parametrize("form", ["p12", "pem"])
def test_a_pkcs_12_and_its_pem_are_imported(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {name: tmp_path / name for name in ("key", "cert", "p12", "pem", "stored")}
    openssl("genrsa", "-out", files["key"], "2048")
    openssl("req", "-x509", "-subj", "/CN=x", "-key", files["key"], "-out", files["cert"])
    openssl("pkcs12", "-export", "-inkey", files["key"], "-in", files["cert"], "-passout", "pass:x", "-out", files["p12"])
    openssl("pkcs12", "-nodes", "-in", files["p12"], "-passin", "pass:x", "-out", files["pem"])
    monkeypatch.setattr(client_file, "_read_passphrase", lambda: b"x")
    import_key(files[form], files["stored"], monkeypatch)
    check_signs(files["stored"].read_text(), "PS256")


def import_key(source: Path, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(source.parent)
    with pytest.raises(SystemExit) as ended:
        main(["import", str(source), f"--key=file:{target}"])
    assert ended.value.code == 0
