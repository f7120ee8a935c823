"""Ways to bend a right request in one thing, each a function that changes it before it is signed and sent."""

from collections.abc import Callable
from typing import Any

from standin.forgery import Forged
from standin.keys import make_jwk

Bend = Callable[[Forged], object]


def form(name: str, value: str | None) -> Bend:
    """Give a form member another value, or none."""

    def bend(forged: Forged) -> None:
        forged.form = [pair for pair in forged.form if pair[0] != name]
        if value is not None:
            forged.form.append((name, value))

    return bend


def more_form(name: str, value: str) -> Bend:
    """Add a form member."""
    return lambda forged: forged.form.append((name, value))


def jws(part: str, **members: Any) -> Callable[[str], Bend]:
    """Give members of a header or payload other values; `...` takes a member away."""

    def of(which: str) -> Bend:
        def bend(forged: Forged) -> None:
            target = getattr(getattr(forged, which), part)
            for name, value in members.items():
                target[name] = value
                if value is ...:
                    del target[name]

        return bend

    return of


def claims(which: str, **members: Any) -> Bend:
    """Bend claims of the assertion, the proof or the token."""
    return jws("claims", **members)(which)


def header(which: str, **members: Any) -> Bend:
    """Bend header members of the assertion, the proof or the token."""
    return jws("header", **members)(which)


def attribute(which: str, name: str, value: Any) -> Bend:
    """Set the text, signature or key of a JWS, whatever else it says."""
    return lambda forged: setattr(getattr(forged, which), name, value)


def outer(name: str, value: Any) -> Bend:
    """Set a part of the request itself."""
    return lambda forged: setattr(forged, name, value)


def both(*bends: Bend) -> Bend:
    """Bend in several places what is wrong in one thing."""
    return lambda forged: [bend(forged) for bend in bends]


def as_client(client_id: str, organization: Any) -> Bend:
    """Sign in as another client, for an organization or for none."""
    given = claims("assertion", assertion_details=organization)
    return both(form("client_id", client_id), claims("assertion", iss=client_id, sub=client_id), given)


def foreign_issuer(forged: Forged) -> None:
    """Name the token endpoint as the audience, which HelseID forbids."""
    assert forged.assertion
    forged.assertion.claims["aud"] = forged.url


def listed_issuer(forged: Forged) -> None:
    """Name the issuer in a list."""
    assert forged.assertion
    forged.assertion.claims["aud"] = [forged.assertion.claims["aud"]]


def slashed_issuer(forged: Forged) -> None:
    """Name the issuer with a slash at its end."""
    assert forged.assertion
    forged.assertion.claims["aud"] += "/"


def no_algorithm(forged: Forged) -> None:
    """Send an unsigned assertion."""
    assert forged.assertion
    forged.assertion.header["alg"] = "none"
    forged.assertion.signature = ""


def private_jwk(forged: Forged) -> None:
    """Show the private key in the proof."""
    forged.proof.header["jwk"] = forged.proof.key


def spoilt(forged: Forged) -> None:
    """Change a proof after it was signed."""
    text = forged.proof.sign().split(".")
    forged.proof.claims["jti"] += "x"
    forged.proof.signature = text[2]


def weak_client_key(forged: Forged) -> None:
    """Sign with a registered RSA key of 1024 bits."""
    assert forged.assertion
    forged.assertion.key = make_jwk("RS256", bits=1024, kid="weak", number=9)
    forged.assertion.header.update(alg="RS256", kid="weak")


def other_htu(**parts: str) -> Bend:
    """Write the URL of the proof differently."""

    def bend(forged: Forged) -> None:
        for old, new in parts.items():
            forged.proof.claims["htu"] = forged.proof.claims["htu"].replace(old, new)

    return bend
