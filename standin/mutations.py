"""Mutations of a valid request: functions that change one thing in it before it is signed and sent."""

from collections.abc import Callable
from typing import Any

from standin.forgery import Forged
from standin.keys import make_jwk

Mutation = Callable[[Forged], object]


def form(name: str, value: str | None) -> Mutation:
    """Set a form member to another value, or remove it."""

    def mutate(forged: Forged) -> None:
        forged.form = [pair for pair in forged.form if pair[0] != name]
        if value is not None:
            forged.form.append((name, value))

    return mutate


def add_form(name: str, value: str) -> Mutation:
    """Add a form member."""
    return lambda forged: forged.form.append((name, value))


def jws(part: str, **members: Any) -> Callable[[str], Mutation]:
    """Set members of a header or payload; `...` removes a member."""

    def of(which: str) -> Mutation:
        def mutate(forged: Forged) -> None:
            target = getattr(getattr(forged, which), part)
            for name, value in members.items():
                target[name] = value
                if value is ...:
                    del target[name]

        return mutate

    return of


def claims(which: str, **members: Any) -> Mutation:
    """Set claims of the assertion, the proof or the token."""
    return jws("claims", **members)(which)


def header(which: str, **members: Any) -> Mutation:
    """Set header members of the assertion, the proof or the token."""
    return jws("header", **members)(which)


def attribute(which: str, name: str, value: Any) -> Mutation:
    """Set the text, signature or key of a JWS."""
    return lambda forged: setattr(getattr(forged, which), name, value)


def request_part(name: str, value: Any) -> Mutation:
    """Set a part of the request outside its JWSs, such as the method."""
    return lambda forged: setattr(forged, name, value)


def all_of(*mutations: Mutation) -> Mutation:
    """Apply several mutations that make up one fault."""
    return lambda forged: [mutate(forged) for mutate in mutations]


def as_client(client_id: str, organization: Any) -> Mutation:
    """Sign in as another client, for an organization or for none."""
    given = claims("assertion", assertion_details=organization)
    return all_of(form("client_id", client_id), claims("assertion", iss=client_id, sub=client_id), given)


def endpoint_as_audience(forged: Forged) -> None:
    """Use the token endpoint as the audience, which HelseID refuses."""
    assert forged.assertion
    forged.assertion.claims["aud"] = forged.url


def audience_in_list(forged: Forged) -> None:
    """Put the audience in a list."""
    assert forged.assertion
    forged.assertion.claims["aud"] = [forged.assertion.claims["aud"]]


def audience_with_slash(forged: Forged) -> None:
    """Append a slash to the audience."""
    assert forged.assertion
    forged.assertion.claims["aud"] += "/"


def no_algorithm(forged: Forged) -> None:
    """Send an unsigned assertion."""
    assert forged.assertion
    forged.assertion.header["alg"] = "none"
    forged.assertion.signature = ""


def private_jwk(forged: Forged) -> None:
    """Put the private key in the proof."""
    forged.proof.header["jwk"] = forged.proof.key


def tampered(forged: Forged) -> None:
    """Change a proof after it was signed."""
    text = forged.proof.sign().split(".")
    forged.proof.claims["jti"] += "x"
    forged.proof.signature = text[2]


def weak_client_key(forged: Forged) -> None:
    """Sign with a registered RSA key of 1024 bits."""
    assert forged.assertion
    forged.assertion.key = make_jwk("RS256", bits=1024, kid="weak", number=9)
    forged.assertion.header.update(alg="RS256", kid="weak")


def other_htu(**parts: str) -> Mutation:
    """Replace parts of the proof's URL."""

    def mutate(forged: Forged) -> None:
        for old, new in parts.items():
            forged.proof.claims["htu"] = forged.proof.claims["htu"].replace(old, new)

    return mutate
