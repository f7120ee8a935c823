"""RSA keys that can be broken, though their arithmetic is right."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

from standin import make_jwk
from tests.support.parts import to_number, to_text


def composite_prime() -> dict[str, Any]:
    """Make a key whose arithmetic is right but whose p is the product of two primes."""
    first, second = make_jwk("PS256"), make_jwk("PS256", number=1)
    q = to_number(first["q"])
    p = to_number(first["p"]) * to_number(second["p"])
    d = pow(65537, -1, (p - 1) * (q - 1))
    return {**first, "n": to_text(p * q), "p": to_text(p), "d": to_text(d)}


def equal_primes() -> dict[str, Any]:
    members = make_jwk("PS256")
    p = to_number(members["p"])
    return {**members, "n": to_text(p * p), "q": members["p"], "d": to_text(pow(65537, -1, p - 1))}


# 6k+1, 12k+1 and 18k+1 are prime, so their product is a Carmichael number (Chernick, 1939), here of 1024 bits.
_K = 0x35C1B299793172135D60FC8CB317FE8DB51734A1211D6E9E262AF0A97D589B3361288F62BD81EE670450B
CHERNICK = (6 * _K + 1) * (12 * _K + 1) * (18 * _K + 1)


# Each factor less one divides their product less one, so that is a Carmichael number (Korselt, 1899), here of 1024 bits.
# fmt: off
FACTORS = [
    20593, 21601, 23869, 24481, 24571, 27847, 28051, 29173, 29921, 34651, 36037, 36721, 42841, 42901,
    43759, 44201, 47521, 53857, 56101, 59671, 66529, 70687, 72073, 72931, 79561, 81901, 83777, 87517,
    91801, 97241, 100801, 102103, 103951, 117811, 128521, 148513, 151201, 180181, 192193, 200201, 218401, 224401,
    235621, 269281, 270271, 291721, 300301, 314161, 321301, 367201, 393121, 417691, 445537, 450451, 471241, 495041,
    504901, 530401, 540541, 571201, 576577,
]
# fmt: on


def key_with_p(p: int) -> dict[str, Any]:
    """Make a key with this p, whose arithmetic is right."""
    members = make_jwk("PS256")
    q = to_number(members["q"])
    d = pow(65537, -1, math.lcm(p - 1, q - 1))
    return {**members, "n": to_text(p * q), "p": to_text(p), "d": to_text(d)}


def composite_of_right_size() -> dict[str, Any]:
    """Make a key whose p is the product of two numbers, and its arithmetic right but for that."""
    highest = 0b1111 << 508  # set in both, so that the modulus has all its bits
    first, second = (to_number(make_jwk("PS256", number=number)["p"]) >> 512 | highest | 1 for number in (0, 1))
    factor = next_prime(first)
    p = next(p for p in (factor * other for other in primes_from(second)) if math.gcd(65537, p - 1) == 1)
    return key_with_p(p)


def primes_from(start: int) -> Iterator[int]:
    """Return the odd numbers from here on that one Fermat test takes for primes."""
    return (n for n in itertools.count(start | 1, 2) if pow(2, n - 1, n) == 1)


def next_prime(start: int) -> int:
    return next(primes_from(start))


def p_of_three() -> dict[str, Any]:
    """Make a key whose p is 3, and whose modulus is of full length nevertheless."""
    q = (1 << 2047) + 1
    while math.gcd(65537, q - 1) != 1:
        q += 2
    d = pow(65537, -1, math.lcm(2, q - 1))
    return {**make_jwk("PS256"), "n": to_text(3 * q), "p": to_text(3), "q": to_text(q), "d": to_text(d)}


def adjacent_primes() -> dict[str, Any]:
    """Make a key whose q is the next prime after p, as far as one Fermat test can tell."""
    members = make_jwk("PS256")
    p = to_number(members["p"])
    q = next_prime(p + 2)
    d = pow(65537, -1, math.lcm(p - 1, q - 1))
    return {**members, "n": to_text(p * q), "q": to_text(q), "d": to_text(d)}


def multiple_of(factor: int) -> int:
    """Return an odd multiple of a factor, of a prime's size, that e fits."""
    p = to_number(make_jwk("PS256")["p"]) // (2 * factor) * 2 * factor + factor
    return p if math.gcd(65537, p - 1) == 1 else p - 2 * factor
