"""What the demo prints: a line for each exchange, and with VERBOSE=1 the claims of its assertion, token and proof."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from demo.rotation import Rotation, Step, shorten

PARTIES = {
    "secret_manager": "Secret Manager",
    "secrets_manager": "Secrets Manager",
    "helseid": "HelseID",
    "api": "Sample API",
    "selvbetjening": "Selvbetjening",
}
NOTES = {
    "access": "the private key",
    "metadata": "the token endpoint",
    "token": "token for {organization}",
    "api": "token and proof accepted",
    "register": "the new public key",
}
"""What a request of a kind is for; the other kinds say it themselves."""
WIDTH = 118
TERMS = """\
  assertion  a JWT signed with the client's private key, new for each request: who asks (private_key_jwt)
  proof      a JWT signed with a temporary key, new for each request; htm and htu are its method and URL (DPoP)
  token      bound to the proof's key, so a thief cannot use it; ath in a proof is the token's hash
  nonce      a value from the server that shows that a proof is fresh
Tokens, signatures and keys are left out, and ids are shortened.
"""

verbose = os.environ.get("VERBOSE", "") not in ("", "0")


def print_line(text: str = "") -> None:
    """Print at once, so that a person sees what is going on."""
    print(text, flush=True)


def print_exchange(event: Mapping[str, Any], sender: str = "function") -> None:
    """Print one request to a party and the status of its response, with a note on what it was for."""
    target = event["target"].rpartition("/secrets/")[2] if event["party"] == "secret_manager" else event["target"]
    # By gRPC every method is a POST.
    method = event["kind"] if event["party"] == "secret_manager" else event["method"]
    timing = f"{event['status']!s:>4} {event['duration_ms']:>6.1f} ms"
    _print_arrow(sender, PARTIES[event["party"]], f"{f'{method} {target}':<43} {timing}  {_describe(event)}")
    if verbose:
        _print_claims(event["claims"])


def print_step(step: Step) -> None:
    """Print the exchanges of one step of a rotation, and its result."""
    if step.cause:
        _print_arrow("AWS", "rotation", step.cause)
    for event in step.events:
        print_exchange(event, "rotation")
    _print_field(step.name, step.text, indent=13)


def print_call(body: str, receiver: str = "function", sender: str = "you") -> None:
    """Print the request that starts the function."""
    _print_arrow(sender, receiver, body)


def print_response(status: int, response: Mapping[str, Any], log_line: Mapping[str, Any]) -> None:
    """Print what the caller of the function got, and with VERBOSE=1 how the function logged it."""
    result = response["api"]["body"]["greeting"].partition("!")[0] if status == 200 else response["code"]
    _print_arrow("function", "you", f"{'':<43} {status:>4} {log_line['duration_ms']:>6} ms  {result}")
    if status != 200:
        _print_field("detail", response["detail"], indent=13)
    if verbose:
        waited_ms = sum(log_line["durations_ms"].values())
        print_line()
        if status == 200:
            token = response["token"]
            origin = "cached" if token["cached"] else "new"
            _print_field("token", f"{origin}, {token['expires_in_seconds']} s left, {token['scope']}")
        _print_field("time", f"{log_line['duration_ms']} ms, of which {waited_ms} ms waiting for the other parties")
        _print_field("log", f"{log_line['severity']}: {log_line['message']}")


def print_delivery(name: str, content: bytes) -> None:
    """Print what was delivered."""
    _print_arrow("function", "results", f"{'':<43} {len(content)} bytes of {name}")


def print_rotation(rotation: Rotation, statuses: Sequence[int]) -> None:
    """Print the new key, and the result of the calls that ran at the same time."""
    line = rotation.log_line
    print_line()
    _print_field("new key", f"kid {shorten(line['kid'])}, expires in {round(line['key_expires_in_days'])} days")
    succeeded = statuses.count(200)
    returned = "all" if succeeded == len(statuses) else f"{succeeded} of them"
    _print_field("meanwhile", f"{len(statuses)} calls, {returned} returned 200")
    if verbose:
        _print_field("log", f"{line['severity']}: {line['message']}")


def print_summary(results: Sequence[tuple[str, str]], next_command: str) -> None:
    """Print what each scene showed and its result, and the command to try next."""
    print_line("Summary")
    for number, (shown, result) in enumerate(results, start=1):
        print_line(f"  {number}. {shown:<52} {result}")
    print_line(f"\nNext: {next_command}")


def describe_requests(requests: Sequence[int]) -> str:
    """Describe how many requests a call made to the secret manager, HelseID and the API."""
    names = ("to the secret manager", "to HelseID", "to the API")
    return "requests: " + ", ".join(f"{count} {name}" for count, name in zip(requests, names, strict=True) if count)


def _describe(event: Mapping[str, Any]) -> str:
    refusal, claims = event["refusal"], event["claims"]
    if refusal and refusal["error"] == "use_dpop_nonce":
        return "use_dpop_nonce: retry with this nonce"
    if refusal:
        return str(refusal["error"])
    if event["status"] == 404:
        return "there is none"
    organization = _organization(claims.get("assertion", {})).removeprefix("NO:ORGNR:")
    if event["kind"] == "token" and not organization:
        return "token without an organization"
    return NOTES.get(event["kind"], "").format(organization=organization)


def _print_claims(claims: Mapping[str, Any]) -> None:
    if "assertion" in claims:
        assertion = claims["assertion"]
        header, issued_at = assertion["header"], assertion["iat"]
        organization = _organization(assertion)
        shown = {
            "alg": header["alg"],
            "kid": shorten(header.get("kid", "none")),
            "aud": assertion["aud"],
            "nbf": f"iat-{issued_at - assertion['nbf']}",
            "exp": f"iat+{assertion['exp'] - issued_at}",
            "jti": shorten(assertion["jti"]),
        }
        _print_field("assertion", _join(shown | ({"organization": organization} if organization else {})), indent=13)
    if "token" in claims:
        token = claims["token"]
        _print_field("token", _join({"aud": token["aud"], "bound to key": shorten(token["cnf"]["jkt"])}), indent=13)
    if "proof" in claims:
        proof = claims["proof"]
        own = {"key": shorten(proof["header"]["jwk_thumbprint"]), "jti": shorten(proof["jti"])}
        own |= {name: proof[name] for name in ("htm", "htu")}
        own |= {name: shorten(proof[name]) for name in ("nonce", "ath") if name in proof}
        _print_field("proof", _join(own), indent=13)


def _organization(assertion: Mapping[str, Any]) -> str:
    details = assertion.get("assertion_details", [])
    for detail in details if isinstance(details, list) else [details]:
        if detail["type"] == "helseid_authorization":
            return str(detail["practitioner_role"]["organization"]["identifier"]["value"])
    return ""


def _join(members: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in members.items())


def _print_arrow(sender: str, receiver: str, text: str) -> None:
    print_line(f"  {sender:<8} → {receiver:<15} {text}".rstrip())


def _print_field(name: str, value: str, *, indent: int = 2) -> None:
    first = f"{'':<{indent}}{name:<12} "
    print_line(
        textwrap.fill(
            value,
            width=WIDTH,
            initial_indent=first,
            subsequent_indent=" " * len(first),
            break_long_words=False,
            break_on_hyphens=False,
        )
    )
