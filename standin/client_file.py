"""Clients in files: the configuration that Selvbetjening gives of one, and the public halves of others'."""

import json
import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry

from standin.clients import Client, Tenancy
from standin.jose import ALGORITHMS, PRIVATE_MEMBERS
from standin.keys import make_jwk

_MEMBERS = ("clientId", "jwks", "scopes", "tenancy", "parents", "children", "name")
_TENANCIES: tuple[Tenancy, ...] = ("single-tenant", "multi-tenant", "none")


class ClientFileError(Exception):
    """A file has no usable client; the sentences say why and what to do."""


@dataclass(frozen=True)
class Identity:
    """The id and the private key of the stand-in's own client."""

    client_id: str
    jwk: dict[str, Any]


def make_identity(alg: str) -> Identity:
    """Make a new client id and a new key."""
    return Identity(str(uuid.uuid4()), make_jwk(alg, bits=3072, fresh=True))


def read_identity(path: Path) -> Identity | None:
    """Read the client that an earlier run exported to a file; None if there is no such file.

    Raises `ClientFileError` when the file is something else, so that nothing of somebody's is overwritten.
    """
    try:
        members = json.loads(path.read_text(encoding="utf-8"))
        identity = Identity(members["clientId"], json.loads(members["privateJwk"]))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        raise ClientFileError(f"{path} is not a file that --export wrote. Name another, or move it away.") from None
    if identity.jwk.get("alg") not in ALGORITHMS:
        raise ClientFileError(f"{path} has a key without an alg. Delete the file, and --export makes another client.")
    return identity


def describe_client(identity: Identity, issuer: str, client: Client) -> str:
    """Return a client's configuration as Selvbetjening gives it."""
    members = {
        "authority": issuer,
        "clientId": identity.client_id,
        "scopes": list(client.scopes),
        "privateJwk": json.dumps(identity.jwk),
    }
    return json.dumps(members, indent=2) + "\n"


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        path.chmod(0o600)
        file.write(text)


def read_clients(path: Path) -> list[Client]:
    """Read clients from a file: an object or a list of objects with clientId and jwks, and as they need the other members.

    Raises `ClientFileError`.
    """
    try:
        parsed = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        raise ClientFileError(f"{path} is not JSON. Write a list of clients.") from None
    return [_parse_client(path, each) for each in (parsed if isinstance(parsed, list) else [parsed])]


def _parse_client(path: Path, members: Any) -> Client:
    def fail(fault: str) -> ClientFileError:
        return ClientFileError(f"{path}: {fault}")

    if not isinstance(members, dict) or not isinstance(members.get("clientId"), str):
        raise fail("a client has no clientId. Write an object with clientId and jwks.")
    name = members["clientId"]
    unknown = sorted(set(members) - set(_MEMBERS))
    if unknown:
        raise fail(f"client {name} has an unknown member {unknown[0]}. It may have {', '.join(_MEMBERS)}.")
    jwks = members.get("jwks")
    jwks = jwks["keys"] if isinstance(jwks, dict) and "keys" in jwks else jwks
    if not isinstance(jwks, list) or not jwks or not all(_is_public_key(jwk) for jwk in jwks):
        raise fail(f"client {name} has no usable jwks. Write a list of public JWKs, each with its alg.")
    if any(PRIVATE_MEMBERS & set(jwk) for jwk in jwks):
        raise fail(f"client {name} has a private key in jwks. Write the public half only, and replace that key.")
    for member in ("scopes", "parents", "children"):
        value = members.get(member, [])
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise fail(f"{member} of client {name} is not a list of strings.")
    tenancy = members.get("tenancy", "single-tenant")
    if tenancy not in _TENANCIES:
        raise fail(f"tenancy of client {name} is not one of {', '.join(_TENANCIES)}.")
    given: dict[str, Any] = {"scopes": members["scopes"]} if "scopes" in members else {}
    given |= {"children": members["children"]} if "children" in members else {}
    if members.get("parents"):
        given |= {"parent": members["parents"][0], "other_parents": members["parents"][1:]}
    return Client(client_id=name, jwks=jwks, tenancy=tenancy, name=str(members.get("name", name)), **given)


def _is_public_key(jwk: Any) -> bool:
    if not isinstance(jwk, Mapping) or jwk.get("alg") not in ALGORITHMS:
        return False
    try:
        JWKRegistry.import_key(dict(jwk))
    except (JoseError, ValueError, TypeError, KeyError):
        return False
    return True
