"""What a test can read: the exchanges, the secrets, and the registered and used keys."""

from standin.record import Exchange, Record
from standin.registered_keys import RegisteredKey, RegisteredKeys


class Observation:
    """Read access to a record and to HelseID's registered keys."""

    def __init__(self, record: Record, keys: RegisteredKeys) -> None:
        """Read from these."""
        self.record = record
        self.keys = keys

    def count(self, kind: str) -> int:
        """Return the number of requests of a kind, such as metadata, jwks, token, api, register or access."""
        return len(self.record.exchanges(kind))

    @property
    def received(self) -> list[Exchange]:
        """Every exchange so far, in the order of arrival."""
        return self.record.exchanges()

    def exchanges(self, kind: str | None = None) -> list[Exchange]:
        """Return every exchange so far, or those of one kind."""
        return self.record.exchanges(kind)

    def secrets(self) -> list[str]:
        """Return every text that must not appear in a log or a response: tokens, assertions, proofs, private members."""
        return self.record.secrets()

    def reset_record(self) -> None:
        """Remove the recorded exchanges; used jti values stay used."""
        self.record.reset()

    def registered_keys(self, client_id: str | None = None) -> list[RegisteredKey]:
        """Return the keys of one client, or of all, in the order of registration."""
        return self.keys.all() if client_id is None else self.keys.of(client_id)

    def signing_kids(self) -> list[str | None]:
        """Return the kid of each granted token request's assertion, in the order of arrival."""
        granted = [exchange for exchange in self.record.exchanges("token") if exchange.status == 200 and not exchange.refusal]
        return [exchange.claims["assertion"]["header"].get("kid") for exchange in granted]
