"""What Selvbetjening says of the client: its registered keys and the status of its scopes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from helseid_fn.api.client import ApiClient
from helseid_fn.api.request import ApiRequest
from helseid_fn.cli.doctor.finding import Finding, State, ok, skipped
from helseid_fn.cli.doctor.sign_in import DEADLINE_SECONDS, SignIn, of_network
from helseid_fn.context import Context
from helseid_fn.error_codes import Party
from helseid_fn.errors import HelseidFnError, Refused
from helseid_fn.keys.signing_key import SigningKey
from helseid_fn.keys.stored import StoredKey
from helseid_fn.oauth.organization import Organization
from helseid_fn.rotation.selvbetjening import SCOPE, Selvbetjening
from helseid_fn.rotation.wiring import wire_tokens
from helseid_fn.settings import Settings

_CHECK = "Selvbetjening"


def check_registration(sign_in: SignIn, stored: StoredKey, key: SigningKey) -> Iterator[Finding]:
    """Report the key's registration and the scopes, if the client may ask."""
    settings, transport, now = sign_in.settings, sign_in.transport, sign_in.now
    url = settings.rotation.selvbetjening_url
    if url is None:
        yield skipped(_CHECK, "SELVBETJENING_URL is not set.")
        return
    api = ApiClient(wire_tokens(settings, stored, transport, now), transport, party=Party.SELVBETJENING, now=now)
    try:
        yield _check_key(Selvbetjening(url, settings.organization, api), key, now())
        yield from _check_scopes(_fetch_client(url, api), settings)
    except Refused as refusal:
        if refusal.party is Party.HELSEID and refusal.reason in ("invalid_scope", "scope_not_granted"):
            yield skipped(_CHECK, f"The client does not have the scope {SCOPE}, so Selvbetjening cannot be asked.")
        elif refusal.party is Party.HELSEID:
            yield skipped(_CHECK, "HelseID grants no token for it.")
        else:
            yield of_network(refusal, _CHECK)
    except HelseidFnError as error:
        yield of_network(error, _CHECK)


def _check_key(selvbetjening: Selvbetjening, key: SigningKey, now: float) -> Finding:
    found = selvbetjening.find(key.kid or key.thumbprint, Context(DEADLINE_SECONDS))
    if found is None:
        remedy = "Register the public half that helseid-fn key show prints."
        return Finding(
            _CHECK, State.WARNING, f"It does not list the key {key.kid or key.thumbprint}.", remedy, "registration.no_key"
        )
    if found.expires_at is None:
        return ok(_CHECK, f"The key {key.kid} is registered, and no expiry is known.")
    on = f"{datetime.fromtimestamp(found.expires_at, UTC):%Y-%m-%d}"
    if key.expires_at is None:
        remedy = f"Note it, so that you are warned in time: helseid-fn key expires {on}"
        return Finding(
            _CHECK, State.WARNING, f"The key {key.kid} expires on {on}, and the JWK has no exp.", remedy, "registration.exp"
        )
    return ok(_CHECK, f"The key {key.kid} is registered until {on}, in {(found.expires_at - now) / 86400:.0f} days.")


def _fetch_client(url: str, api: ApiClient) -> Any:
    """Fetch the client's configuration; NHN's documentation names this path (SELV appsettings.json)."""
    request = ApiRequest("GET", f"{url.rstrip('/')}/v1/client")
    return api.call(request, Organization(), frozenset({SCOPE}), Context(DEADLINE_SECONDS)).response.body


def _check_scopes(client: Any, settings: Settings) -> Iterator[Finding]:
    """Report each scope of HELSEID_SCOPE that the client lacks or that waits for approval; names are compared in any case."""
    members = {str(name).lower(): value for name, value in client.items()} if isinstance(client, dict) else {}
    listed = members.get("apiscopes")
    if not isinstance(listed, list):
        return
    known = {}
    for each in listed:
        entry = {str(name).lower(): value for name, value in each.items()} if isinstance(each, dict) else {}
        known[str(entry.get("scope"))] = str(entry.get("status", "")).lower()
    pending = sorted(scope for scope in settings.scopes if known.get(scope) == "pending")
    missing = sorted(settings.scopes - known.keys())
    if pending:
        remedy = "Ask the API's owner to approve it, or wait."
        finding = f"The scope {', '.join(pending)} is pending: its owner has not approved it for this client."
        yield Finding(_CHECK, State.FAILED, finding, remedy, "registration.scope_pending", explains="token")
    elif missing:
        remedy = f"Add it to the client in Selvbetjening, or correct HELSEID_SCOPE; the client has {', '.join(sorted(known))}."
        finding = f"The client does not have the scope {', '.join(missing)}."
        yield Finding(_CHECK, State.FAILED, finding, remedy, "registration.scope_missing", explains="token")
    else:
        yield ok(_CHECK, f"The client has {', '.join(sorted(settings.scopes))}.")
