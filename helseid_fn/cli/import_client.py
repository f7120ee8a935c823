"""`helseid-fn import`: settings and a key file from what Selvbetjening or a key tool gave."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from getpass import getpass
from pathlib import Path

import click

from helseid_fn.cli.env_file import ignore_in_git, write_variables
from helseid_fn.cli.environment import read_environment
from helseid_fn.cli.key import ALGORITHMS, DEFAULT_STORE
from helseid_fn.cli.key_storage import store_key
from helseid_fn.context import Context
from helseid_fn.errors import HelseidFnError, SettingsError, SigningKeyError
from helseid_fn.keys.convert import PassphraseNeededError, convert_to_jwk
from helseid_fn.keys.document import KeyDocument, parse_document
from helseid_fn.keys.signing_key import SigningKey, parse_signing_key
from helseid_fn.keys.stored import MAX_SECRET_BYTES, decode_payload
from helseid_fn.secret_store.file import FileReader
from helseid_fn.setting_table import SETTINGS
from helseid_fn.settings import parse_settings

_SELVBETJENING_SCOPE = "nhn:selvbetjening/client"
"""For the rotation and the doctor, which ask for it themselves."""
_SELVBETJENING = {
    "https://helseid-sts.nhn.no": "https://api.selvbetjening.nhn.no",
    "https://helseid-sts.test.nhn.no": "https://api.selvbetjening.test.nhn.no",
}
"""By issuer (https://selvbetjening.nhn.no/docs/api)."""
_READ_SECONDS = 10.0


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--api-url", metavar="URL", help="Also set API_URL.")
@click.option("--key", "store", default=DEFAULT_STORE, show_default=True, metavar="STORE", help="Where the private key goes.")
@click.option("--alg", type=click.Choice(ALGORITHMS), help="What the key is registered with, if FILE does not say.")
@click.option("--kid", help="The kid that the key is registered with, if FILE does not say.")
@click.option("--overwrite", is_flag=True, help="Replace settings that differ. A key is never replaced.")
@click.pass_context
def command(
    ctx: click.Context, file: Path, api_url: str | None, store: str, alg: str | None, kid: str | None, *, overwrite: bool
) -> None:
    """Write the env file and the key file from FILE.

    FILE is the client configuration that Selvbetjening gives, or a private key: a JWK, a PEM, or a PFX (P12). The passphrase
    of an encrypted key is asked for, or read from standard input where that is no terminal.
    """
    text, named = _read(file, alg, kid)
    key = parse_signing_key(text)
    variables = _parse({**named, "HELSEID_KEY": _address_of(store)} | ({} if api_url is None else {"API_URL": api_url}))
    env_file = Path(ctx.find_root().params["env_file"])
    present = read_environment(str(env_file), {}, must_exist=False)
    differing = [name for name, value in variables.items() if present.get(name, value) != value]
    if differing and not overwrite:
        raise click.ClickException(
            f"{env_file} has other values of {', '.join(differing)}. Replace them with --overwrite, or name another file: "
            "helseid-fn --env-file FILE import ..."
        )
    if not _is_stored(store, key):
        store_key(store, ctx.obj, lambda: text)
    write_variables(env_file, {name: value for name, value in variables.items() if present.get(name) != value})
    key_path = Path(store.removeprefix("file:")) if store.startswith("file:") else None
    ignored = ignore_in_git([env_file, file, *([key_path] if key_path else [])])
    click.echo(f"{key_path or store}: the private key ({key.alg}, kid {key.kid})")
    click.echo(f"{env_file}: {', '.join(variables)}")
    if ignored:
        click.echo(f".gitignore: {', '.join(ignored)}")
    if key_path is None or key_path.resolve() != file.resolve():
        click.echo(f"{file} still has the private key. Delete it once the call works.")
    _say_what_is_missing({**present, **variables, **ctx.obj, **variables}, env_file)


def _read(file: Path, alg: str | None, kid: str | None) -> tuple[str, dict[str, str]]:
    """Return the text of the private JWK, and the settings that the file names."""
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
        "HELSEID_SCOPE": " ".join(scopes),
        "SELVBETJENING_URL": _SELVBETJENING.get(issuer or "") if _SELVBETJENING_SCOPE in document.scopes else None,
    }
    return {name: value for name, value in named.items() if value}


def _address_of(store: str) -> str:
    return f"{store}/versions/latest" if store.startswith("projects/") else store


def _parse(variables: dict[str, str]) -> dict[str, str]:
    """Return the variables if each is valid."""
    for setting in SETTINGS:
        if setting.name in variables:
            try:
                setting.parse(variables[setting.name])
            except ValueError as fault:
                raise click.ClickException(f"{setting.name} {fault}.") from None
    return variables


def _is_stored(store: str, key: SigningKey) -> bool:
    """Return whether the key file has this key already."""
    path = store.removeprefix("file:")
    if path == store or not Path(path).exists():
        return False
    try:
        return parse_signing_key(FileReader(path).read(Context(_READ_SECONDS)).text).thumbprint == key.thumbprint
    except HelseidFnError:
        return False


def _say_what_is_missing(environ: Mapping[str, str], env_file: Path) -> None:
    try:
        settings = parse_settings(environ)
    except SettingsError as error:
        click.echo(f"\nStill to be set in {env_file}:")
        for fault in error.faults:
            click.echo(f"  {fault}")
        return
    if settings.organization.parent is None:
        click.echo("\nA multi-tenant client also sets HELSEID_PARENT_ORGANIZATION.")
    click.echo("\nNext: helseid-fn call")
