"""The whole stand-in: HelseID, Selvbetjening, the Sample API and a secret manager, to script and to observe."""

import ssl
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal, Self

from standin import address_register, edi, fhir, issuer_key
from standin.clients import Client
from standin.clock import Clock
from standin.console.server import Console
from standin.control import Control
from standin.environment import Endpoints, environment
from standin.helseid import HelseId, HelseIdSettings
from standin.http_party import HttpParty, Shared
from standin.observation import Observation
from standin.protected_api import ProtectedApi
from standin.record import Record
from standin.sample_api import BASE_PATH, GREETINGS_PATH, ApiSettings, SampleApi
from standin.selvbetjening import CLIENT_SECRET_PATH, KEY_LIFETIME_SECONDS, Selvbetjening, SelvbetjeningSettings

if TYPE_CHECKING:
    from standin.secret_manager import SecretManager


class StandIn(Observation):
    """Starts its parties on entering and stops them on leaving.

    The defaults are at least as strict as HelseID is known to be. `standin.api.settings` and
    `standin.selvbetjening.settings` can be changed while the stand-in runs.
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
        key_lifetime_seconds: float = KEY_LIFETIME_SECONDS,
        key_activation_seconds: float = 0,
        clock: Callable[[], float] = time.time,
        control: bool = False,
        console: bool = False,
        port_base: int = 0,
    ) -> None:
        """Set up the parties; they listen after `start`."""
        issuer_key.start_generating()
        self.clock = Clock(clock)
        shared = Shared(self.clock, Record(), tls)
        ports = [0] * 5 if not port_base else range(port_base, port_base + 5)
        settings = HelseIdSettings(
            issuer_path, token_lifetime_seconds, clock_skew_seconds, proof_freshness_seconds, nonce_on_success
        )
        self.helseid = HelseId(shared, settings, ports[0])
        super().__init__(shared.record, self.helseid.keys)
        api_settings = ApiSettings(
            nonce_required=api_nonce, nonce_on_success=api_nonce_on_success, leeway_seconds=api_leeway_seconds
        )
        self.api = SampleApi(shared, self.helseid, api_settings, ports[1])
        self._secret_manager = _secret_manager(shared, ports[2]) if secret_manager else None
        registration = SelvbetjeningSettings(lifetime_seconds=key_lifetime_seconds, activation_seconds=key_activation_seconds)
        self.selvbetjening = Selvbetjening(shared, self.helseid, registration, ports[3])
        self._console = Console(shared, self.helseid, ports[4]) if console else None
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
        """Start every party; a restarted party takes the same port again. Raises `PortInUseError`."""
        try:
            for party in self._parties:
                party.start()
        except OSError:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop every party and close every connection."""
        for party in self._parties:
            party.stop()

    @property
    def _parties(self) -> "list[HttpParty | SecretManager | Console]":
        optional = [each for each in (self._secret_manager, self._console) if each is not None]
        return [self.helseid, self.api, self.selvbetjening, *optional]

    @property
    def secret_manager(self) -> "SecretManager":
        """The secret manager; raises `RuntimeError` without `secret_manager=True`."""
        if self._secret_manager is None:
            message = "this stand-in has no secret manager: pass secret_manager=True"
            raise RuntimeError(message)
        return self._secret_manager

    @property
    def console_url(self) -> str:
        """The URL of the console's page; raises `RuntimeError` without `console=True`."""
        if self._console is None:
            message = "this stand-in has no console: pass console=True"
            raise RuntimeError(message)
        return self._console.url

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
        """The base of the API's URLs."""
        return self.api.origin + BASE_PATH

    @property
    def api_url(self) -> str:
        """The URL of the Sample API's greeting for machine clients."""
        return self.api.origin + GREETINGS_PATH

    @property
    def fhir_base(self) -> str:
        """The base URL of the API's FHIR server."""
        return self.api.origin + fhir.BASE_PATH

    @property
    def address_register_base(self) -> str:
        """The base URL of Adresseregisteret's feed."""
        return self.api.origin + address_register.BASE_PATH

    @property
    def edi_base(self) -> str:
        """The base URL of EDI 2.0's inbox."""
        return self.api.origin + edi.BASE_PATH

    @property
    def registration_url(self) -> str:
        """The URL at which Selvbetjening registers and lists keys."""
        return self.selvbetjening.origin + CLIENT_SECRET_PATH

    @property
    def secret_manager_address(self) -> str:
        """The host and port of the secret manager."""
        return self.secret_manager.address

    def environment(self, key_address: str, client_id: str | None = None, pending_key: str | None = None) -> dict[str, str]:
        """Return the settings for a function that signs in here, as the first client unless one is named."""
        client = self.helseid.clients[client_id] if client_id else next(iter(self.helseid.clients.values()))
        manager = self._secret_manager.address if self._secret_manager else None
        endpoints = Endpoints(self.issuer, self.api_url, key_address, self.selvbetjening.origin, pending_key, manager)
        return environment(client, endpoints)

    def register(self, client: Client) -> None:
        """Register a client and its keys, or replace the client of this id."""
        self.helseid.register(client)

    def expire_key(self, kid: str, in_seconds: float = 0) -> None:
        """Expire a registered key, now or in some seconds."""
        self.keys.expire(kid, in_seconds)

    def revoke_tokens(self) -> None:
        """Make the APIs refuse every token issued so far."""
        for api in (self.api, self.selvbetjening):
            api.revoke(self.helseid.issued)

    def rotate_nonces(self, party: Literal["helseid", "api", "selvbetjening"]) -> None:
        """Invalidate every nonce that a party has issued."""
        parties: dict[str, HelseId | ProtectedApi] = {
            "helseid": self.helseid,
            "api": self.api,
            "selvbetjening": self.selvbetjening,
        }
        parties[party].nonces.rotate()


def _secret_manager(shared: Shared, port: int) -> "SecretManager":
    # Imported late: Google's client takes 300 ms to import, and most tests do not use it.
    from standin.secret_manager import SecretManager  # noqa: PLC0415

    return SecretManager(shared, port)
