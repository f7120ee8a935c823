"""`helseid-fn import`: settings and a key file from what Selvbetjening or a key tool gave."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path

import click

from helseid_fn.cli.client_file import read_client_file
from helseid_fn.cli.env_file import ignore_in_git, write_variables
from helseid_fn.cli.environment import read_environment
from helseid_fn.cli.key import ALGORITHMS, DEFAULT_STORE
from helseid_fn.cli.key_storage import store_key
from helseid_fn.cli.standard_output import escape_controls
from helseid_fn.context import Context
from helseid_fn.errors import HelseidFnError, SettingsError
from helseid_fn.keys.document import parse_document
from helseid_fn.keys.generate import with_age
from helseid_fn.keys.signing_key import SigningKey, parse_signing_key
from helseid_fn.secret_store.file import FileReader
from helseid_fn.secret_store.key_file import replace_key_file
from helseid_fn.setting_table import SETTINGS
from helseid_fn.settings import parse_settings

_READ_SECONDS = 10.0


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--api-url", metavar="URL", help="Also set API_URL.")
@click.option("--key", "store", default=DEFAULT_STORE, show_default=True, metavar="STORE", help="Where the private key goes.")
@click.option("--alg", type=click.Choice(ALGORITHMS), help="What the key is registered with, if FILE does not say.")
@click.option("--kid", help="The kid that the key is registered with, if FILE does not say.")
@click.option("--overwrite", is_flag=True, help="Replace settings that differ, and the kid and alg. A key is never replaced.")
@click.pass_context
def command(
    ctx: click.Context, file: Path, api_url: str | None, store: str, alg: str | None, kid: str | None, *, overwrite: bool
) -> None:
    """Write the env file and the key file from FILE.

    FILE is the client configuration that Selvbetjening gives, or a private key: a JWK, a PEM, or a PFX (P12). The passphrase
    of an encrypted key is asked for, or read from standard input where that is no terminal.
    """
    text, named = read_client_file(file, alg, kid)
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
    key_path = Path(store.removeprefix("file:")) if store.startswith("file:") else None
    ignored = ignore_in_git([env_file, file, *([key_path] if key_path else [])])
    if key_path is None or not _is_stored(key_path, key, overwrite=overwrite):
        store_key(store, ctx.obj, lambda: with_age(text, time.time()))
    write_variables(env_file, {name: value for name, value in variables.items() if present.get(name) != value})
    click.echo(escape_controls(f"{key_path or store}: the private key ({key.alg}, kid {key.kid})"))
    click.echo(f"{env_file}: {', '.join(variables)}")
    if ignored:
        click.echo(f".gitignore: {', '.join(ignored)}")
    if key_path is None or key_path.resolve() != file.resolve():
        click.echo(f"{file} still has the private key. Delete it once the call works.")
    hidden = [name for name, value in variables.items() if ctx.obj.get(name, value) not in (value, present.get(name))]
    if hidden:
        names = ", ".join(hidden)
        click.echo(f"\nThe environment has other values, which take precedence over {env_file}: {names}. Unset them.", err=True)
    _say_what_is_missing({**ctx.obj, **variables}, env_file)


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


def _is_stored(path: Path, key: SigningKey, *, overwrite: bool) -> bool:
    """Return whether the key file has this key already; its kid and alg are corrected if they may be overwritten.

    Raises `click.ClickException`.
    """
    if not path.exists():
        return False
    try:
        text = FileReader(str(path)).read(Context(_READ_SECONDS)).text
        stored = parse_signing_key(text)
    except HelseidFnError:
        return False
    if stored.thumbprint != key.thumbprint:
        return False
    if (stored.kid, stored.alg) != (key.kid, key.alg):
        if not overwrite:
            raise click.ClickException(
                f"{path} has this key with kid {stored.kid} and {stored.alg}, not kid {key.kid} and {key.alg}. Give --kid and "
                "--alg as they are registered, and correct the file with --overwrite."
            )
        try:
            replace_key_file(path, json.dumps({**parse_document(text).members, "kid": key.kid, "alg": key.alg}))
        except OSError as error:
            raise click.ClickException(f"{path} could not be written ({error.strerror}). Check its folder.") from None
    return True


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
