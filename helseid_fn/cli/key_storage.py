"""Stores a new private key at an address and prints its public half."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from helseid_fn.cli.env_file import ignore_in_git
from helseid_fn.cli.standard_output import write_line
from helseid_fn.context import Context
from helseid_fn.errors import HelseidFnError, Refused
from helseid_fn.keys.generate import public_half
from helseid_fn.secret_store.address import parse_secret_name
from helseid_fn.secret_store.aws.arn import SecretArn, parse_secret_arn
from helseid_fn.secret_store.file import FileReader
from helseid_fn.secret_store.key_file import create_key_file
from helseid_fn.setting_parsers import parse_host_and_port

TIMEOUT_SECONDS = 60.0


class KeyExistsError(Exception):
    """The store has a key already, and a new one would replace it before HelseID knows it."""


@dataclass(frozen=True, slots=True)
class KeyStore:
    """Where a key is put, and read again; nothing is opened before one of these is called."""

    put: Callable[[str], None]
    read: Callable[[], str]


def store_key(store: str, environ: Mapping[str, str], make: Callable[[], str]) -> str:
    """Make a key, store it and return its text, that of a private JWK.

    Raises what `make` raises, `click.ClickException` and the errors of the store, each with a sentence.
    """
    opened = _open_store(store, environ)
    text = make()
    try:
        opened.put(text)
    except KeyExistsError:
        raise click.ClickException(
            f"{store} has a key already, which a new one would replace before HelseID knows it. Rotate it, or name another "
            f"store.{_describe_existing(opened)}"
        ) from None
    except Refused:
        raise
    except HelseidFnError as error:
        shown = json.dumps(public_half(text))
        raise click.ClickException(f"{error} If the store has a key now, this is its public half: {shown}") from None
    except ModuleNotFoundError as error:
        extra = "aws" if store.startswith("arn:") else "google"
        raise click.ClickException(f'{error.name} is not installed. Run: pip install "helseid-fn[{extra}]"') from None
    except OSError as error:
        message = f"{store} could not be written ({error.strerror}). Check the folder and its permissions."
        raise click.ClickException(message) from None
    return text


def print_public_half(store: str, text: str) -> None:
    """Print the public half of a key that was stored; nothing is lost where that fails, since the message has it."""
    shown = json.dumps(public_half(text))
    reason = write_line(shown)
    if reason is not None:
        raise click.ClickException(
            f"The key is stored in {store}, but standard output failed ({reason}). This is its public half: {shown}"
        )


def _describe_existing(store: KeyStore) -> str:
    """Return the public half of the key that is stored already, in words; an earlier run may have been unable to print it."""
    try:
        return f" Its public half is {json.dumps(public_half(store.read()))}."
    except (HelseidFnError, OSError):
        return ""


def _open_store(store: str, environ: Mapping[str, str]) -> KeyStore:
    """Return the store at an address; nothing is opened yet.

    Raises `click.UsageError` when it is not the address of a store.
    """
    if "{" in store:
        raise click.UsageError("The store looks like a key and not like an address. The key is now exposed, so replace it.")
    ctx = Context(TIMEOUT_SECONDS)
    if store.startswith("file:") and store != "file:":
        path = store.removeprefix("file:")
        return KeyStore(lambda text: _write_file(Path(path), text), lambda: FileReader(path).read(ctx).text)
    arn = parse_secret_arn(store)
    if arn is not None:
        return _open_aws(arn, ctx)
    try:
        secret = parse_secret_name(store)
    except ValueError:
        message = "The store is not file:PATH, projects/P/secrets/S without a version, or the complete ARN of a secret."
        raise click.UsageError(message) from None
    endpoint = environ.get("SECRET_MANAGER_ENDPOINT")
    try:
        return _open_google(secret, endpoint and parse_host_and_port(endpoint), ctx)
    except ValueError as fault:
        raise click.UsageError(f"SECRET_MANAGER_ENDPOINT {fault}.") from None


def _write_file(path: Path, text: str) -> None:
    ignore_in_git([path])
    try:
        create_key_file(path, text)
    except FileExistsError:
        raise KeyExistsError from None


def _open_google(secret: str, endpoint: str | None, ctx: Context) -> KeyStore:
    def put(text: str) -> None:
        from helseid_fn.secret_store.google.secret import GoogleSecret  # noqa: PLC0415  # loads the SDK

        store = GoogleSecret(secret, endpoint)
        if any(version.is_enabled for version in store.list(ctx)):
            raise KeyExistsError
        store.add(text, ctx)

    def read() -> str:
        from helseid_fn.secret_store.google.secret import GoogleSecret  # noqa: PLC0415  # loads the SDK

        return GoogleSecret(secret, endpoint).read_version("latest", ctx).text

    return KeyStore(put, read)


def _open_aws(arn: SecretArn, ctx: Context) -> KeyStore:
    def put(text: str) -> None:
        from helseid_fn.secret_store.aws.secret import AwsSecret  # noqa: PLC0415  # loads the SDK

        secret = AwsSecret(arn)
        if secret.describe(ctx).holder("AWSCURRENT") is not None:  # a rotation may have reserved a pending version
            raise KeyExistsError
        secret.put(str(uuid.uuid4()), text, "AWSCURRENT", ctx)

    def read() -> str:
        from helseid_fn.secret_store.aws.secret import AwsSecret  # noqa: PLC0415  # loads the SDK

        return AwsSecret(arn).read_version(ctx, VersionStage="AWSCURRENT").text

    return KeyStore(put, read)
