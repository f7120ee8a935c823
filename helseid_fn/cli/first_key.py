"""Makes a client's first key: the private half goes into a store; the public half is printed, to register it by hand.

python -m helseid_fn.cli.first_key file:client.jwk.json
python -m helseid_fn.cli.first_key projects/my-project/secrets/helseid-key
python -m helseid_fn.cli.first_key arn:aws:secretsmanager:eu-north-1:123456789012:secret:helseid/key-AbCdEf
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from helseid_fn.cli.key_storage import add_arguments, store_key
from helseid_fn.keys.generate import generate_jwk
from helseid_fn.keys.signing_key import parse_signing_key
from helseid_fn.setting_parsers import parse_alg


def main(arguments: Sequence[str]) -> int:
    """Make a key, store it and print its public half; return 1, with a sentence on standard error, when that failed."""
    parser = argparse.ArgumentParser(prog="python -m helseid_fn.cli.first_key", description="Make a client's first key.")
    add_arguments(parser)
    parser.add_argument("--alg", default="PS256", help="the algorithm that the key signs with (PS256)")
    chosen = parser.parse_args(arguments)

    def make() -> str:
        text = generate_jwk(parse_alg(chosen.alg), time.time())
        parse_signing_key(text, check_primes=True)
        return text

    return store_key(chosen.store, chosen.secret_manager_endpoint, make)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
