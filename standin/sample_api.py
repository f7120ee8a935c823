"""NHN's Sample API for machines, and an echo beside it for tests that need to see what arrived."""

import json
import re
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from standin.access_token import organization_in
from standin.clients import SAMPLE_AUDIENCE, SAMPLE_SCOPE
from standin.helseid import HelseId
from standin.http_party import House
from standin.messages import Answer, Request
from standin.protected_api import AccessSettings, ProtectedApi
from standin.record import Party

BASE_PATH = "/machine-clients"
GREETINGS_PATH = f"{BASE_PATH}/greetings"
_STATUS_PATH = re.compile(rf"{BASE_PATH}/status/([2-5][0-9][0-9])")


@dataclass(kw_only=True)
class ApiSettings(AccessSettings):
    """What a test may set, also while the API runs."""

    audience: str = SAMPLE_AUDIENCE
    scope: str = SAMPLE_SCOPE
    echo_credentials: bool = False


class SampleApi(ProtectedApi):
    """The protected API."""

    party: ClassVar[Party] = "api"

    def __init__(self, house: House, helseid: HelseId, settings: ApiSettings, port: int = 0) -> None:
        """Trust this HelseID."""
        super().__init__(house, helseid, settings, port)
        self.settings = settings

    def kind_of(self, _request: Request) -> str:
        """Count every call alike."""
        return "api"

    def answer(self, request: Request) -> Answer:
        """Greet, or echo."""
        if not request.path.startswith(f"{BASE_PATH}/"):
            return Answer(HTTPStatus.NOT_FOUND)
        claims, nonce = self.check(request), self.nonce_headers()
        if request.path == GREETINGS_PATH:
            if request.method != "GET":
                return Answer(HTTPStatus.METHOD_NOT_ALLOWED, (("Allow", "GET"),))
            return Answer.of(200, {"greeting": self._greeting(), **organization_in(claims)}, nonce)
        asked = _STATUS_PATH.fullmatch(request.path)
        return Answer.of(int(asked[1]) if asked else 200, self._echo(request), nonce)

    def _greeting(self) -> str:
        local = time.strftime("%H:%M:%S", time.localtime(self._house.clock.now()))
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
