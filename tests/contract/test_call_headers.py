"""The headers that the settings and the trace add to the calls to the API, as they arrive there."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from cloudevents.http import CloudEvent

from helseid_fn import Job
from helseid_fn.function import log
from standin import StandIn, faults
from standin.record import Exchange
from tests.support.deployment import Function, every_host, log_lines, made

FIXED = '{"nhn-source-system": "My-EPJ, v1.0.2", "api-version": "3"}'
SETTINGS = {"API_HEADERS": FIXED, "API_CORRELATION_HEADER": "nhn-event-id"}
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
REJECTION = faults.Status(401, "", (("WWW-Authenticate", 'DPoP error="invalid_token"'),))
Deploy = Callable[..., Function]


def value_of(exchange: Exchange, name: str) -> str:
    (value,) = exchange.values(name)
    return value


def sent(standin: StandIn, name: str = "nhn-event-id") -> list[str]:
    """Return the values of a header in the requests that the API got, each of which has it once."""
    return [value_of(exchange, name) for exchange in standin.exchanges("api")]


@every_host
def test_fixed_headers_reach_the_api_and_nobody_else(standin: StandIn, deploy: Deploy) -> None:
    assert deploy(standin, **SETTINGS).call().status_code == 200
    assert (sent(standin, "nhn-source-system"), sent(standin, "api-version")) == (["My-EPJ, v1.0.2"], ["3"])
    others = [*standin.exchanges("metadata"), *standin.exchanges("token")]
    assert not [each for each in others for name in ("nhn-source-system", "nhn-event-id") if each.values(name)]


def test_a_fixed_accept_replaces_our_own(standin: StandIn, deploy: Deploy) -> None:
    deploy(standin, API_HEADERS='{"accept": "application/fhir+json"}').call()
    assert sent(standin, "Accept") == ["application/fhir+json"]


@pytest.mark.parametrize("name", ["nhn-source-system", "NHN-Source-System"])
def test_a_caller_does_not_replace_a_fixed_header(standin: StandIn, deploy: Deploy, name: str) -> None:
    problem = deploy(standin, **SETTINGS).call({"request": {"headers": {name: "Another"}}}).json or {}
    assert (problem["code"], made(standin)) == ("invocation.request", {})
    assert "API_HEADERS fixes it" in problem["detail"]


def test_a_caller_replaces_it_where_its_name_is_listed(standin: StandIn, deploy: Deploy) -> None:
    function = deploy(standin, **SETTINGS, API_CALLER_HEADERS="nhn-source-system")
    function.call({"request": {"headers": {"NHN-Source-System": "Another"}}})
    assert sent(standin, "nhn-source-system") == ["Another"]


def test_each_call_has_another_id(standin: StandIn, deploy: Deploy, capsys: pytest.CaptureFixture[str]) -> None:
    function = deploy(standin, **SETTINGS)
    log.configure("INFO")
    for _ in range(2):
        function.call()
    assert [line["correlation_id"] for line in log_lines(capsys.readouterr().out)] == sent(standin)
    assert len({uuid.UUID(each) for each in sent(standin)}) == 2


def test_a_repeated_call_keeps_its_id(start_standin: Callable[..., StandIn], deploy: Deploy) -> None:
    standin = start_standin(api_nonce=True)
    for fault in (faults.Status(503), REJECTION):
        standin.api.fail_next("api", fault)
    assert deploy(standin, **SETTINGS).call().status_code == 200
    assert standin.count("api") == 4, "after a failure, for a token, and for a nonce"
    assert len(set(sent(standin))) == 1


def test_a_caller_may_choose_the_id(standin: StandIn, deploy: Deploy, capsys: pytest.CaptureFixture[str]) -> None:
    function = deploy(standin, **SETTINGS)
    log.configure("INFO")
    function.call({"request": {"headers": {"nhn-event-id": "of-ola-nordmann"}}})
    assert sent(standin) == ["of-ola-nordmann"]
    assert "nordmann" not in capsys.readouterr().out


def test_a_job_s_calls_have_them_too(standin: StandIn, deploy: Deploy) -> None:
    function = deploy(standin, **SETTINGS, API_URL=standin.api_base)

    def job(job: Job) -> None:
        for _ in range(2):
            job.api.get("greetings", headers={"api-version": "4"})

    function.app.job(job)
    assert function.call().status_code == 200
    assert (sent(standin, "nhn-source-system"), sent(standin, "api-version")) == (["My-EPJ, v1.0.2"] * 2, ["4"] * 2)
    assert len(set(sent(standin))) == 2


@every_host
def test_a_trace_goes_on_to_the_api(standin: StandIn, deploy: Deploy) -> None:
    deploy(standin).call(headers={"traceparent": f"00-{TRACE}-{SPAN}-01"})
    version, trace, span, flags = sent(standin, "traceparent")[0].split("-")
    assert (version, trace, flags) == ("00", TRACE, "01")
    assert len(span) == 16
    assert span != SPAN


@pytest.mark.parametrize(("own", "calls"), [(f"00-{TRACE}-{SPAN}-01", [TRACE]), ("broken", []), (7, [])])
def test_an_event_s_trace_goes_on_to_the_api(standin: StandIn, deploy: Deploy, own: object, calls: list[str]) -> None:
    deploy(standin).app.cloud_event(CloudEvent({"type": "com.example.run", "source": "unit", "traceparent": own}, None))
    assert [value.split("-")[1] for value in standin.exchanges("api")[0].values("traceparent")] == calls


@pytest.mark.parametrize("headers", [{}, {"traceparent": "broken"}, {"X-Cloud-Trace-Context": f"{TRACE}/1"}], ids=str)
def test_without_a_valid_trace_the_api_gets_none(standin: StandIn, deploy: Deploy, headers: dict[str, Any]) -> None:
    deploy(standin).call(headers=headers)
    assert standin.exchanges("api")[0].values("traceparent") == []


def test_a_caller_s_own_traceparent_reaches_the_api(standin: StandIn, deploy: Deploy) -> None:
    own = f"00-{'c' * 32}-{'d' * 16}-00"
    deploy(standin).call({"request": {"headers": {"traceparent": own}}}, headers={"traceparent": f"00-{TRACE}-{SPAN}-01"})
    assert sent(standin, "traceparent") == [own]


def test_the_id_at_the_end_of_instance_is_logged(standin: StandIn, deploy: Deploy, capsys: pytest.CaptureFixture[str]) -> None:
    function = deploy(standin)
    log.configure("INFO")
    body = '{"instance": "urn:uuid:4a5f8d0e-6f0b-4b9c-8a63-0f3f7f2f9f11"}'
    standin.api.fail_next("api", faults.Status(409, body, (), "application/problem+json"))
    function.call()
    (line,) = log_lines(capsys.readouterr().out)
    assert line["api_ids"] == {"instance": "4a5f8d0e-6f0b-4b9c-8a63-0f3f7f2f9f11"}
