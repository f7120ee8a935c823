"""NHN's Sample API for machine clients, an echo for tests that check what arrives, and small stand-ins of other APIs."""

import json
import re
import time
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from standin import address_register, edi, fhir
from standin.access_token import organization_numbers
from standin.clients import SAMPLE_AUDIENCE, SAMPLE_SCOPE
from standin.helseid import HelseId
from standin.http_party import Shared
from standin.messages import Request, Response
from standin.protected_api import AccessSettings, ProtectedApi
from standin.record import Party

BASE_PATH = "/machine-clients"
GREETINGS_PATH = f"{BASE_PATH}/greetings"
_STATUS_PATH = re.compile(rf"{BASE_PATH}/status/([2-5][0-9][0-9])")


@dataclass(kw_only=True)
class ApiSettings(AccessSettings):
    """The settings of the Sample API; a test can change them while it runs."""

    audience: str = SAMPLE_AUDIENCE
    scope: str = SAMPLE_SCOPE
    echo_credentials: bool = False
    echo_everywhere: bool = True
    """Whether every path below BASE_PATH responds with an echo, and not only those below the greeting."""


class SampleApi(ProtectedApi):
    """The Sample API."""

    party: ClassVar[Party] = "api"

    def __init__(self, shared: Shared, helseid: HelseId, settings: ApiSettings, port: int = 0) -> None:
        """Accept the tokens of this HelseID."""
        super().__init__(shared, helseid, settings, port)
        self.settings = settings
        self.address_register = address_register.AddressRegister()
        self.inbox = edi.Inbox()

    def classify(self, _request: Request) -> str:
        """Return api for every call."""
        return "api"

    def respond(self, request: Request) -> Response:
        """Respond with the greeting, with what another API has, or with an echo of the request."""
        if self.address_register.has(request.path):
            self.check(request, address_register.AUDIENCE, address_register.SCOPE)
            return self._with_nonce(self.address_register.respond(request))
        if self.inbox.has(request.path):
            client_id = self.check(request, edi.AUDIENCE, edi.SCOPE)["client_id"]
            return self._with_nonce(self.inbox.respond(request, client_id))
        if not self._is_endpoint(request.path):
            return Response(HTTPStatus.NOT_FOUND)  # before any challenge, as ASP.NET Core routes
        claims, nonce = self.check(request), self.nonce_headers()
        if request.path.startswith(f"{fhir.BASE_PATH}/"):
            return self._with_nonce(fhir.respond(request))
        if request.path == GREETINGS_PATH:
            if request.method != "GET":
                return Response(HTTPStatus.METHOD_NOT_ALLOWED, (("Allow", "GET"),))
            return Response.json(200, {"greeting": self._greeting(), **organization_numbers(claims)}, nonce)
        status = _STATUS_PATH.fullmatch(request.path)
        return Response.json(int(status[1]) if status else 200, self._echo(request), nonce)

    def _with_nonce(self, response: Response) -> Response:
        return replace(response, headers=(*response.headers, *self.nonce_headers()))

    def _is_endpoint(self, path: str) -> bool:
        echoing = BASE_PATH if self.settings.echo_everywhere else GREETINGS_PATH
        return path == GREETINGS_PATH or path.startswith((f"{echoing}/", f"{fhir.BASE_PATH}/"))

    def _greeting(self) -> str:
        local = time.strftime("%H:%M:%S", time.localtime(self._shared.clock.now()))
        return f"Hello from the Sample API (with DPoP)! The local time is {local}."

    def _echo(self, request: Request) -> dict[str, Any]:
        hidden = () if self.settings.echo_credentials else ("authorization", "dpop")
        return {
            "method": request.method,
            "target": request.target,
            "path": request.path,
            "query": parse_qsl(request.query, keep_blank_values=True),
            "headers": [pair for pair in request.headers if pair[0].lower() not in hidden],
            "json": _json(request.body),
            "body": request.body.decode("utf-8", errors="replace"),
        }


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None
