"""Objects that many unit tests need: a response, settings, a key, a context with a stopped clock."""

from __future__ import annotations

import base64
import json
from functools import cache
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey
from requests.structures import CaseInsensitiveDict

from helseid_fn.context import Context
from helseid_fn.http.messages import Response
from helseid_fn.keys.signing_key import SigningKey, generate_proof_key, parse_signing_key
from helseid_fn.oauth.token_response import Token
from helseid_fn.setting_table import EXAMPLES
from helseid_fn.settings import Settings, parse_settings
from standin import make_jwk

NOW = 1_800_000_000.0
ISSUER = "https://helseid-sts.test.nhn.no"
CLIENT_ID = "9f5a1c6e-1c3b-4c62-9b4e-6f5d0d9d7a10"
REQUIRED = {name: EXAMPLES[name] for name in ("HELSEID_ISSUER", "HELSEID_CLIENT_ID", "HELSEID_SCOPE", "HELSEID_KEY", "API_URL")}
# RFC 9110 section 5.6.7.
PUBLISHED_DATE = "Sun, 06 Nov 1994 08:49:37 GMT"
PUBLISHED_SECONDS = 784111777.0
NOT_A_DATE = [
    "",
    " ",
    "soon",
    "0x10",
    "1.5",
    "-5",
    "+5",
    "1e3",
    "1 2",
    "٣",
    "²",
    "9" * 10,
    "9" * 5000,
    "Sun, 06 Nov 1994",
    "Sun, 99 Nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 1994 28:49:37 GMT",
    "Sun, 06 Nov 99999 08:49:37 GMT",
    "Sun, 06 Nov 1994 08:49:37 +9999",
    "Sun,,,,",
    "\x00",
]
PRIVATE_MEMBERS = ("d", "p", "q", "dp", "dq", "qi")
every_algorithm = pytest.mark.parametrize(
    "alg", ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
)


def make_response(status: int = 200, body: object = None, **headers: str) -> Response:
    """Make a response: bytes as they are, anything else as JSON; `Content_Type` means `Content-Type`."""
    octets = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status, CaseInsensitiveDict({name.replace("_", "-"): value for name, value in headers.items()}), octets)


def make_settings(**changed: str) -> Settings:
    """Parse the required settings with some of them changed."""
    return parse_settings(REQUIRED | changed)


@cache
def make_key(alg: str = "ES256", kid: str | None = None) -> SigningKey:
    """Make a signing key; the same one for the same arguments."""
    return parse_signing_key(json.dumps(make_jwk(alg, kid=kid)))


def make_token(value: str = "the-token", *, clock_seconds_ahead: int | None = None) -> Token:
    """Make a token with a proof key of its own."""
    scopes = frozenset({"nhn:a/b"})
    return Token(value, generate_proof_key(), scopes, 600, NOW, None, "x", "y", clock_seconds_ahead=clock_seconds_ahead)


def make_context(seconds: float = 25.0) -> Context:
    """Make a context with a stopped clock: all its time is always left."""
    return Context(seconds, monotonic=lambda: 0.0)


def read_jws(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a JWS's header and claims, unverified."""
    header, claims, _ = token.split(".")
    return _decode(header), _decode(claims)


def verify(token: str, public_jwk: dict[str, Any]) -> None:
    """Verify a signature with a library that the function does not sign with; raises what joserfc raises."""
    registry = jws.JWSRegistry(algorithms=[read_jws(token)[0]["alg"]], strict_check_header=False)
    registry.max_header_length = 8192
    key = RSAKey.import_key(public_jwk) if public_jwk["kty"] == "RSA" else ECKey.import_key(public_jwk)
    jws.deserialize_compact(token, key, registry=registry)


def to_number(text: str) -> int:
    """Read a Base64urlUInt."""
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")


def to_text(number: int, size: int | None = None) -> str:
    """Write a Base64urlUInt."""
    octets = number.to_bytes(size or max(1, (number.bit_length() + 7) // 8), "big")
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def _decode(part: str) -> dict[str, Any]:
    members: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return members
