"""Client: HelseID for your own program, as calls to APIs, auth objects for HTTP libraries, or a token alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from helseid_fn.api.authorization import Authorizer
from helseid_fn.api.client import ApiClient
from helseid_fn.api.protected_api import ProtectedApi
from helseid_fn.auth import HelseIdAuth
from helseid_fn.context import Context
from helseid_fn.errors import InvalidInvocation, SettingsError
from helseid_fn.http.nonces import Nonces
from helseid_fn.http.transport import Transport
from helseid_fn.oauth.granted_token import GrantedToken
from helseid_fn.oauth.organization import Organization, check_organization
from helseid_fn.oauth.token_source import TokenSource
from helseid_fn.secret_store.address import parse_key_address
from helseid_fn.secret_store.reader import open_reader
from helseid_fn.setting_parsers import (
    parse_client_id,
    parse_deadline_seconds,
    parse_issuer,
    parse_megabytes,
    parse_scopes,
    parse_web_address,
)

if TYPE_CHECKING:
    from helseid_fn.httpx_auth import HelseIdHttpxAuth

_NOBODY = Organization()


class Purpose(TypedDict, total=False):
    """What a token is for, where it is not what the client says: whom it is for, its scopes, and below which URL it is sent."""

    organization: Organization
    scopes: Collection[str]
    below: str


class Client:
    """One client of HelseID, made once in a process and kept: it caches the tokens. Safe for threads.

    Nothing is opened or read before the first call, so a server may make it and then fork.
    """

    def __init__(
        self,
        *,
        issuer: str,
        client_id: str,
        scopes: Collection[str],
        key: str = "file:client.jwk.json",
        organization: Organization = _NOBODY,
        deadline_seconds: float = 25,
        max_megabytes: int = 10,
        environ: Mapping[str, str] = MappingProxyType({}),
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Take what Selvbetjening shows of the client, and the address of its private key.

        `organization` is whom the tokens are for where nobody else is named. `deadline_seconds` is the time limit of one call,
        with its retries, and of obtaining one token; `max_megabytes` the largest body in either direction. `environ` is needed
        on AWS Lambda alone, where the key may come through an extension: pass the environment there.

        Raises `SettingsError`, which names every wrong argument.
        """
        faults: list[str] = []

        def parse(name: str, parser: Callable[[Any], Any], value: Any) -> Any:
            try:
                return parser(value)
            except ValueError as fault:
                faults.append(f"{name} {fault}".strip(" ."))

        issuer = parse("issuer", parse_issuer, str(issuer))
        client_id = parse("client_id", parse_client_id, str(client_id))
        key = parse("key", parse_key_address, str(key))
        self._scopes: frozenset[str] = parse("scopes", _parse_scopes, scopes)
        self._organization: Organization = parse("", check_organization, organization)
        self._deadline_seconds: float = parse("deadline_seconds", parse_deadline_seconds, str(deadline_seconds))
        self._max_bytes: int = parse("max_megabytes", parse_megabytes, str(max_megabytes))
        if faults:
            raise SettingsError(tuple(faults))
        self._now = now
        self._nonces = Nonces()
        transport = Transport(now=now, sleep=sleep, api_max_bytes=self._max_bytes, nonces=self._nonces)
        reader = open_reader(key, environ=environ, sleep=sleep)
        self._tokens = TokenSource(issuer=issuer, client_id=client_id, key=reader, transport=transport, now=now)
        self._calls = ApiClient(self._tokens, transport, now=now)

    def api(self, url: str) -> ProtectedApi:
        """Return the API below this URL. Raises `SettingsError` for one that is not https, or http to this machine."""
        return ProtectedApi(
            self._calls, _check_url(url), self._organization, self._scopes, max_body_bytes=self._max_bytes, begin=self._begin
        )

    def auth(self, **purpose: Unpack[Purpose]) -> HelseIdAuth:
        """Return an auth object for requests, for another organization or other scopes than the client's own if they are given.

        `below` is the URL of the one API that tokens are sent to; name it where a program follows links that an API sends.
        Raises `InvalidInvocation`.
        """
        return HelseIdAuth(self._authorizer(**purpose))

    def httpx_auth(self, **purpose: Unpack[Purpose]) -> HelseIdHttpxAuth:
        """Return the same for httpx, for its `Client` and its `AsyncClient`. Raises `ImportError` where httpx is missing."""
        from helseid_fn.httpx_auth import HelseIdHttpxAuth  # noqa: PLC0415  # httpx is an extra

        return HelseIdHttpxAuth(self._authorizer(**purpose))

    def token(self, *, organization: Organization | None = None, scopes: Collection[str] | None = None) -> GrantedToken:
        """Return the cached token for an organization with these scopes, by default the client's own, or obtain one.

        Raises `InvalidInvocation` for an organization or scopes that cannot be, otherwise `SigningKeyError`, `Unavailable`,
        `DeadlineExceeded`, `Refused` or `InvalidResponse`.
        """
        whom, what = self._whom(organization), self._what(scopes)
        return GrantedToken(self._tokens.get(whom, what, self._begin()), whom)

    def _authorizer(
        self, organization: Organization | None = None, scopes: Collection[str] | None = None, below: str | None = None
    ) -> Authorizer:
        return Authorizer(
            self._tokens,
            self._nonces,
            self._whom(organization),
            self._what(scopes),
            below=None if below is None else _check_url(below),
            begin=self._begin,
            now=self._now,
        )

    def _begin(self) -> Context:
        return Context(self._deadline_seconds)

    def _whom(self, organization: Organization | None) -> Organization:
        try:
            return self._organization if organization is None else check_organization(organization)
        except ValueError as fault:
            raise InvalidInvocation("organization", str(fault)) from None

    def _what(self, scopes: Collection[str] | None) -> frozenset[str]:
        try:
            return self._scopes if scopes is None else _parse_scopes(scopes)
        except ValueError as fault:
            raise InvalidInvocation("scope", f"scopes {fault}.") from None


def _check_url(url: str) -> str:
    try:
        return parse_web_address(url)
    except ValueError as fault:
        raise SettingsError((f"url {fault}",)) from None


def _parse_scopes(scopes: Collection[str]) -> frozenset[str]:
    """Parse scopes; one string of several, as HELSEID_SCOPE has them, is taken too."""
    return parse_scopes(scopes if isinstance(scopes, str) else " ".join(scopes))
