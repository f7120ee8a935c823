"""The arguments of `helseid-standin`."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from standin.jose import ALGORITHMS
from standin.selvbetjening import KEY_LIFETIME_SECONDS

DEFAULT_PORT_BASE = 8100
PORTS = 5
_MAX_PORT_BASE = 65536 - PORTS
_DESCRIPTION = "HelseID, Selvbetjening, the Sample API and a secret manager on this machine, until Ctrl-C."


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse the arguments; with a wrong argument, print a sentence and end the process with status 2."""
    parser = argparse.ArgumentParser(prog="helseid-standin", description=_DESCRIPTION)
    client = parser.add_argument_group("the client")
    client.add_argument(
        "--export", type=Path, metavar="FILE", help="write the client's configuration, as Selvbetjening gives it, and keep it"
    )
    client.add_argument("--alg", choices=ALGORITHMS, default="PS256", help="the algorithm of the client's key")
    tenancy = client.add_mutually_exclusive_group()
    tenancy.add_argument("--single-tenant", action="store_true", help="the client needs no organization; so with --export")
    tenancy.add_argument(
        "--multi-tenant", action="store_true", help="the client must name an organization; so without --export"
    )
    client.add_argument("--client", type=Path, metavar="FILE", help="also know the clients of this file, by their public keys")
    output = parser.add_argument_group("what it writes")
    output.add_argument("--env-file", type=Path, metavar="FILE", help="also write the environment to this file, for `. FILE`")
    output.add_argument("--key-file", type=Path, metavar="FILE", help="also write the client's private key to this file")
    output.add_argument("--json-events", metavar="FILE", help="write each exchange as a JSON line to this file; - is stdout")
    serving = parser.add_argument_group("how it serves")
    serving.add_argument(
        "--port-base",
        type=_port_base,
        default=DEFAULT_PORT_BASE,
        metavar="PORT",
        help=f"use this port and the next {PORTS - 1} instead of {DEFAULT_PORT_BASE} and so on; 0 takes free ones",
    )
    serving.add_argument("--tls", action="store_true", help="serve https, with an authority of its own for this machine")
    serving.add_argument("--control", action="store_true", help="serve the control channel at /__standin/ on HelseID's port")
    rules = parser.add_argument_group("what it demands")
    rules.add_argument("--issuer-path", default="", metavar="PATH", help="give the issuer a path, as the conformance tests do")
    rules.add_argument("--api-nonce", action="store_true", help="make the API require a DPoP nonce")
    rules.add_argument(
        "--key-lifetime",
        type=float,
        default=KEY_LIFETIME_SECONDS,
        metavar="SECONDS",
        help="how long a registered key is valid",
    )
    rules.add_argument(
        "--key-activation", type=float, default=2, metavar="SECONDS", help="how long a registered key is refused at first"
    )
    return parser.parse_args(arguments)


def _port_base(text: str) -> int:
    if not text.isdecimal() or int(text) > _MAX_PORT_BASE:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 0 to {_MAX_PORT_BASE}")
    return int(text)
