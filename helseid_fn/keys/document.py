"""Finds the members of the private JWK in a stored text, or says what the text is instead. Pure.

Taken are a JWK and a client configuration of Selvbetjening, whose `privateJwk` is the key. Members that are null or empty count
as absent: .NET's serializer writes them for every property that its JsonWebKey does not use.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from helseid_fn.errors import SigningKeyError
from helseid_fn.keys.key_text import STORE_JWK, load_json, member_twice, parse_json

PRIVATE_MEMBERS = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")
_EMPTY: tuple[Any, ...] = (None, "", [], {})
_MAX_SHOWN = 200
_SHORTEST_SECRET = 16


@dataclass(frozen=True, slots=True)
class KeyDocument:
    """The members of a private JWK; from a client configuration also the client id, the issuer and the scopes."""

    members: dict[str, Any] = field(repr=False)
    client_id: str | None = None
    issuer: str | None = None
    scopes: tuple[str, ...] = ()


def parse_document(text: str) -> KeyDocument:
    """Parse the text of a private JWK or of a client configuration; white space around it and a byte order mark are allowed.

    Raises `SigningKeyError`.
    """
    parsed = parse_json(text.lstrip("\ufeff").strip())
    if not isinstance(parsed, dict):
        what = "is a JWK in a JSON string" if _is_jwk(parsed) else "is JSON but not an object"
        raise _not_a_key(f"{what}. {'Store the JWK without the quotes.' if _is_jwk(parsed) else STORE_JWK}")
    members = _without_empty(parsed)
    if "kty" in members:
        return KeyDocument(members)
    by_lower_name = {name.lower(): value for name, value in members.items()}
    if len(by_lower_name) != len(members):  # one in camelCase and one in PascalCase
        raise member_twice()
    if "privatejwk" in by_lower_name:
        client_id, issuer = (by_lower_name.get(name) for name in ("clientid", "authority"))
        key = _load_inner(by_lower_name["privatejwk"])
        scopes = by_lower_name.get("scopes", by_lower_name.get("scope", ()))
        names = scopes.split() if isinstance(scopes, str) else scopes if isinstance(scopes, list) else ()
        return KeyDocument(
            key,
            None if client_id is None else str(client_id),
            None if issuer is None else str(issuer),
            tuple(str(name) for name in names),
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
    """Return whether a text contains the value of one of a JWK's private members; one that is too short is no such number."""
    values = (members.get(name) for name in PRIVATE_MEMBERS)
    return any(isinstance(value, str) and len(value) >= _SHORTEST_SECRET and value in text for value in values)


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
        return "is an object with a PEM in it. Take the PEM out, and convert it with helseid-fn import."
    return "has no kty, so it is not a JWK. Store the private JWK itself, as one JSON object."


def _is_jwk(value: Any) -> bool:
    try:
        inner = load_json(value) if isinstance(value, str) else value
    except SigningKeyError:  # it has a member twice
        return True
    return isinstance(inner, dict) and "kty" in inner


def _load_inner(value: Any) -> dict[str, Any]:
    """Return the members of a client configuration's privateJwk, which is a JWK or the text of one."""
    inner = load_json(value) if isinstance(value, str) else value
    if not isinstance(inner, dict) or "kty" not in inner:
        raise _not_a_key("is a client configuration whose privateJwk is not a JWK. Store it again as Selvbetjening gave it.")
    return _without_empty(inner)


def _without_empty(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value not in _EMPTY}


def _not_a_key(sentences: str) -> SigningKeyError:
    return SigningKeyError("not_a_key", f"The text at HELSEID_KEY {sentences}")
