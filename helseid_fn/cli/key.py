"""`helseid-fn key`: make the client's first key, show the one in use, and note when it expires."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import click

from helseid_fn.cli.key_storage import TIMEOUT_SECONDS, print_public_half, store_key
from helseid_fn.context import Context
from helseid_fn.keys.expiry import DAY_SECONDS
from helseid_fn.keys.generate import generate_jwk, public_half, with_expiry
from helseid_fn.keys.jwk import CURVE_OF_ALGORITHM, RSA_ALGORITHMS
from helseid_fn.keys.signing_key import SigningKey, parse_signing_key
from helseid_fn.keys.stored import StoredKey
from helseid_fn.secret_store.address import parse_key_address
from helseid_fn.secret_store.key_file import replace_key_file
from helseid_fn.secret_store.reader import open_reader

DEFAULT_STORE = "file:client.jwk.json"
ALGORITHMS = (*RSA_ALGORITHMS, *CURVE_OF_ALGORITHM)


@click.group("key")
def command() -> None:
    """Make, show and date the client's private key."""


@command.command("new")
@click.argument("store", default=DEFAULT_STORE)
@click.option("--alg", default="PS256", show_default=True, type=click.Choice(ALGORITHMS), help="What the key signs with.")
@click.pass_obj
def new(environ: Mapping[str, str], store: str, alg: str) -> None:
    """Make a client's first key and print its public half, which you register in Selvbetjening.

    The private half goes to STORE: file:PATH (file:client.jwk.json unless it is given), projects/P/secrets/S of Google
    Secret Manager, or the ARN of a secret of AWS Secrets Manager. A key that is there is never replaced.
    """

    def make() -> str:
        text = generate_jwk(alg, time.time())
        parse_signing_key(text, check_primes=True)
        return text

    print_public_half(store, store_key(store, environ, make))
    click.echo(f"The private half is in {store}. Register the public half above in Selvbetjening.", err=True)


@command.command("show")
@click.argument("address", required=False)
@click.pass_obj
def show(environ: Mapping[str, str], address: str | None) -> None:
    """Print the public half of the key at ADDRESS, or at HELSEID_KEY, and on standard error its thumbprint and its expiry."""
    stored = _read(_address(address, environ), environ)
    key = parse_signing_key(stored.text, expires_at=stored.expires_at, stored_at=stored.stored_at)
    click.echo(json.dumps(public_half(stored.text)))
    click.echo(f"thumbprint  {key.thumbprint}", err=True)
    click.echo(f"expires     {_describe_expiry(key)}", err=True)


@command.command("expires")
@click.argument("date", metavar="DATE", type=click.DateTime(["%Y-%m-%d"]))
@click.pass_obj
def expires(environ: Mapping[str, str], date: datetime) -> None:
    """Note in the key file when Selvbetjening says that the key expires (DATE, as 2027-05-30).

    The function and the doctor then warn in time. A key in a cloud's secret manager gets its expiry from the rotation.
    """
    address = _address(None, environ)
    if not address.startswith("file:"):
        raise click.ClickException(
            "HELSEID_KEY is not a file. Store the JWK with an exp as a new version of its secret, or set up the rotation."
        )
    text = _read(address, environ).text
    parse_signing_key(text)
    at = int(date.replace(tzinfo=UTC).timestamp())
    path = Path(address.removeprefix("file:"))
    try:
        replace_key_file(path, with_expiry(text, at))
    except OSError as error:
        raise click.ClickException(f"{path} could not be written ({error.strerror}). Check its folder.") from None
    click.echo(f"The key expires on {date:%Y-%m-%d}.", err=True)


def _address(given: str | None, environ: Mapping[str, str]) -> str:
    address = given or environ.get("HELSEID_KEY", "").strip()
    if not address:
        raise click.UsageError("HELSEID_KEY is missing. Set it, or give the address of the key.")
    try:
        return parse_key_address(address)
    except ValueError as fault:
        raise click.UsageError(f"{'The address' if given else 'HELSEID_KEY'} {fault}.") from None


def _read(address: str, environ: Mapping[str, str]) -> StoredKey:
    endpoint = environ.get("SECRET_MANAGER_ENDPOINT") or None
    reader = open_reader(address, google_endpoint=endpoint, environ=environ, sleep=time.sleep)
    return reader.read(Context(TIMEOUT_SECONDS))


def _describe_expiry(key: SigningKey) -> str:
    if key.expiry is None:
        return "unknown; note it with: helseid-fn key expires DATE"
    days = (key.expiry.at - time.time()) / DAY_SECONDS
    when = f"in {days:.0f} days" if days >= 0 else f"{-days:.0f} days ago; register a new key"
    moment = datetime.fromtimestamp(key.expiry.at, UTC)
    if key.expiry.is_assumed:
        return f"unknown, and taken to be {moment:%Y-%m-%d}, {when}; note it with: helseid-fn key expires DATE"
    return f"{moment:%Y-%m-%d %H:%M} UTC, {when}"
