"""A caller's HTTP request as the request to the API, and the API's response as the response; pure.

Only what the settings let a caller choose goes through: API_METHODS, API_CALLER_HEADERS, and a path below API_URL.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qs

from helseid_fn.api.request import ApiRequest, parse_api_request
from helseid_fn.api.response import ApiResponse
from helseid_fn.echo import redact
from helseid_fn.errors import InvalidInvocation
from helseid_fn.function.invocation import Invocation
from helseid_fn.function.responses import HttpResponse
from helseid_fn.http.caller_headers import matches_header
from helseid_fn.settings import Settings

RETURNED_HEADERS = (
    "cache-control",
    "content-disposition",
    "content-language",
    "content-location",
    "content-type",
    "etag",
    "expires",
    "last-modified",
    "link",
    "location",
    "nhn-error-code",
    "nhn-event-id",
    "retry-after",
    "vary",
    "x-correlation-id",
    "x-event-id",
    "x-request-id",
)
"""The headers of the API's response that the caller gets; none of them is about the connection, a cookie or a credential."""


def parse_pass_through(
    method: str, path: str, query: str, headers: Mapping[str, str], body: bytes, settings: Settings
) -> Invocation:
    """Parse a request for any path below API_URL, which is decoded already; headers that a caller may not set are left out.

    Raises `InvalidInvocation`.
    """
    if len(body) > settings.api_max_bytes:
        limit = settings.api_max_bytes // 1024 // 1024
        raise InvalidInvocation("body", f"The body is larger than {limit} MiB. Send less, or raise API_MAX_MEGABYTES.")
    allowed, fixed = settings.api_caller_headers, settings.api_headers
    kept = {name: value for name, value in headers.items() if matches_header(name, allowed, fixed)}
    below = path.removeprefix("/")
    members = {"method": method, "headers": kept, "query": parse_qs(query, keep_blank_values=True)}
    members |= {"path": below} if below else {}
    parsed = parse_api_request(
        members, settings.api_url, settings.api_methods, allowed, settings.api_max_bytes, fixed_headers=fixed
    )
    has_body = bool(body) and method not in ("GET", "HEAD")
    request = ApiRequest(parsed.method, parsed.url, parsed.headers, body if has_body else None)
    return Invocation(settings.organization, settings.scopes, request, None, deliver=False)


def build_pass_through(response: ApiResponse, sent_secrets: tuple[str, ...]) -> HttpResponse:
    """Build the response from the API's: its status, its body, and those of `RETURNED_HEADERS`.

    All is as it came, unless the API repeats the token or the proof, which are redacted.
    """
    body = redact(response.content.decode("latin-1"), sent_secrets).encode("latin-1")
    headers = {name: redact(response.headers[name], sent_secrets) for name in RETURNED_HEADERS if name in response.headers}
    printable = {name: value for name, value in headers.items() if value.isprintable()}  # servers fail at anything else
    return body, response.status, {"cache-control": "no-store", **printable}
