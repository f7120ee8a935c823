"""Checks what makes an RSA modulus easy to factor, in about a millisecond (docs/decisions/0002-no-prime-check.md). Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from itertools import compress

from helseid_fn.errors import SigningKeyError

_MAX_MISSING_BITS = 8
_MIN_DISTANCE_BITS = 100
_SMALL_FACTOR_LIMIT = 1 << 17
"""A p of 1024 bits that has 61 factors has one below this, whatever they are; see the decision for larger ones."""
_FACTORS_PER_PRODUCT = 64


def check_strength(p: int, q: int) -> None:
    """Check the sizes of p and q, the distance between them (FIPS 186-5, appendix A.1.3) and that neither has a small factor.

    Raises `SigningKeyError`.
    """
    half = (p * q).bit_length() // 2
    if min(p, q).bit_length() < half - _MAX_MISSING_BITS:
        raise _weak("has primes of unequal size")
    if abs(p - q).bit_length() <= half - _MIN_DISTANCE_BITS:
        raise _weak("has primes that are close to each other")
    if math.gcd(p * q, _product_of_small_primes()) != 1:
        raise _weak("has a small factor")


def _weak(how: str) -> SigningKeyError:
    return SigningKeyError("weak_rsa", f"The RSA key at HELSEID_KEY {how}, so it can be broken. Generate a new key.")


@cache
def _product_of_small_primes() -> int:
    is_prime = bytearray([0, 0]) + bytearray([1]) * (_SMALL_FACTOR_LIMIT - 2)
    for n in range(2, math.isqrt(_SMALL_FACTOR_LIMIT) + 1):
        if is_prime[n]:
            is_prime[n * n :: n] = bytes(len(range(n * n, _SMALL_FACTOR_LIMIT, n)))
    return _multiply(list(compress(range(_SMALL_FACTOR_LIMIT), is_prime)))


def _multiply(numbers: Sequence[int]) -> int:
    """Multiply halves of equal size, which takes a fifth of the time of one factor after the other."""
    if len(numbers) <= _FACTORS_PER_PRODUCT:
        return math.prod(numbers)
    middle = len(numbers) // 2
    return _multiply(numbers[:middle]) * _multiply(numbers[middle:])
