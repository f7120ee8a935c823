"""All checks in order; each goes on where the one before allows it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from helseid_fn.api.call_headers import CallHeaders
from helseid_fn.api.client import ApiClient
from helseid_fn.api.request import ApiRequest
from helseid_fn.cli.doctor.finding import Finding, State, of_error, ok, skipped
from helseid_fn.cli.doctor.network import check_way
from helseid_fn.cli.doctor.registration import check_registration
from helseid_fn.cli.doctor.settings_and_key import check_key, check_settings, read_key
from helseid_fn.cli.doctor.sign_in import DEADLINE_SECONDS, SignIn, of_network
from helseid_fn.context import Context
from helseid_fn.errors import HelseidFnError, Refused, SettingsError
from helseid_fn.http.exchange import Exchange
from helseid_fn.http.transport import Transport
from helseid_fn.http.url import origin_of
from helseid_fn.keys.signing_key import SigningKey
from helseid_fn.keys.stored import StoredKey
from helseid_fn.rotation.wiring import wire_tokens
from helseid_fn.settings import Settings, parse_settings


def examine(environ: Mapping[str, str], *, calls_api: bool = True, now: Callable[[], float] = time.time) -> Iterator[Finding]:
    """Yield what each check finds, as soon as it is known; `now` is the wall clock in seconds.

    Nothing is changed anywhere: tokens are discarded, and the API is only asked for API_URL, if `calls_api`.
    """
    try:
        settings = parse_settings(environ)
    except SettingsError as error:
        for fault in error.faults:
            yield Finding("settings", State.FAILED, f"{fault}.", code=error.code)
        yield skipped("key", "The settings come first.")
        return
    yield from check_settings(settings, environ)
    stored, key, found = _examine_key(settings, environ, now)
    yield found
    urls = {origin_of(settings.issuer): settings.issuer}
    if settings.token_endpoint_host is not None:
        urls.setdefault(f"https://{settings.token_endpoint_host}", f"https://{settings.token_endpoint_host}")
    if calls_api:
        urls.setdefault(origin_of(settings.api_url), settings.api_url)
    reached: dict[str, bool] = {}
    for origin, url in urls.items():
        steps = list(check_way(url))
        reached[origin] = not any(step.state is State.FAILED for step in steps)
        yield from steps
    if not reached[origin_of(settings.issuer)]:
        yield skipped("metadata", "HelseID cannot be reached.")
        return
    exchanges: list[Exchange] = []
    transport = Transport(now=now, observe=exchanges.append, api_max_bytes=settings.api_max_bytes)
    sign_in = SignIn(settings, transport, exchanges, now)
    yield from _sign_in(sign_in, stored, key, can_call_api=calls_api and reached[origin_of(settings.api_url)])
    if not calls_api:
        yield skipped("API", "It was left out (--no-api).")


def _examine_key(
    settings: Settings, environ: Mapping[str, str], now: Callable[[], float]
) -> tuple[StoredKey | None, SigningKey | None, Finding]:
    try:
        stored, key = read_key(settings, environ, Context(DEADLINE_SECONDS))
    except HelseidFnError as error:
        return None, None, of_error("key", error)
    return stored, key, check_key(key, settings.key_address, now())


def _sign_in(sign_in: SignIn, stored: StoredKey | None, key: SigningKey | None, *, can_call_api: bool) -> Iterator[Finding]:
    metadata = sign_in.fetch_metadata()
    if isinstance(metadata, HelseidFnError):
        yield of_network(metadata, "metadata")
        yield skipped("token", "HelseID's metadata comes first.")
        return
    about_metadata = list(sign_in.check_metadata(key))
    if stored is None or key is None:
        yield from about_metadata
        yield skipped("token", "The key comes first.")
        return
    token, about_token = sign_in.check_token(key, metadata)
    for each in about_metadata:
        # A clock that is off but does no harm is worth a warning alone.
        yield replace(each, state=State.WARNING) if token is not None and each.state is State.FAILED else each
    yield from about_token
    yield from check_registration(sign_in, stored, key)
    if token is None:
        yield skipped("API", "There is no token for it.")
    elif can_call_api:
        yield _call_api(sign_in, stored)


def _call_api(sign_in: SignIn, stored: StoredKey) -> Finding:
    """Ask the API for API_URL with GET, which changes nothing (RFC 9110 section 9.2.1)."""
    settings = sign_in.settings
    tokens = wire_tokens(settings, stored, sign_in.transport, sign_in.now)
    headers, url = CallHeaders(settings.api_headers, settings.api_correlation_header), settings.api_url
    api = ApiClient(tokens, sign_in.transport, now=sign_in.now, headers=headers)
    try:
        response = api.call(ApiRequest("GET", url), settings.organization, settings.scopes, Context(DEADLINE_SECONDS)).response
    except Refused as refusal:
        if refusal.status in (400, 404, 405):
            remedy = "If API_URL is only a base, that is as it should be; otherwise check it."
            return Finding("API", State.WARNING, f"It responded with {refusal.status} to GET API_URL.", remedy, refusal.code)
        return of_error("API", refusal)
    except HelseidFnError as error:
        return of_network(error, "API")
    return ok("API", f"It responded with {response.status} to GET API_URL.")
