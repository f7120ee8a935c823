"""Google's metadata server, as far as a client needs it for an access token: on Cloud Run it is on the same machine.

The account is none of Google's, so that google-auth does not ask Google, in a thread besides, where the account may be used.
"""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Self

_ACCOUNT = "/computeMetadata/v1/instance/service-accounts/default/"
_BODIES = {
    "/": b"",
    _ACCOUNT: json.dumps({"aliases": ["default"], "email": "bench@example.no", "scopes": []}).encode(),
    f"{_ACCOUNT}token": json.dumps({"access_token": "made-up", "expires_in": 3599, "token_type": "Bearer"}).encode(),
    "/computeMetadata/v1/project/project-id": b"bench",
    "/computeMetadata/v1/universe/universe-domain": b"googleapis.com",
}


class CredentialsServer:
    """Started on entry."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def environment(self) -> dict[str, str]:
        """Return the variables by which Google's clients find it."""
        return dict.fromkeys(("GCE_METADATA_HOST", "GCE_METADATA_IP"), f"127.0.0.1:{self._server.server_port}")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # each response goes out in one segment
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        body = _BODIES.get(self.path.partition("?")[0])
        self.send_response(404 if body is None else 200)
        self.send_header("Metadata-Flavor", "Google")
        self.send_header("Content-Type", "application/json" if self.path.startswith(_ACCOUNT) else "text/plain")
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it so
        """Log nothing."""
