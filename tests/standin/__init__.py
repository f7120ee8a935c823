"""A strict stand-in for HelseID, NHN's Sample API and Google Secret Manager, on loopback and for tests only.

Start reading at `standin.py`; `token_request.py` and `api_access.py` hold the checks in the order the real ones make
them. `python -m tests.standin` runs it for people.
"""

from tests.standin import faults, secret_faults
from tests.standin.clients import SAMPLE_AUDIENCE, SAMPLE_SCOPE, Client
from tests.standin.keys import make_jwk, public_jwk
from tests.standin.record import Exchange
from tests.standin.refusals import Refusal
from tests.standin.standin import StandIn

__all__ = [
    "SAMPLE_AUDIENCE",
    "SAMPLE_SCOPE",
    "Client",
    "Exchange",
    "Refusal",
    "StandIn",
    "faults",
    "make_jwk",
    "public_jwk",
    "secret_faults",
]
