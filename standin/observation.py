"""What a test or a person may look at: exchanges, secrets, and which key was registered and used when."""

from standin.record import Exchange, Record
from standin.registered_keys import RegisteredKey, RegisteredKeys


class Observation:
    """The face of a record and of HelseID's register of keys."""

    def __init__(self, record: Record, keys: RegisteredKeys) -> None:
        """Look at these."""
        self.record = record
        self.keys = keys

    def count(self, kind: str) -> int:
        """Count the requests of a kind that arrived: metadata, jwks, token, api, register, access and so on."""
        return len(self.record.exchanges(kind))

    @property
    def received(self) -> list[Exchange]:
        """Every exchange so far, in the order of arrival."""
        return self.record.exchanges()

    def exchanges(self, kind: str | None = None) -> list[Exchange]:
        """Every exchange so far, or those of one kind."""
        return self.record.exchanges(kind)

    def secrets(self) -> list[str]:
        """Every text that must turn up nowhere: tokens, assertions, proofs, private key members."""
        return self.record.secrets()

    def reset_record(self) -> None:
        """Forget what was received; what was used up stays used up."""
        self.record.reset()

    def registered_keys(self, client_id: str | None = None) -> list[RegisteredKey]:
        """Every key of a client, or of all, in the order of registration; `posted` says how often each was posted."""
        return self.keys.all() if client_id is None else self.keys.of(client_id)

    def signing_kids(self) -> list[str | None]:
        """Name the key that signed each token request that was granted, in the order of arrival."""
        granted = [exchange for exchange in self.record.exchanges("token") if exchange.status == 200 and not exchange.refusal]
        return [exchange.claims["assertion"]["header"].get("kid") for exchange in granted]
