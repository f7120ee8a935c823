"""One call with requests over a kept connection, and nothing else: no token, no proof, no deadline, no log line."""

from __future__ import annotations

import os
from typing import Any

import requests
from requests.adapters import HTTPAdapter

_session = requests.Session()
_session.mount("http://", HTTPAdapter(pool_maxsize=64))  # a kept connection for every thread, on machines with more cores too


def run(_request: Any) -> dict[str, Any]:
    """Call the API, and pass its response on."""
    response = _session.get(os.environ["API_URL"], timeout=25)
    response.raise_for_status()
    return {"status": "ok", "api": {"status": response.status_code, "body": response.json()}}
