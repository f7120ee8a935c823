"""Which HTTP requests are let in to do the job; pure."""

from __future__ import annotations

import json

from helseid_fn.errors import InvalidInvocation
from helseid_fn.function.responses import HttpResponse, build_problem
from helseid_fn.function.trace import Headers

HEALTH_PATH = "/healthz"


def respond_without_job(path: str, invocation_id: str, *, any_path: bool = False) -> HttpResponse | None:
    """Return the response to a health check, or to any other path than `/`, which scanners and browsers ask for; else None.

    With `any_path`, the job takes every other path.
    """
    if path == HEALTH_PATH:
        return json.dumps({"status": "ok"}), 200, {"Content-Type": "application/json", "Cache-Control": "no-store"}
    if any_path or path in ("", "/"):
        return None
    return build_problem(InvalidInvocation("path", "There is nothing at this path. Call the function at /."), invocation_id)


def check_origin(headers: Headers) -> None:
    """Raise `InvalidInvocation` for what a page of another site makes a browser send (Fetch Metadata, `Sec-Fetch-Site`).

    Such a request comes from inside the caller's network and perhaps with the caller's credentials, but not from the caller.
    """
    if (headers.get("Sec-Fetch-Site") or "none").lower() not in ("none", "same-origin"):
        detail = "The request was made by a web page of another site, so it is refused. Call the function from a program."
        raise InvalidInvocation("cross_site", detail)
