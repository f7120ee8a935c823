"""Prints, for each number on standard input, the processor seconds of that many ES256 signatures and of that many proofs."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from helseid_fn.keys.signing_key import generate_proof_key
from helseid_fn.oauth.dpop import build_proof, new_jti

private, scheme = ec.generate_private_key(ec.SECP256R1()), ec.ECDSA(hashes.SHA256())
message = b"m" * 600
key = generate_proof_key()
url, token, nonce = "https://api.example.no/machine-clients/greetings", "t" * 1200, "n" * 40


def sign() -> None:
    """Sign a message as long as a proof."""
    private.sign(message, scheme)


def prove() -> None:
    """Build a proof as each call does."""
    build_proof(key, method="GET", url=url, now=time.time(), jti=new_jti(), nonce=nonce, access_token=token)


def seconds_of(times: int, work: Callable[[], None]) -> float:
    """Return the processor time that the work takes."""
    begun_at = time.thread_time()
    for _ in range(times):
        work()
    return time.thread_time() - begun_at


for line in sys.stdin:
    print(seconds_of(int(line), sign), seconds_of(int(line), prove), flush=True)
