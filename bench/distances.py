"""Cold calls with distances and TLS, beside the computed limit and the usual stacks; the setting is in `distant_parties.py`."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from bench.batches import FUNCTIONS, ROOT
from bench.distant_parties import DistantParties
from bench.limit import KEY_IN_FILE, KEY_IN_MANAGER, Limit
from bench.measures import DEPLOYED, MILLISECONDS, PEERS, in_turns
from bench.on_lambda import LambdaHost
from bench.parties import Parties
from bench.rows import Row, compare
from bench.start import Served

Work = Callable[[], float]

_COLD = "Cold call with distances and TLS"
_GOOGLE, _LAMBDA = "Google Cloud, key in Secret Manager", "Lambda with AWS's extension"
_USUAL = "pydantic-settings, requests-oauth2client"


def measure_distances_on_google(_parties: Parties, rounds: int) -> Iterator[Row]:
    """Measure cold calls with distances and TLS on Google Cloud's host."""
    with DistantParties() as parties:
        in_file, in_manager = parties.with_key_file(), parties.with_secret_manager()
        functions = {
            "empty": Served(DEPLOYED, FUNCTIONS / "empty", in_file),
            "file": Served(DEPLOYED, ROOT, in_file),
            "manager": Served(DEPLOYED, ROOT, in_manager),
            "usual": Served(PEERS, FUNCTIONS / "usual", in_manager),
        }
        works: dict[str, Work] = {name: partial(_start_seconds, each) for name, each in functions.items()}
        seconds = in_turns({**works, "signature": make_signer()}, rounds)
    yield compare_with_limit(f"{_COLD}, {_GOOGLE}", "manager", seconds, KEY_IN_MANAGER, "distant-google-manager")
    of_file = f"{_COLD}, Google Cloud, key in a file"
    yield compare_with_limit(of_file, "file", seconds, KEY_IN_FILE, "distant-google-file")
    usual = f"Google's client, {_USUAL}"
    yield _beside_usual(_GOOGLE, usual, seconds["manager"], seconds["usual"], "distant-google-beside-usual")


def measure_distances_on_lambda(_parties: Parties, rounds: int) -> Iterator[Row]:
    """Measure cold calls with distances and TLS under AWS's runtime interface client."""
    host = LambdaHost(ROOT / "build" / "bench" / "distant-lambda", PEERS)
    with DistantParties() as parties:
        functions = {
            "empty": host.empty(),
            "ours": host.ours(parties.with_extension()),
            "ours, no extension": host.ours(parties.with_secrets_manager()),
            "usual": host.usual(parties.with_secrets_manager()),
            "usual, compiled": host.usual(parties.with_secrets_manager(), compiled=True),
        }
        works: dict[str, Work] = {name: each.start_cold for name, each in functions.items()}
        seconds = in_turns({**works, "signature": make_signer()}, rounds)
    yield compare_with_limit(f"{_COLD}, {_LAMBDA}", "ours", seconds, KEY_IN_MANAGER, "distant-lambda")
    usual = f"boto3, {_USUAL}"
    yield _beside_usual(_LAMBDA, usual, seconds["ours"], seconds["usual"], "distant-lambda-beside-usual")
    compiled, theirs = f"{usual}, with their bytecode", seconds["usual, compiled"]
    yield _beside_usual(_LAMBDA, compiled, seconds["ours"], theirs, "distant-lambda-beside-compiled")
    without, row_id = seconds["ours, no extension"], "distant-lambda-no-extension-beside-compiled"
    yield _beside_usual("Lambda without the extension", compiled, without, theirs, row_id)


def _start_seconds(function: Served) -> float:
    return function.start_cold().seconds


def compare_with_limit(measure: str, ours: str, seconds: Mapping[str, Sequence[float]], limit: Limit, row_id: str) -> Row:
    """Make a row of the series `ours` and its limit, for which the series `empty` and `signature` were measured in turns."""
    host, signatures = seconds["empty"], [limit.signatures * each for each in seconds["signature"]]
    limits = [start + limit.round_trip_seconds + signing for start, signing in zip(host, signatures, strict=True)]
    row = compare(measure, "the computed limit", seconds[ours], limits, 1.15, MILLISECONDS, row_id=row_id)
    parts = [statistics.median(host), limit.round_trip_seconds, statistics.median(signatures)]
    shown = " + ".join(f"{1000 * part:.0f}" for part in parts)
    return replace(row, detail=f"{row.detail}; the limit is host + round trips + signatures: {shown} ms")


def _beside_usual(where: str, usual: str, ours: Sequence[float], theirs: Sequence[float], row_id: str) -> Row:
    return compare(f"{_COLD}, {where}", usual, ours, theirs, 0.5, MILLISECONDS, row_id=row_id)


def make_signer() -> Work:
    """Return a function that makes one RSA-4096 signature, and returns its seconds."""
    key = rsa.generate_private_key(65537, 4096)

    def sign() -> float:
        begun_at = time.perf_counter()
        key.sign(b"m" * 600, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
        return time.perf_counter() - begun_at

    return sign
