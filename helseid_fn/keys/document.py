"""Finds the members of the private JWK in a stored text, or says what the text is instead. Pure.

Taken are a JWK and a client configuration of Selvbetjening, whose `privateJwk` is the key. Members that are null or empty count
as absent: .NET's serializer writes them for every property that its JsonWebKey does not use.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from helseid_fn.errors import SigningKeyError

PRIVATE_MEMBERS = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")
_CONVERT = "Convert it with python -m helseid_fn.cli.convert_key (docs/keys-and-rotation.md)."
_STORE_JWK = "Store the private JWK itself, as one JSON object."
_EMPTY: tuple[Any, ...] = (None, "", [], {})
_MAX_SHOWN = 200


@dataclass(frozen=True, slots=True)
class KeyDocument:
    """The members of a private JWK; from a client configuration also the client id and the issuer that it names."""

    members: dict[str, Any] = field(repr=False)
    client_id: str | None = None
    issuer: str | None = None


def parse_document(text: str) -> KeyDocument:
    """Parse the text of a private JWK or of a client configuration; white space around it and a byte order mark are allowed.

    Raises `SigningKeyError`.
    """
    parsed = _parse_json(text.lstrip("\ufeff").strip())
    if not isinstance(parsed, dict):
        what = "is a JWK in a JSON string" if _is_jwk(parsed) else "is JSON but not an object"
        raise _not_a_key(f"{what}. {'Store the JWK without the quotes.' if _is_jwk(parsed) else _STORE_JWK}")
    members = _without_empty(parsed)
    if "kty" in members:
        return KeyDocument(members)
    by_lower_name = {name.lower(): value for name, value in members.items()}
    if "privatejwk" in by_lower_name:
        client_id, issuer = (by_lower_name.get(name) for name in ("clientid", "authority"))
        key = _load_inner(by_lower_name["privatejwk"])
        return KeyDocument(
            key,
            client_id if isinstance(client_id, str) else None,
            issuer if isinstance(issuer, str) else None,
        )
    raise _not_a_key(_describe(members, by_lower_name))


def check_client(document: KeyDocument, client_id: str, issuer: str) -> None:
    """Raise `SigningKeyError` when a client configuration is for another client, or another issuer, than the settings."""
    for name, found, setting, expected in (
        ("client id", document.client_id, "HELSEID_CLIENT_ID", client_id),
        ("issuer", document.issuer and document.issuer.rstrip("/"), "HELSEID_ISSUER", issuer.rstrip("/")),
    ):
        if found is not None and found != expected:
            shown = found if _may_be_shown(found, document.members) else "another"
            raise SigningKeyError(
                "another_client",
                f"The client configuration at HELSEID_KEY has the {name} {shown}, and {setting} is {expected}. "
                "Store the configuration of this client, or correct the setting.",
            )


def contains_private_member(text: str, members: dict[str, Any]) -> bool:
    """Return whether a text contains the value of one of a JWK's private members."""
    values = (members.get(name) for name in PRIVATE_MEMBERS)
    return any(isinstance(value, str) and value in text for value in values)


def _may_be_shown(text: str, members: dict[str, Any]) -> bool:
    return len(text) <= _MAX_SHOWN and text.isprintable() and not contains_private_member(text, members)


def _describe(members: dict[str, Any], by_lower_name: dict[str, Any]) -> str:
    """Return what an object without kty looks like, and what to store instead."""
    if "keys" in by_lower_name:
        return "is a JWK set. Store one private JWK, without the set around it."
    if "kty" in by_lower_name:
        return "is a JWK whose members are not in small letters (Kty for kty). Store it with the names of RFC 7517."
    if {"clientid", "authority"} & set(by_lower_name):
        return "is a client configuration without a privateJwk. Store the one that Selvbetjening gave when the key was made."
    if any(_is_jwk(value) for value in members.values()):
        return "is a JWK inside another object, as consoles for keys and values write it. Store the inner JWK alone."
    if any(isinstance(value, str) and "-----BEGIN" in value for value in members.values()):
        return "is an object with a PEM in it. Take the PEM out, and convert it with python -m helseid_fn.cli.convert_key."
    return "has no kty, so it is not a JWK. Store the private JWK itself, as one JSON object."


def _is_jwk(value: Any) -> bool:
    if isinstance(value, str):
        value = _load_json(value)
    return isinstance(value, dict) and "kty" in value


def _load_inner(value: Any) -> dict[str, Any]:
    """Return the members of a client configuration's privateJwk, which is a JWK or the text of one."""
    inner = _load_json(value) if isinstance(value, str) else value
    if not isinstance(inner, dict) or "kty" not in inner:
        raise _not_a_key("is a client configuration whose privateJwk is not a JWK. Store it again as Selvbetjening gave it.")
    return _without_empty(inner)


def _without_empty(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value not in _EMPTY}


def _parse_json(text: str) -> Any:
    if not text:
        raise SigningKeyError("not_json", f"The private key at HELSEID_KEY is empty. {_STORE_JWK}")
    if text.startswith(("-----BEGIN", "LS0tLS1CRUdJTi")):  # PEM, and PEM in base64
        raise _pem(text[:_MAX_SHOWN])
    parsed = _load_json(text)
    if parsed is _TWICE:
        raise SigningKeyError(
            "bad_member", "The private key at HELSEID_KEY has a member twice. Store the key again as it was made."
        )
    if parsed is _NOT_JSON:
        raise SigningKeyError("not_json", f"The private key at HELSEID_KEY is not JSON. {_STORE_JWK}")
    return parsed


def _pem(start: str) -> SigningKeyError:
    if "ENCRYPTED" in start:
        return SigningKeyError("pem", f"The private key at HELSEID_KEY is encrypted PEM. {_CONVERT}")
    if start.startswith("-----BEGIN") and "PRIVATE" not in start:
        return SigningKeyError(
            "public_only",
            "The PEM at HELSEID_KEY is a public key or a certificate. Convert the private key that belongs to it with "
            "python -m helseid_fn.cli.convert_key.",
        )
    return SigningKeyError("pem", f"The private key at HELSEID_KEY is PEM. {_CONVERT}")


def _not_a_key(sentences: str) -> SigningKeyError:
    return SigningKeyError("not_a_key", f"The text at HELSEID_KEY {sentences}")


_NOT_JSON = object()
_TWICE = object()


class _MemberTwiceError(ValueError):
    """An object has two members of one name, of which a parser takes either (RFC 7517 section 4)."""


def _load_json(text: str) -> Any:
    """Return a marker for text that is not JSON: the parser's exception contains the text, and must not be chained."""
    try:
        return json.loads(text, object_pairs_hook=_collect)
    except _MemberTwiceError:
        return _TWICE
    except (ValueError, RecursionError):
        return _NOT_JSON


def _collect(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _MemberTwiceError
    return members
