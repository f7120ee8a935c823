"""Checks what makes an RSA modulus easy to factor, in about 5 ms (docs/decisions/0002-no-prime-check.md). Pure."""

from __future__ import annotations

import math
from itertools import compress

from helseid_fn.errors import SigningKeyError

_MAX_MISSING_BITS = 8
_MIN_DISTANCE_BITS = 100
_SMALL_FACTOR_LIMIT = 1 << 17
"""A p of 1024 bits that has 61 factors has one below this, whatever they are; see the decision for larger ones."""
_FACTORS_PER_PRODUCT = 128


def check_strength(p: int, q: int) -> None:
    """Check the sizes of p and q, the distance between them (FIPS 186-5, appendix A.1.3) and that neither has a small factor.

    Raises `SigningKeyError`.
    """
    half = (p * q).bit_length() // 2
    if min(p, q).bit_length() < half - _MAX_MISSING_BITS:
        raise _weak("has primes of unequal size")
    if abs(p - q).bit_length() <= half - _MIN_DISTANCE_BITS:
        raise _weak("has primes that are close to each other")
    if _shares_a_small_factor(p * q):
        raise _weak("has a small factor")


def _weak(how: str) -> SigningKeyError:
    return SigningKeyError("weak_rsa", f"The RSA key at HELSEID_KEY {how}, so it can be broken. Generate a new key.")


def _shares_a_small_factor(n: int) -> bool:
    """Return whether a prime below the limit divides n, with one greatest common divisor for all of them."""
    primes = _small_primes()
    product = 1
    for start in range(0, len(primes), _FACTORS_PER_PRODUCT):
        product = product * math.prod(primes[start : start + _FACTORS_PER_PRODUCT]) % n
    return math.gcd(product, n) != 1


def _small_primes() -> list[int]:
    is_prime = bytearray([0, 1]) * (_SMALL_FACTOR_LIMIT // 2)
    is_prime[1], is_prime[2] = 0, 1
    for n in range(3, math.isqrt(_SMALL_FACTOR_LIMIT) + 1, 2):
        if is_prime[n]:
            is_prime[n * n :: 2 * n] = bytes(len(range(n * n, _SMALL_FACTOR_LIMIT, 2 * n)))
    return list(compress(range(_SMALL_FACTOR_LIMIT), is_prime))
