"""The sign-in: HelseID's metadata, this machine's clock, the token, and why HelseID refuses it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from helseid_fn.cli.doctor.attempts import find_accepted_form
from helseid_fn.cli.doctor.finding import Finding, State, of_error, ok
from helseid_fn.context import Context
from helseid_fn.errors import HelseidFnError, Refused
from helseid_fn.http.clock import is_likely_cause, read_seconds_ahead
from helseid_fn.http.exchange import Exchange
from helseid_fn.http.messages import Response
from helseid_fn.http.transport import Transport
from helseid_fn.keys.signing_key import SigningKey
from helseid_fn.oauth.dpop import new_jti
from helseid_fn.oauth.metadata import Metadata, MetadataSource
from helseid_fn.oauth.organization import Organization, describe
from helseid_fn.oauth.token_request import TokenRequest, fetch_token
from helseid_fn.oauth.token_response import Token
from helseid_fn.settings import Settings

DEADLINE_SECONDS = 20.0
_NETWORK_CHECKS = {"dns": "dns", "connect": "tcp", "proxy": "proxy", "tls": "tls"}
"""The check that a failure to connect belongs to, by its reason."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """What is needed to sign in; `exchanges` is where the transport puts what it has sent and received."""

    settings: Settings
    transport: Transport
    exchanges: list[Exchange]
    now: Callable[[], float]

    def fetch_metadata(self) -> Metadata | HelseidFnError:
        """Fetch HelseID's metadata."""
        host = self.settings.token_endpoint_host
        source = MetadataSource(self.settings.issuer, self.transport, token_endpoint_host=host, now=self.now)
        try:
            return source.get(Context(DEADLINE_SECONDS))
        except HelseidFnError as error:
            return error

    def check_metadata(self, key: SigningKey | None) -> Iterator[Finding]:
        """Report the clock by the metadata's `Date`, and whether the metadata lists what the function signs with."""
        yield self._check_clock()
        members = self._last_response().json_members()
        for name, alg in (
            ("token_endpoint_auth_signing_alg_values_supported", key and key.alg),
            ("dpop_signing_alg_values_supported", "ES256"),
        ):
            listed = members.get(name)
            if isinstance(listed, list) and alg and alg not in listed:
                finding = f"HelseID's metadata does not list {alg} ({name}). It has {', '.join(map(str, listed))}."
                yield Finding("metadata", State.WARNING, finding, "Register a key of one of these.", "metadata.alg")
        yield ok("metadata", f"{self.settings.issuer} is the issuer, to the letter.")

    def request(self, key: SigningKey, metadata: Metadata, organization: Organization, scopes: frozenset[str]) -> Token:
        """Request a token, without a cache. Raises `HelseidFnError`."""
        asked = TokenRequest(self.settings.client_id, key, organization, scopes, self.now, new_jti)
        return fetch_token(asked, metadata, self.transport, Context(DEADLINE_SECONDS))

    def check_token(self, key: SigningKey, metadata: Metadata) -> tuple[Token | None, list[Finding]]:
        """Request the function's token, and explain a refusal as far as one can."""
        settings = self.settings
        try:
            token = self.request(key, metadata, settings.organization, settings.scopes)
        except HelseidFnError as error:
            return None, list(self._explain(error, key, metadata))
        rounds = sum(1 for each in self.exchanges if each.method == "POST")
        nonce = " after a round for the nonce" if rounds > 1 else ""
        whom = describe(settings.organization).strip(":")
        granted = ok("token", f"Granted{nonce}: {' '.join(sorted(token.scopes))}, for {token.lifetime_seconds} s.")
        return token, [granted, ok("organization", f"The token is for {whom or 'the organization of the registration'}.")]

    def _explain(self, error: HelseidFnError, key: SigningKey, metadata: Metadata) -> Iterator[Finding]:
        if not isinstance(error, Refused):
            yield of_network(error, "token")
        elif error.reason == "invalid_client" and not self._clock_is_off():
            yield find_accepted_form(self, key, metadata) or _unknown_key(key, self.settings)
        elif "HID-" in str(error):
            yield of_error("organization", error)
        elif error.reason in ("invalid_scope", "scope_not_granted"):
            yield self._find_refused_scopes(key, metadata) or of_error("token", error)
        else:
            yield of_error("token", error)

    def _find_refused_scopes(self, key: SigningKey, metadata: Metadata) -> Finding | None:
        """Request each scope by itself."""
        refused = []
        for scope in sorted(self.settings.scopes):
            try:
                self.request(key, metadata, self.settings.organization, frozenset({scope}))
            except Refused:
                refused.append(scope)
            except HelseidFnError:
                return None
        if not refused:
            return None
        remedy = "Check its spelling in HELSEID_SCOPE, and in Selvbetjening that the client has it and that it is not pending."
        return Finding("token", State.FAILED, f"HelseID does not grant {', '.join(refused)}.", remedy, "token.scope")

    def _check_clock(self) -> Finding:
        seconds = self._seconds_ahead()
        if seconds is None:
            return Finding(
                "clock", State.WARNING, "HelseID's response has no Date, so the clock is not compared.", code="clock.unknown"
            )
        if not is_likely_cause(seconds):
            return ok("clock", f"Right by HelseID's, to {max(1, abs(seconds))} s.")
        where = "ahead of" if seconds > 0 else "behind"
        finding = f"This machine's clock is {abs(seconds)} s {where} HelseID's."
        return Finding("clock", State.FAILED, finding, "Synchronize it (NTP).", f"clock.{where.split(maxsplit=1)[0]}")

    def _clock_is_off(self) -> bool:
        return is_likely_cause(self._seconds_ahead())

    def _seconds_ahead(self) -> int | None:
        return read_seconds_ahead(self._last_response(), self.now())

    def _last_response(self) -> Response:
        return next(each.outcome for each in reversed(self.exchanges) if isinstance(each.outcome, Response))


def of_network(error: HelseidFnError, check: str) -> Finding:
    """Return an error under the check of the network that it belongs to, else under the given one."""
    return of_error(_NETWORK_CHECKS.get(error.reason, check) if "unavailable" in error.code else check, error)


def _unknown_key(key: SigningKey, settings: Settings) -> Finding:
    finding = f"HelseID does not accept the key with kid {key.kid or 'none'} for the client {settings.client_id}."
    remedy = (
        "It is probably not registered there, or has expired there, or the client belongs to another environment than "
        f"{settings.issuer}: compare them in Selvbetjening. After a change there, wait 20 s."
    )
    return Finding("token", State.FAILED, finding, remedy, "token.unknown_key")
