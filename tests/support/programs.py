"""A program of one's own that signs in to the stand-in: its Client, and what it sent."""

from pathlib import Path
from typing import Any

from helseid_fn import Client, Organization
from standin import SAMPLE_SCOPE, StandIn
from tests.support.deployment import CHILD, CLIENT_ID, PARENT, short_sleep

UNIT = Organization(parent=PARENT, child=CHILD)


def make_client(standin: StandIn, key_file: Path, **options: Any) -> Client:
    """Make a Client of the stand-in's first client."""
    known = {"issuer": standin.issuer, "client_id": CLIENT_ID, "key": f"file:{key_file}", "scopes": {SAMPLE_SCOPE}}
    return Client(**{**known, "organization": UNIT, "sleep": short_sleep, **options})


def jtis(standin: StandIn) -> list[str]:
    """Return the id of each proof that the API received."""
    return [exchange.claims["proof"]["jti"] for exchange in standin.exchanges("api")]
