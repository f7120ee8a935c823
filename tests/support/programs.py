"""Another program that signs in to the stand-in: its Client, and what it sent."""

from pathlib import Path
from typing import Any

from helseid_fn import Client, Organization
from standin import SAMPLE_SCOPE, StandIn
from tests.support.deployment import CHILD, CLIENT_ID, PARENT, short_sleep

UNIT = Organization(parent=PARENT, child=CHILD)

WRITTEN = {
    "https://api.example.no:443/x?q": "https://api.example.no/x",
    "https://API.example.no/x": "https://api.example.no/x",
    "https://api.example.no:8443/x": "https://api.example.no:8443/x",
    "https://api.example.no": "https://api.example.no/",
    "https://bl\u00e5b\u00e6r.example/x": "https://xn--blbr-roah.example/x",
    "https://[::1]:8443/x": "https://[::1]:8443/x",
}
"""URLs as a program writes them, and as they are sent, without a query."""


def make_client(standin: StandIn, key_file: Path, **options: Any) -> Client:
    """Make a Client of the stand-in's first client."""
    known = {"issuer": standin.issuer, "client_id": CLIENT_ID, "key": f"file:{key_file}", "scopes": {SAMPLE_SCOPE}}
    return Client(**{**known, "organization": UNIT, "sleep": short_sleep, **options})


def jtis(standin: StandIn) -> list[str]:
    """Return the id of each proof that the API received."""
    return [exchange.claims["proof"]["jti"] for exchange in standin.exchanges("api")]
