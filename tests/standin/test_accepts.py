"""Does the stand-in accept correct clients? Third-party clients, unchanged, sign in and call its API."""

import datetime as dt
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from standin import SAMPLE_SCOPE, StandIn, make_jwk
from standin.forger import CHILD, PARENT, details
from standin.tls import load_authority
from tests.support.clients.installing import HERE, install_node, install_python
from tests.support.deployment import CLIENT_ID, client_of

needs_npm = pytest.mark.skipif(
    shutil.which("npm") is None and "CI" not in os.environ, reason="there is no npm on this machine to install openid-client"
)


def run_client(
    command: list[str | Path], standin: StandIn, jwk: dict[str, Any], **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a client, which calls the API three times."""
    given = {
        "issuer": standin.issuer,
        "client_id": CLIENT_ID,
        "jwk": jwk,
        "scope": SAMPLE_SCOPE,
        "claims": {"assertion_details": details(f"NO:ORGNR:{PARENT}:{CHILD}")},
        "api_url": standin.api_url,
    }
    return subprocess.run(
        command,
        input=json.dumps(given),
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
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
        run = run_client(command(), standin, jwk)
        refusals = [each.refusal.detail for each in standin.received if each.refusal]
    assert run.returncode == 0, run.stderr
    assert [each["childOrganizationNumber"] for each in json.loads(run.stdout)] == [CHILD] * 3
    assert refusals == ["the proof has no nonce"] * 2
    assert (standin.count("metadata"), standin.count("token"), standin.count("api")) == (1, 2, 4)


@needs_npm
@pytest.mark.parametrize(("trusts", "status"), [(True, 0), (False, 1)])
def test_a_client_in_node_trusts_the_authority_that_it_is_told(tmp_path: Path, *, trusts: bool, status: int) -> None:
    now, jwk = dt.datetime.now(dt.UTC), make_jwk("ES256")
    authority = load_authority(tmp_path, now)
    with StandIn([client_of(jwk)], tls=authority.server_context(now)) as standin:
        variables = {"NODE_EXTRA_CA_CERTS": authority.environment()["NODE_EXTRA_CA_CERTS"]} if trusts else {}
        run = run_client(["node", install_node() / "with_openid_client.mjs"], standin, jwk, **variables)
        assert standin.count("api") == (3 if trusts else 0)
    assert run.returncode == status, run.stderr
