"""What a file gives that `helseid-fn import` reads: a private JWK, and the settings that it names."""

from __future__ import annotations

import json
import sys
from getpass import getpass
from pathlib import Path

import click

from helseid_fn.errors import HelseidFnError, SigningKeyError
from helseid_fn.keys.convert import PassphraseNeededError, convert_to_jwk
from helseid_fn.keys.document import KeyDocument, parse_document
from helseid_fn.keys.signing_key import parse_signing_key
from helseid_fn.keys.stored import MAX_SECRET_BYTES, decode_payload

_SELVBETJENING_SCOPE = "nhn:selvbetjening/client"
"""For the rotation and the doctor, which ask for it themselves."""
_SELVBETJENING = {
    "https://helseid-sts.nhn.no": "https://api.selvbetjening.nhn.no",
    "https://helseid-sts.test.nhn.no": "https://api.selvbetjening.test.nhn.no",
}
"""By issuer (https://selvbetjening.nhn.no/docs/api)."""


def read_client_file(file: Path, alg: str | None, kid: str | None) -> tuple[str, dict[str, str]]:
    """Return the text of the private JWK, and the settings that the file names; `alg` and `kid` are as they were given.

    Asks for the passphrase of an encrypted key. Raises `click.ClickException` and `SigningKeyError`.
    """
    try:
        with file.open("rb") as opened:
            octets = opened.read(MAX_SECRET_BYTES + 1)
    except OSError as error:
        raise click.ClickException(f"{file} cannot be read ({error.strerror}). Check its name and its permissions.") from None
    if len(octets) > MAX_SECRET_BYTES:
        raise click.ClickException(f"{file} exceeds 64 KiB, so it is no key. Name the file that Selvbetjening gave.")
    try:
        document = _parse_json(octets)
        if document is None:
            return _convert(octets, alg, kid), {}
        given = {name: value for name, value in (("alg", alg), ("kid", kid)) if value is not None}
        text = json.dumps({**document.members, **given})
        parse_signing_key(text, check_primes=True)
    except SigningKeyError as error:
        raise SigningKeyError(error.reason, str(error).replace("at HELSEID_KEY", f"in {file}")) from None
    return text, _settings_of(document)


def _parse_json(octets: bytes) -> KeyDocument | None:
    """Return the client configuration or the JWK, or None for a key in another form."""
    try:
        text = decode_payload(octets)
    except HelseidFnError:  # binary: DER or PKCS#12
        return None
    return parse_document(text) if text.lstrip("\ufeff \t\r\n").startswith(("{", "[", '"')) else None


def _convert(octets: bytes, alg: str | None, kid: str | None) -> str:
    try:
        return convert_to_jwk(octets, alg, kid)
    except PassphraseNeededError:
        return convert_to_jwk(octets, alg, kid, _read_passphrase())


def _read_passphrase() -> bytes:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n").encode()
    try:
        return getpass("Passphrase of the key: ").encode()
    except (EOFError, KeyboardInterrupt):
        raise click.ClickException("No passphrase was given, so nothing was stored.") from None


def _settings_of(document: KeyDocument) -> dict[str, str]:
    issuer = document.issuer and document.issuer.rstrip("/")
    scopes = [scope for scope in document.scopes if scope != _SELVBETJENING_SCOPE]
    named = {
        "HELSEID_ISSUER": issuer,
        "HELSEID_CLIENT_ID": document.client_id,
        "HELSEID_SCOPE": " ".join(" ".join(scopes).split()),  # on one line
        "SELVBETJENING_URL": _SELVBETJENING.get(issuer or "") if _SELVBETJENING_SCOPE in document.scopes else None,
    }
    return {name: value for name, value in named.items() if value}
