"""The headers that the function adds, as they arrive at the API."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest

from standin import StandIn
from tests.support.deployment import Function

TRACE = "0af7651916cd43dd8448eb211c80319c"

Deploy = Callable[..., Function]


def sent(standin: StandIn, name: str) -> list[str]:
    """Return a header's values in every request to the API, in order."""
    return [value for each in standin.exchanges("api") for key, value in each.headers if key.lower() == name]


def test_fixed_headers_arrive(standin: StandIn, deploy: Deploy) -> None:
    deploy(standin, API_HEADERS='{"nhn-source-system": "Test, v1", "api-version": "3"}').call()
    assert (sent(standin, "nhn-source-system"), sent(standin, "api-version")) == (["Test, v1"], ["3"])


def test_a_repeated_call_keeps_its_correlation_id(standin: StandIn, deploy: Deploy) -> None:
    standin.api.settings.nonce_required = True
    deploy(standin, API_CORRELATION_HEADER="nhn-event-id").call()
    first, second = sent(standin, "nhn-event-id")
    assert first == second == str(uuid.UUID(first))


def test_the_next_call_has_another_correlation_id(standin: StandIn, deploy: Deploy) -> None:
    function = deploy(standin, API_CORRELATION_HEADER="nhn-event-id")
    function.call()
    function.call()
    assert len(set(sent(standin, "nhn-event-id"))) == 2


def test_the_correlation_id_is_logged(standin: StandIn, deploy: Deploy, capsys: pytest.CaptureFixture[str]) -> None:
    deploy(standin, API_CORRELATION_HEADER="nhn-event-id").call()
    assert f'"correlation_id": "{sent(standin, "nhn-event-id")[0]}"' in capsys.readouterr().out


def test_the_trace_goes_on_to_the_api(standin: StandIn, deploy: Deploy) -> None:
    deploy(standin).call(headers={"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"})
    (value,) = sent(standin, "traceparent")
    assert value.split("-")[1] == TRACE
    assert value.split("-")[2] != "b7ad6b7169203331"


def test_helseid_gets_none_of_them(standin: StandIn, deploy: Deploy) -> None:
    deploy(standin, API_HEADERS='{"api-version": "3"}', API_CORRELATION_HEADER="nhn-event-id").call()
    others = [name.lower() for each in standin.exchanges() if each.party != "api" for name, _ in each.headers]
    assert not {"api-version", "nhn-event-id", "traceparent"} & set(others)
