"""Makes a client's first key: the private half goes into a store, the public half is printed, to be registered by hand.

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

from helseid_fn.context import Journal
from helseid_fn.deadline import Deadline
from helseid_fn.errors import HelseidFnError, Refused
from helseid_fn.keys.generate import generate_jwk, public_half
from helseid_fn.secret_store.aws.arn import AwsAddress, parse_aws_address
from helseid_fn.setting_parsers import parse_alg, parse_host_and_port, parse_secret_name

TIMEOUT_SECONDS = 60.0


class KeyExistsError(Exception):
    """There is a key already, which a new one would replace before HelseID knows it."""


def main(arguments: Sequence[str]) -> int:
    """Make a key, store it and print its public half; 1, and a sentence on standard error, when that could not be done."""
    parser = argparse.ArgumentParser(prog="python -m helseid_fn.cli.first_key", description="Make a client's first key.")
    parser.add_argument("store", help="file:PATH, projects/P/secrets/S, or the ARN of a secret of AWS Secrets Manager")
    parser.add_argument("--alg", default="PS256", help="the algorithm that it is to sign with (PS256)")
    parser.add_argument("--secret-manager-endpoint", help="host:port of another Secret Manager than Google's own")
    chosen = parser.parse_args(arguments)
    try:
        alg = parse_alg(chosen.alg)
        endpoint = chosen.secret_manager_endpoint and parse_host_and_port(chosen.secret_manager_endpoint)
        put = _open_store(chosen.store, endpoint)
        text = generate_jwk(alg, time.time())
        put(text)
    except ValueError as fault:
        return _fail(f"What was asked for {fault}.")
    except KeyExistsError:
        return _fail(
            f"{chosen.store} holds a key already, which would be replaced before HelseID knows the new one; "
            "rotate it, or name another store."
        )
    except Refused as refusal:
        return _fail(str(refusal))
    except HelseidFnError as error:
        # Tried again, it would find a key there, of which nobody has seen the public half.
        shown = json.dumps(public_half(text))
        return _fail(f"{error} If the store holds a key now, this is its public half: {shown}")
    except OSError as error:
        return _fail(f"{chosen.store} could not be written ({error.strerror}); check the folder and who may write to it.")
    sys.stdout.write(f"{json.dumps(public_half(text))}\n")
    return 0


def _fail(sentence: str) -> int:
    sys.stderr.write(f"{sentence}\n")
    return 1


def _open_store(store: str, endpoint: str | None) -> Callable[[str], None]:
    """Return what puts a key into the store; nothing is opened yet.

    Raises `ValueError` for what names no store.
    """
    if store.startswith("file:") and store != "file:":
        return partial(_write_file, Path(store.removeprefix("file:")))
    aws_address = parse_aws_address(store)
    if aws_address is not None:
        return partial(_put_in_aws, aws_address)
    try:
        return partial(_add_to_google, parse_secret_name(store), endpoint)
    except ValueError:
        raise ValueError(
            "is none of file:PATH, projects/P/secrets/S without a version, and the whole ARN of a secret"
        ) from None


def _write_file(path: Path, text: str) -> None:
    """Write a file that only its owner can read, from its first moment on."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise KeyExistsError from None
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
    except OSError:
        path.unlink()  # a part of a key would pass for one
        raise


def _add_to_google(secret: str, endpoint: str | None, text: str) -> None:
    from helseid_fn.secret_store.google.secret import GoogleVersions  # noqa: PLC0415  # needed for such a store alone

    versions, deadline, journal = GoogleVersions(secret, endpoint), Deadline(TIMEOUT_SECONDS), Journal()
    if versions.list(deadline, journal):
        raise KeyExistsError
    versions.add(text, deadline, journal)


def _put_in_aws(address: AwsAddress, text: str) -> None:
    from helseid_fn.secret_store.aws.secret import AwsVersions  # noqa: PLC0415  # needed for such a store alone

    versions, deadline, journal = AwsVersions(address), Deadline(TIMEOUT_SECONDS), Journal()
    if versions.describe(deadline, journal).labels:
        raise KeyExistsError
    versions.put(str(uuid.uuid4()), text, "AWSCURRENT", deadline, journal)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
