"""The stand-in as one thing: HelseID, the Sample API and a secret manager in this process, to script and to observe."""

import ssl
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal, Self

from tests.standin import issuer_key
from tests.standin.clients import Client
from tests.standin.clock import Clock
from tests.standin.control import Control
from tests.standin.environment import environment
from tests.standin.helseid import HelseId, HelseIdSettings
from tests.standin.http_party import House
from tests.standin.record import Exchange, Record
from tests.standin.sample_api import BASE_PATH, GREETINGS_PATH, ApiSettings, SampleApi

if TYPE_CHECKING:
    from tests.standin.secret_manager import SecretManager


class StandIn:
    """Starts its parties when entered and stops them when left.

    The defaults are as strict as HelseID is known to be, or stricter; `HelseIdSettings` and `ApiSettings` say what else
    can be set, and `standin.api.settings` may be changed while it runs.
    """

    def __init__(
        self,
        clients: Sequence[Client] = (),
        *,
        issuer_path: str = "",
        secret_manager: bool = False,
        tls: ssl.SSLContext | None = None,
        token_lifetime_seconds: int = 600,
        clock_skew_seconds: float = 0,
        proof_freshness_seconds: float | None = None,
        nonce_on_success: bool = False,
        api_nonce: bool = False,
        api_nonce_on_success: bool = False,
        api_leeway_seconds: float = 0,
        clock: Callable[[], float] = time.time,
        control: bool = False,
        port_base: int | None = None,
    ) -> None:
        """Prepare without listening."""
        issuer_key.begin_making()
        self.clock = Clock(clock)
        self.record = Record()
        house = House(self.clock, self.record, tls)
        ports = (0, 0, 0) if port_base is None else (port_base, port_base + 1, port_base + 2)
        self.helseid = HelseId(
            house,
            HelseIdSettings(issuer_path, token_lifetime_seconds, clock_skew_seconds, proof_freshness_seconds, nonce_on_success),
            ports[0],
        )
        api_settings = ApiSettings(api_nonce, api_nonce_on_success, api_leeway_seconds)
        self.api = SampleApi(house, self.helseid, api_settings, ports[1])
        self._secret_manager = _secret_manager(house, ports[2]) if secret_manager else None
        if control:
            self.helseid.control = Control(self)
        for client in clients:
            self.register(client)

    def __enter__(self) -> Self:
        """Start every party."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop every party."""
        self.stop()

    def start(self) -> None:
        """Start every party, on its port of before if it had one."""
        for party in (self.helseid, self.api, self._secret_manager):
            if party is not None:
                party.start()

    def stop(self) -> None:
        """Stop every party and end every connection."""
        for party in (self.helseid, self.api, self._secret_manager):
            if party is not None:
                party.stop()

    @property
    def secret_manager(self) -> "SecretManager":
        """The secret manager, when `secret_manager=True` asked for one."""
        if self._secret_manager is None:
            message = "this stand-in was made without secret_manager=True"
            raise RuntimeError(message)
        return self._secret_manager

    @property
    def issuer(self) -> str:
        """HelseID's issuer."""
        return self.helseid.issuer

    @property
    def token_endpoint(self) -> str:
        """HelseID's token endpoint."""
        return self.helseid.token_endpoint

    @property
    def api_base(self) -> str:
        """What every path of the API is below."""
        return self.api.origin + BASE_PATH

    @property
    def api_url(self) -> str:
        """The Sample API's greeting for machines."""
        return self.api.origin + GREETINGS_PATH

    @property
    def secret_manager_address(self) -> str:
        """Host and port of the secret manager."""
        return self.secret_manager.address

    def environment(self, key_address: str, client_id: str | None = None) -> dict[str, str]:
        """Give the variables that point a function at this stand-in as one of its clients, the first unless named."""
        client = self.helseid.clients[client_id] if client_id else next(iter(self.helseid.clients.values()))
        manager = self._secret_manager.address if self._secret_manager else None
        return environment(client, self.issuer, self.api_url, key_address, manager)

    def register(self, client: Client) -> None:
        """Register a client, or replace what is registered under its id."""
        self.helseid.clients[client.client_id] = client

    def count(self, kind: str) -> int:
        """Count the requests of a kind that arrived: metadata, jwks, token, api, access and so on."""
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

    def revoke_tokens(self) -> None:
        """Let the API refuse every token issued up to now."""
        self.api.revoke(self.helseid.issued)

    def rotate_nonces(self, party: Literal["helseid", "api"]) -> None:
        """Make every nonce that a party gave out worthless."""
        (self.helseid if party == "helseid" else self.api).nonces.rotate()


def _secret_manager(house: House, port: int) -> "SecretManager":
    # Imported here because google's client takes 300 ms to import, and most tests have no use for it.
    from tests.standin.secret_manager import SecretManager  # noqa: PLC0415

    return SecretManager(house, port)
