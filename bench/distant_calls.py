"""Warm calls with distances and TLS, beside the computed limit: as a caller, and as a schedule makes them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack

from bench.batches import ROOT
from bench.distances import Work, compare_with_limit, make_signer
from bench.distant_parties import DistantParties
from bench.limit import EXPIRED_TOKEN, IDLE_CONNECTION, KEPT_CONNECTION
from bench.measures import DEPLOYED, in_turns
from bench.parties import Parties
from bench.rows import Row
from bench.start import Served, time_call
from helseid_fn.http.adapter import MAX_IDLE_SECONDS

_WARM = "Warm call with distances and TLS"


def measure_distant_calls(_parties: Parties, rounds: int) -> Iterator[Row]:
    """Measure warm calls with distances and TLS, in half of the rounds: each waits until the connections are too old."""
    with DistantParties() as parties, ExitStack() as stack:

        def serve(folder: str) -> int:
            served = Served(DEPLOYED, ROOT / folder, parties.with_key_file())
            return stack.enter_context(served.running())[1]

        empty, signed_in, signing_in = serve("bench/peers/empty"), serve(""), serve("")
        time_call(signed_in)  # its token lives for ten minutes, those of the other function for a second
        parties.standin.helseid.override("token", {"expires_in": 1})

        def call_late() -> float:
            time.sleep(MAX_IDLE_SECONDS + 0.1)
            return time_call(signed_in)

        def call_as_scheduled() -> float:
            parties.standin.rotate_nonces("helseid")
            return time_call(signing_in)

        works: dict[str, Work] = {
            "idle": call_late,
            "expired": call_as_scheduled,
            "kept": lambda: time_call(signed_in),
            "empty": lambda: time_call(empty),
            "signature": make_signer(),
        }
        seconds = in_turns(works, rounds // 2 + 1)
    for series, what, limit in (
        ("kept", "connection kept", KEPT_CONNECTION),
        ("idle", f"connections idle for {MAX_IDLE_SECONDS:g} s", IDLE_CONNECTION),
        ("expired", "token and nonce expired too, key in a file", EXPIRED_TOKEN),
    ):
        yield compare_with_limit(f"{_WARM}, {what}", series, seconds, limit, f"distant-warm-{series}")
