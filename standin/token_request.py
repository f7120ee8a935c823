"""The checks of a token request (RFC 6749 section 4.4), in HelseID's order."""

from collections import Counter
from dataclasses import dataclass
from typing import NoReturn
from urllib.parse import urlsplit

from standin.access_token import Grant
from standin.checks import passed
from standin.client_assertion import AssertionRules, check_assertion, refuse_client
from standin.clients import SELVBETJENING_SCOPE, Client
from standin.messages import Request
from standin.organizations import check_organization
from standin.refusals import Refusal, RefusedError
from standin.token_proof import ProofRules, check_proof

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_KNOWN_GRANTS = {"authorization_code", "client_credentials", "refresh_token", "implicit"} | {
    "urn:ietf:params:oauth:grant-type:device_code",
    "urn:openid:params:grant-type:ciba",
    "urn:ietf:params:oauth:grant-type:token-exchange",
}
_USER_SCOPES = {"openid", "profile", "offline_access"}
_MAX_GRANT_TYPE_LENGTH = 100
_MAX_SCOPE_LENGTH = 300


@dataclass(frozen=True)
class TokenRules:
    """What a token request is checked against."""

    clients: dict[str, Client]
    assertion: AssertionRules
    proof: ProofRules
    organization_always_required: bool


def _refuse(error: str, description: str | None, detail: str) -> NoReturn:
    raise RefusedError(Refusal(error, description, detail))


def check_token_request(request: Request, rules: TokenRules, now: float) -> Grant:
    """Return what a valid request is granted; refuse any other at its first fault."""
    form = _form(request)
    passed("the request is a POST of a form")
    client = _client(form, request, rules.clients)
    passed("the client is registered, and authenticates with an assertion")
    claims = check_assertion(form.get("client_assertion", ""), client, rules.assertion, now)
    is_optional = form.get("scope") == SELVBETJENING_SCOPE and not rules.organization_always_required
    organization = check_organization(claims, client, form.get("grant_type"), is_optional=is_optional)
    passed("the client may act for this organization")
    grant_type = _grant_type(form)
    resource = _resource(request)
    thumbprint = check_proof(request, rules.proof, now)
    _check_grant(grant_type, client)
    passed("the client may use client credentials")
    scopes = _scopes(form.get("scope"), client)
    passed("the client has every scope that it requests")
    return Grant(client, organization, scopes, _audiences(scopes, resource), thumbprint)


def _form(request: Request) -> dict[str, str]:
    if request.method != "POST":
        _refuse("invalid_request", None, "the token request is not a POST")
    content_type = (request.header("Content-Type") or "").split(";")[0].strip().lower()
    if content_type != "application/x-www-form-urlencoded":
        _refuse("invalid_request", None, "the token request is not a form")
    if request.query:
        _refuse("invalid_request", None, "the token request has a query string")
    pairs = request.form()
    repeated = [name for name, times in Counter(name for name, _ in pairs).items() if times > 1 and name != "resource"]
    if repeated:
        _refuse("invalid_request", None, f"the form has {repeated[0]} more than once")
    return dict(pairs)


def _client(form: dict[str, str], request: Request, clients: dict[str, Client]) -> Client:
    if "client_secret" in form or request.header("Authorization"):
        text = "HID-1008: Shared secrets are not accepted."
        _refuse("invalid_request", text, "the token request carries a shared secret or an Authorization header")
    if not form.get("client_id"):
        refuse_client("the form has no client_id")
    client = clients.get(form["client_id"])
    if client is None:
        refuse_client("the client_id is not registered")
    if form.get("client_assertion_type") != ASSERTION_TYPE:
        refuse_client("the client_assertion_type is missing or not jwt-bearer")
    if not form.get("client_assertion"):
        refuse_client("the form has no client_assertion")
    return client


def _grant_type(form: dict[str, str]) -> str:
    grant_type = form.get("grant_type", "")
    if not grant_type or len(grant_type) > _MAX_GRANT_TYPE_LENGTH:
        _refuse("unsupported_grant_type", None, "the grant_type is missing or too long")
    return grant_type


def _resource(request: Request) -> str | None:
    """Return the requested resource (RFC 8707 section 2), if there is one."""
    resources = [value for name, value in request.form() if name == "resource"]
    if len(resources) > 1:
        text = "Multiple resource indicators not supported on token endpoint."
        _refuse("invalid_target", text, "the form has more than one resource")
    if resources and (not urlsplit(resources[0]).scheme or "#" in resources[0]):
        _refuse("invalid_target", "Invalid resource indicator format.", "the resource is not an absolute URI")
    return resources[0] if resources else None


def _check_grant(grant_type: str, client: Client) -> None:
    if grant_type not in _KNOWN_GRANTS:
        _refuse("unsupported_grant_type", None, "the grant_type is unknown")
    if grant_type not in client.grant_types or grant_type != "client_credentials":
        _refuse("unauthorized_client", None, "the client may not use this grant_type")


def _scopes(requested: str | None, client: Client) -> tuple[str, ...]:
    if not requested:
        return tuple(client.scopes)
    if len(requested) > _MAX_SCOPE_LENGTH:
        _refuse("invalid_scope", None, "the scope is too long")
    scopes = tuple(dict.fromkeys(requested.split(" ")))
    if _USER_SCOPES & set(scopes):
        _refuse("invalid_scope", None, "a machine client requested a user scope")
    if not set(scopes) <= {*client.scopes, *client.other_scopes}:
        _refuse("invalid_scope", None, "a scope is not granted to this client")
    return scopes


def _audiences(scopes: tuple[str, ...], resource: str | None) -> tuple[str, ...]:
    audiences = tuple(dict.fromkeys(scope.split("/", 1)[0] for scope in scopes))
    if resource is None:
        return audiences
    if resource not in audiences:
        _refuse("invalid_target", None, "the resource is not the audience of a granted scope")
    return (resource,)
