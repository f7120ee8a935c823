"""A strict stand-in for HelseID, HelseID Selvbetjening, NHN's Sample API and Google Secret Manager, for tests only.

Start reading at `standin.py`; `token_request.py` and `api_access.py` make the checks in the order of the real services.
`python -m standin` runs it in a terminal.
"""

from standin import faults, secret_faults
from standin.clients import SAMPLE_AUDIENCE, SAMPLE_SCOPE, SELVBETJENING_AUDIENCE, SELVBETJENING_SCOPE, Client
from standin.keys import make_jwk, public_jwk
from standin.record import Exchange
from standin.refusals import Refusal
from standin.registered_keys import RegisteredKey
from standin.standin import StandIn

__all__ = [
    "SAMPLE_AUDIENCE",
    "SAMPLE_SCOPE",
    "SELVBETJENING_AUDIENCE",
    "SELVBETJENING_SCOPE",
    "Client",
    "Exchange",
    "Refusal",
    "RegisteredKey",
    "StandIn",
    "faults",
    "make_jwk",
    "public_jwk",
    "secret_faults",
]
