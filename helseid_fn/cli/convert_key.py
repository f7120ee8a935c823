"""Converts a private key in PEM or DER to a private JWK in a store, and prints its public half.

python -m helseid_fn.cli.convert_key key.pem file:client.jwk.json --alg RS256 --kid my-key

It asks for the passphrase of an encrypted key, or reads it from standard input where that is no terminal.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from getpass import getpass
from pathlib import Path

from helseid_fn.cli.key_storage import add_arguments, fail, store_key
from helseid_fn.errors import SigningKeyError
from helseid_fn.keys.convert import PassphraseNeededError, convert_to_jwk
from helseid_fn.keys.stored import MAX_SECRET_BYTES
from helseid_fn.setting_parsers import parse_alg


def main(arguments: Sequence[str]) -> int:
    """Convert a key, store it and print its public half; return 1, with a sentence on standard error, when that failed."""
    parser = argparse.ArgumentParser(prog="python -m helseid_fn.cli.convert_key", description="Convert a key to a private JWK.")
    parser.add_argument("key", type=Path, help="the file of the private key, in PEM or DER")
    add_arguments(parser)
    parser.add_argument("--alg", help="the algorithm that it is registered with (PS256 for RSA, that of the curve otherwise)")
    parser.add_argument("--kid", help="the kid that it is registered with (its RFC 7638 thumbprint)")
    chosen = parser.parse_args(arguments)

    def convert() -> str:
        with chosen.key.open("rb") as file:
            octets = file.read(MAX_SECRET_BYTES + 1)
        if len(octets) > MAX_SECRET_BYTES:
            raise ValueError(f"names {chosen.key}, which exceeds 64 KiB and is no key")
        alg = chosen.alg and parse_alg(chosen.alg)
        try:
            return convert_to_jwk(octets, alg, chosen.kid)
        except PassphraseNeededError:
            return convert_to_jwk(octets, alg, chosen.kid, _read_passphrase())

    try:
        text = convert()
    except OSError as error:
        return fail(f"{chosen.key} could not be read ({error.strerror}). Check its name and its permissions.")
    except SigningKeyError as error:
        return fail(str(error))
    except ValueError as fault:
        return fail(f"The argument {fault}.")
    except (EOFError, KeyboardInterrupt):
        return fail("No passphrase was given, so nothing was stored.")
    return store_key(chosen.store, chosen.secret_manager_endpoint, lambda: text)


def _read_passphrase() -> bytes:
    if sys.stdin.isatty():
        return getpass("Passphrase of the key: ").encode()
    return sys.stdin.readline().rstrip("\r\n").encode()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
