"""The memory of the deployed function while 35 MiB go from the API to a bucket, and from a file to the API."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from demo.processes import call, start_function
from standin import StandIn
from standin.messages import Request, Response
from standin.sample_api import BASE_PATH
from tests.conftest import ROOT
from tests.long.delivery.places import AwsPlace, GooglePlace, open_place

MIB = 1024 * 1024
SIZE = 35 * MIB
SOURCE = ROOT / "tests" / "support" / "large_bodies.py"


def make_body(size: int) -> bytes:
    """Return JSON of so many bytes; the stand-in looks into every response."""
    return b'"%s"' % (b"0" * (size - 2))


@pytest.fixture(params=["google", "aws"])
def place(request: pytest.FixtureRequest) -> Iterator[GooglePlace | AwsPlace]:
    with open_place(request.param) as place:
        yield place


@pytest.fixture
def api(standin: StandIn) -> StandIn:
    """Let the API serve a body of the size that is asked for, and respond to one with its SHA-256."""
    respond_otherwise = standin.api.respond

    def respond(request: Request) -> Response:
        if request.path != f"{BASE_PATH}/large":
            return respond_otherwise(request)
        standin.api.check(request)
        if request.method == "POST":
            return Response.json(200, {"bytes": len(request.body), "sha256": hashlib.sha256(request.body).hexdigest()})
        return Response(200, (("Content-Type", "application/json"),), make_body(int(parse_qs(request.query)["bytes"][0])))

    standin.api.respond = respond  # type: ignore[method-assign]
    return standin


@pytest.fixture
def move(api: StandIn, place: GooglePlace | AwsPlace, key_file: Path) -> Iterator[Callable[[str, int], Mapping[str, Any]]]:
    """Return a function that has a fresh function process move so many bytes."""
    settings = {"API_URL": api.api_base, "API_MAX_MEGABYTES": "36", "RESULT_TO": place.address}
    here = {"PYTHONPATH": str(ROOT), "DEADLINE_SECONDS": "60"}
    environment = {**api.environment(f"file:{key_file}"), **place.environment, **settings, **here}
    process, url = start_function(environment, f"--source={SOURCE}", "--target=run")

    def move(what: str, size: int) -> Mapping[str, Any]:
        status, report = call(url, {"input": {"what": what, "bytes": size}})
        assert status == 200, report
        return report["result"]  # type: ignore[no-any-return]

    yield move
    process.stop()


@pytest.mark.parametrize("what", ["fetch", "post"])
def test_a_large_body_takes_at_most_64_mib(
    move: Callable[[str, int], Mapping[str, Any]],
    place: GooglePlace | AwsPlace,
    what: str,
) -> None:
    idle_bytes = move(what, 1024)["peak_bytes"]
    grown_bytes = move(what, SIZE)["peak_bytes"] - idle_bytes
    print(f"{place.address} {what}: {idle_bytes / MIB:.0f} MiB idle, {grown_bytes / MIB:.1f} more for 35 MiB")
    stored = place.read("large") or b""
    if what == "fetch":
        assert stored == make_body(SIZE)
    else:
        assert json.loads(stored) == {"bytes": SIZE, "sha256": hashlib.sha256(bytes(SIZE)).hexdigest()}
    assert grown_bytes <= 64 * MIB
