"""HelseID, the API and a secret manager in one process; each line on standard input triggers an event."""

import json
import math
import sys
import time
from collections.abc import Callable, Mapping

from standin import Client, StandIn, make_jwk, public_jwk
from standin.http_party import HttpParty
from standin.jose import PRIVATE_MEMBERS
from standin.secret_manager import SecretManager
from tests.long.soak.ledger import Ledger

SECRET = "projects/soak/secrets/helseid-key"
MARGIN = 0.1
"""The fraction of a short token's lifetime that the function does not use."""


class Parties:
    """A stand-in with short-lived tokens and an API that requires nonces, and the events that it supports."""

    def __init__(self, lifetime_seconds: int) -> None:
        self._keys = [make_jwk("PS256", number=number) for number in range(3)]
        client = Client(client_id="soak", jwks=[public_jwk(each) for each in self._keys])
        self._standin = StandIn([client], secret_manager=True, api_nonce=True, token_lifetime_seconds=lifetime_seconds)
        self._ledger = Ledger(lifetime_seconds * MARGIN)
        self._standin.record.listeners.append(self._ledger.note)
        self._replaced = 0
        self._standin.secret_manager.add(SECRET, json.dumps(self._keys[0]))

    def serve(self) -> None:
        """Start, print the addresses, and carry out the lines of standard input until it ends."""
        happenings: Mapping[str, Callable[[], object]] = {
            "a revocation": self._standin.revoke_tokens,
            "a nonce rotation at HelseID": lambda: self._standin.rotate_nonces("helseid"),
            "a nonce rotation at the API": lambda: self._standin.rotate_nonces("api"),
            "a new key": self._replace_key,
            "a restart of HelseID": lambda: _restart(self._standin.helseid),
            "a restart of the API": lambda: _restart(self._standin.api),
            "a restart of the secret manager": lambda: _restart(self._standin.secret_manager),
        }
        with self._standin:
            secrets = [key[name] for key in self._keys for name in PRIVATE_MEMBERS & set(key)]
            environment = self._standin.environment(f"{SECRET}/versions/latest")
            _say({"environment": environment, "secrets": secrets, "happenings": list(happenings)})
            for line in sys.stdin:
                name = json.loads(line)
                if name != "count":
                    self._ledger.happened_at[name] = math.inf  # what comes meanwhile comes after it
                    happenings[name]()
                    self._ledger.happened_at[name] = time.time()
                _say(self._ledger.count())

    def _replace_key(self) -> None:
        self._replaced += 1
        self._standin.secret_manager.add(SECRET, json.dumps(self._keys[self._replaced % len(self._keys)]))


def _restart(party: HttpParty | SecretManager) -> None:
    party.stop()
    party.start()


def _say(members: Mapping[str, object]) -> None:
    print(json.dumps(members), flush=True)


if __name__ == "__main__":
    Parties(int(sys.argv[1])).serve()
