"""Makes a client's first key: the private half goes into a store; the public half is printed, to register it by hand.

python -m helseid_fn.cli.first_key file:client.jwk.json
python -m helseid_fn.cli.first_key projects/my-project/secrets/helseid-key
python -m helseid_fn.cli.first_key arn:aws:secretsmanager:eu-north-1:123456789012:secret:helseid/key-AbCdEf
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from helseid_fn.context import Context
from helseid_fn.errors import HelseidFnError, Refused
from helseid_fn.keys.generate import generate_jwk, public_half
from helseid_fn.secret_store.address import parse_secret_name
from helseid_fn.secret_store.aws.arn import SecretArn, parse_secret_arn
from helseid_fn.setting_parsers import parse_alg, parse_host_and_port

TIMEOUT_SECONDS = 60.0


class KeyExistsError(Exception):
    """The store has a key already, and a new one would replace it before HelseID knows it."""


def main(arguments: Sequence[str]) -> int:
    """Make a key, store it and print its public half; return 1, with a sentence on standard error, when that failed."""
    parser = argparse.ArgumentParser(prog="python -m helseid_fn.cli.first_key", description="Make a client's first key.")
    parser.add_argument("store", help="file:PATH, projects/P/secrets/S, or the ARN of a secret of AWS Secrets Manager")
    parser.add_argument("--alg", default="PS256", help="the algorithm that the key signs with (PS256)")
    parser.add_argument("--secret-manager-endpoint", help="host:port of another Secret Manager than Google's own")
    chosen = parser.parse_args(arguments)
    try:
        alg = parse_alg(chosen.alg)
        endpoint = chosen.secret_manager_endpoint and parse_host_and_port(chosen.secret_manager_endpoint)
        put = _open_store(chosen.store, endpoint)
        text = generate_jwk(alg, time.time())
        put(text)
    except ValueError as fault:
        return _fail(f"The argument {fault}.")
    except KeyExistsError:
        return _fail(
            f"{chosen.store} has a key already. Rotate it, or name another store: a new key would replace it before HelseID "
            "knows the new one."
        )
    except Refused as refusal:
        return _fail(str(refusal))
    except HelseidFnError as error:
        # A second run would find a key there, whose public half nobody has seen.
        shown = json.dumps(public_half(text))
        return _fail(f"{error} If the store has a key now, this is its public half: {shown}")
    except ModuleNotFoundError as error:
        requirements = "requirements/aws.txt" if chosen.store.startswith("arn:") else "requirements.txt"
        return _fail(f"{error.name} is not installed. Run: pip install --require-hashes -r {requirements}")
    except OSError as error:
        return _fail(f"{chosen.store} could not be written ({error.strerror}). Check the folder and its permissions.")
    sys.stdout.write(f"{json.dumps(public_half(text))}\n")
    return 0


def _fail(sentence: str) -> int:
    sys.stderr.write(f"{sentence}\n")
    return 1


def _open_store(store: str, endpoint: str | None) -> Callable[[str], None]:
    """Return a function that puts a key into the store; nothing is opened yet.

    Raises `ValueError` when it is not the address of a store.
    """
    if "{" in store:
        raise ValueError("looks like a key and not like the address of a store; the key is now exposed, so replace it")
    if store.startswith("file:") and store != "file:":
        return partial(_write_file, Path(store.removeprefix("file:")))
    aws_address = parse_secret_arn(store)
    if aws_address is not None:
        return partial(_put_in_aws, aws_address)
    try:
        return partial(_add_to_google, parse_secret_name(store), endpoint)
    except ValueError:
        raise ValueError("is not file:PATH, projects/P/secrets/S without a version, or the complete ARN of a secret") from None


def _write_file(path: Path, text: str) -> None:
    """Write a file that only its owner can ever read."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise KeyExistsError from None
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
    except OSError:
        path.unlink()  # a part of a key must not pass for a key
        raise


def _add_to_google(secret: str, endpoint: str | None, text: str) -> None:
    from helseid_fn.secret_store.google.secret import GoogleSecret  # noqa: PLC0415  # loads the SDK

    store, ctx = GoogleSecret(secret, endpoint), Context(TIMEOUT_SECONDS)
    if store.list(ctx):
        raise KeyExistsError
    store.add(text, ctx)


def _put_in_aws(address: SecretArn, text: str) -> None:
    from helseid_fn.secret_store.aws.secret import AwsSecret  # noqa: PLC0415  # loads the SDK

    secret, ctx = AwsSecret(address), Context(TIMEOUT_SECONDS)
    if secret.describe(ctx).labels:
        raise KeyExistsError
    secret.put(str(uuid.uuid4()), text, "AWSCURRENT", ctx)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
