"""The first checks: the settings and the private key."""

from __future__ import annotations

import time
from base64 import urlsafe_b64decode
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from helseid_fn.cli.doctor.finding import Finding, State, ok
from helseid_fn.context import Context
from helseid_fn.keys.expiry import DAY_SECONDS
from helseid_fn.keys.signing_key import SigningKey, parse_signing_key
from helseid_fn.keys.stored import StoredKey
from helseid_fn.secret_store.reader import open_reader
from helseid_fn.settings import Settings, find_warnings

EXPIRES_SOON_DAYS = 30


def check_settings(settings: Settings, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Report settings that are valid, and the variables that look like one but are not."""
    warnings = find_warnings(environ)
    for warning in warnings:
        yield Finding("settings", State.WARNING, warning, code="settings.suspicious")
    if not warnings:
        yield ok("settings", f"Complete, for the client {settings.client_id} at {settings.issuer}.")


def read_key(settings: Settings, environ: Mapping[str, str], ctx: Context) -> tuple[StoredKey, SigningKey]:
    """Read and parse the key at HELSEID_KEY, with OpenSSL's full check of it.

    Raises `HelseidFnError`.
    """
    endpoint = settings.secret_manager_endpoint
    reader = open_reader(settings.key_address, google_endpoint=endpoint, environ=environ, sleep=time.sleep)
    stored = reader.read(ctx)
    key = parse_signing_key(
        stored.text,
        expires_at=stored.expires_at,
        stored_at=stored.stored_at,
        client_id=settings.client_id,
        issuer=settings.issuer,
        check_primes=True,
    )
    return stored, key


def check_key(key: SigningKey, address: str, now: float) -> Finding:
    """Report what the key is, and when it expires."""
    size = f"RSA of {_rsa_bits(key)} bits" if key.alg[0] in "RP" else f"elliptic curve {key.public_jwk['crv']}"
    made = "" if key.made_at is None else f", {max(0, (now - key.made_at) / DAY_SECONDS):.0f} days old"
    what = f"{address}: {size}, alg {key.alg}, kid {key.kid or 'none'}{made}"
    if key.kid is None:
        remedy = "Add the kid that Selvbetjening shows, so that HelseID can find the key."
        return Finding("key", State.WARNING, f"{what}.", remedy, "key.no_kid")
    if key.expiry is None:
        return ok("key", f"{what}, of unknown age and expiry, so nobody is warned in time (store it with an exp or an iat).")
    days = (key.expiry.at - now) / DAY_SECONDS
    on = f"{datetime.fromtimestamp(key.expiry.at, UTC):%Y-%m-%d}"
    if key.expiry.is_assumed:
        finding = f"The expiry of the key is unknown and taken to be {on}, in {days:.0f} days ({what})."
        remedy = "Look the date up in Selvbetjening, and note it with helseid-fn key expires DATE."
        soon = days < EXPIRES_SOON_DAYS
        return Finding("key", State.WARNING, finding, remedy, "key.expires_soon") if soon else ok("key", f"{finding} {remedy}")
    if days <= 0:
        remedy = "Make a new one with helseid-fn key new, and register it in Selvbetjening."
        return Finding("key", State.FAILED, f"The key expired on {on} ({what}).", remedy, "key.expired")
    if days < EXPIRES_SOON_DAYS:
        remedy = "Replace it with helseid-fn rotate, or by hand."
        return Finding(
            "key", State.WARNING, f"The key expires on {on}, in {days:.0f} days ({what}).", remedy, "key.expires_soon"
        )
    return ok("key", f"{what}, expires on {on}.")


def _rsa_bits(key: SigningKey) -> int:
    return int.from_bytes(urlsafe_b64decode(f"{key.public_jwk['n']}=="), "big").bit_length()
