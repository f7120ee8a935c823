"""Client keys as private JWKs (RFC 7517), generated on demand and cached for the life of the process."""

from functools import cache
from itertools import count
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc.jwk import ECKey, RSAKey

from standin.jose import ALGORITHMS, PRIVATE_MEMBERS, thumbprint

_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
_fresh = count(-1, -1)


def make_jwk(
    alg: str = "PS256", *, bits: int = 2048, kid: str | None = None, number: int = 0, fresh: bool = False
) -> dict[str, Any]:
    """Return a private JWK for an algorithm that HelseID accepts.

    The same arguments return the same key, because RSA keys are slow to generate; another `number` returns another key,
    and `fresh` a new one. The default `kid` is the RFC 7638 thumbprint; an empty `kid` leaves it out.
    """
    if alg not in ALGORITHMS:
        message = f"HelseID does not accept {alg}; it accepts {', '.join(ALGORITHMS)}"
        raise ValueError(message)
    which = next(_fresh) if fresh else number
    numbers = dict(_ec_numbers(_CURVES[alg], which) if alg in _CURVES else _rsa_numbers(bits, which))
    name = _thumbprint(numbers) if kid is None else kid
    return {**numbers, "use": "sig", "alg": alg, **({"kid": name} if name else {})}


def public_jwk(jwk: dict[str, Any]) -> dict[str, Any]:
    """Return the JWK without its private members, for registration at HelseID."""
    return {name: value for name, value in jwk.items() if name not in PRIVATE_MEMBERS}


def _thumbprint(numbers: dict[str, Any]) -> str:
    try:
        return thumbprint(numbers)
    except ValueError:  # a weak key needs a kid too, so that a test can see it refused
        return "weak-key"


@cache
def _rsa_numbers(bits: int, _which: int) -> dict[str, Any]:
    private = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    return {"kty": "RSA", **RSAKey.binding.export_private_key(private)}


@cache
def _ec_numbers(curve: str, _which: int) -> dict[str, Any]:
    return dict(ECKey.generate_key(curve, private=True).as_dict(private=True))
