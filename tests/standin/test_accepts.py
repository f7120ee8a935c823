"""Does the stand-in accept correct clients? Third-party clients, unchanged, sign in and call its API."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from standin import SAMPLE_SCOPE, StandIn, make_jwk
from standin.forger import CHILD, PARENT, details
from tests.support.clients.installing import HERE, install_node, install_python
from tests.support.deployment import CLIENT_ID, client_of

needs_npm = pytest.mark.skipif(
    shutil.which("npm") is None and "CI" not in os.environ, reason="there is no npm on this machine to install openid-client"
)


def program(name: str) -> list[str | Path]:
    return [install_python(), HERE / name]


CLIENTS: dict[str, tuple[str, Callable[[], list[str | Path]]]] = {
    "requests-oauth2client with an RSA key": ("PS256", lambda: program("with_requests_oauth2client.py")),
    "requests-oauth2client with an elliptic-curve key": ("ES256", lambda: program("with_requests_oauth2client.py")),
    "masks-client": ("ES256", lambda: program("with_masks_client.py")),
    "openid-client with an RSA key": ("PS256", lambda: ["node", install_node() / "with_openid_client.mjs"]),
    "openid-client with an elliptic-curve key": ("ES256", lambda: ["node", install_node() / "with_openid_client.mjs"]),
}


@pytest.mark.parametrize("name", [pytest.param(name, marks=needs_npm if name.startswith("openid") else ()) for name in CLIENTS])
def test_another_clients_requests_are_accepted(name: str) -> None:
    alg, command = CLIENTS[name]
    jwk = make_jwk(alg)
    with StandIn([client_of(jwk)], api_nonce=True) as standin:
        given = {
            "issuer": standin.issuer,
            "client_id": CLIENT_ID,
            "jwk": jwk,
            "scope": SAMPLE_SCOPE,
            "claims": {"assertion_details": details(f"NO:ORGNR:{PARENT}:{CHILD}")},
            "api_url": standin.api_url,
        }
        run = subprocess.run(command(), input=json.dumps(given), capture_output=True, text=True, timeout=60, check=False)
        refusals = [each.refusal.detail for each in standin.received if each.refusal]
    assert run.returncode == 0, run.stderr
    assert [each["childOrganizationNumber"] for each in json.loads(run.stdout)] == [CHILD] * 3
    assert refusals == ["the proof has no nonce"] * 2
    assert (standin.count("metadata"), standin.count("token"), standin.count("api")) == (1, 2, 4)
