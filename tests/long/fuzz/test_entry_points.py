"""For any invocation: a response with its code, no crash, no header overridden, no call outside the base URL."""

import contextlib
import io
import json
import posixpath
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import functions_framework
import pytest
from cloudevents.http import CloudEvent
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from helseid_fn import App
from helseid_fn.error_codes import every_code
from helseid_fn.errors import HelseidFnError
from helseid_fn.http import retries
from standin import StandIn, make_jwk
from standin.faults import Deliver, Handle
from standin.wire import Wire
from tests.conftest import ROOT
from tests.long.fuzz import inputs
from tests.support.deployment import LambdaContext, client_of
from tests.support.faults.secrecy import debug_logs_written, enable_debug_logs

CODES = frozenset(every_code())
PUBSUB = "google.cloud.pubsub.topic.v1.messagePublished"
_JWS = re.compile(r"eyJ[A-Za-z0-9_-]{10,}\.")
OURS = ("Authorization", "DPoP", "Host")


@dataclass
class Site:
    """The function, the parties, and its latest standard output."""

    standin: StandIn
    module: ModuleType
    http: Flask
    events: Flask
    heard: io.StringIO
    """What any library logs."""
    written: str = ""

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Check the output and the requests of the enclosed block."""
        self.standin.reset_record()
        out, sys.stdout = sys.stdout, io.StringIO()
        try:
            yield
            self.written = sys.stdout.getvalue()
        finally:
            sys.stdout = out
        self._check_log()
        heard = self.heard.getvalue()
        self.heard.seek(0)
        self.heard.truncate()
        assert not _JWS.search(self.written + heard)
        for exchange in self.standin.exchanges("api"):
            self._check_call(exchange.target, {name: exchange.values(name) for name in OURS}, exchange.claims)

    def forget_tokens(self) -> None:
        """Replace the function with one that has no cached token or metadata."""
        app: App = self.module.app
        vars(self.module)["app"] = App(app.settings, environ=app.environ)

    def _check_log(self) -> None:
        for line in self.written.splitlines():
            entry = json.loads(line)
            if not entry["logger"].startswith("helseid_fn"):
                continue  # a library's own line, which only `enable_debug_logs` turns on
            assert entry["severity"] != "CRITICAL", entry
            assert "stack_trace" not in entry
            assert entry.get("code", "settings.invalid") in CODES

    def _check_call(self, target: str, ours: Mapping[str, list[str]], claims: Mapping[str, Any]) -> None:
        """Parse the URL of a call in every way that a server might."""
        base = urlsplit(self.standin.api_base).path + "/echo"
        path = target.partition("?")[0]
        for _ in range(6):
            plain = posixpath.normpath(path.replace("\\", "/"))
            assert plain == base or plain.startswith(base + "/"), target
            path = unquote(path)
        assert all(len(values) == 1 for values in ours.values()), ours
        assert ours["Authorization"][0].startswith("DPoP eyJ")
        assert ours["DPoP"][0].startswith("eyJ")
        assert ours["Host"] == [urlsplit(self.standin.api_base).netloc]
        assert claims["proof"]["htu"] == f"{self.standin.api_base.removesuffix('/machine-clients')}{target.partition('?')[0]}"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Deploy the function with every method allowed, for HTTP and for events."""
    jwk = make_jwk("ES256")
    key_file: Path = tmp_path_factory.mktemp("key") / "client.jwk"
    key_file.write_text(json.dumps(jwk))
    with StandIn([client_of(jwk)]) as standin, pytest.MonkeyPatch.context() as patch:
        patch.setattr(retries, "FIRST_PAUSE_SECONDS", 0.0)
        settings = {**standin.environment(f"file:{key_file}"), "API_URL": f"{standin.api_base}/echo"}
        settings |= {"API_METHODS": "GET,HEAD,POST,PUT,PATCH,DELETE", "LOG_LEVEL": "DEBUG"}
        settings["API_CALLER_HEADERS"] = "accept accept-language content-type cookie nhn-* user-agent x-*"
        for name, value in settings.items():
            patch.setenv(name, value)
        patch.delitem(sys.modules, "main", raising=False)
        source = str(ROOT / "main.py")
        create: Any = functions_framework.create_app
        events: Flask = create("run_event", source, signature_type="cloudevent")
        http: Flask = create("run", source, signature_type="http")
        module, heard = sys.modules["main"], io.StringIO()
        with debug_logs_written(heard):
            enable_debug_logs()
            yield Site(standin, module, http, events, heard)


def assert_problem_or_report(status: int, text: str) -> dict[str, Any]:
    members: dict[str, Any] = json.loads(text)
    if status == 200:
        assert members["status"] == "ok"
        return members
    assert members["status"] == status
    assert members["code"] in CODES - {"function.internal_error"}
    # If our call is refused for its proof, we built it wrongly.
    assert members["code"] not in ("api.refused.invalid_dpop_proof", "api.refused.invalid_token")
    return members


@contextlib.contextmanager
def only_retryable() -> Iterator[None]:
    """Raise an error only if the event should be delivered again."""
    try:
        yield
    except HelseidFnError as error:
        assert error.retryable


@given(
    method=st.one_of(st.sampled_from(["POST", "POST", "POST", "GET", "PUT", "OPTIONS", "HEAD"]), st.just("X-ODD")),
    query=st.one_of(st.just(""), st.binary(max_size=20).map(quote)),
    headers=st.dictionaries(
        st.sampled_from(
            ["traceparent", "X-Cloud-Trace-Context", "X-Amzn-Trace-Id", "X-CloudScheduler-JobName", "Content-Type"]
        ),
        st.text(alphabet="0123456789abcdef-/;=Root \x7f\u00e5", max_size=60),
        max_size=3,
    ),
    body=inputs.BODIES,
)
def test_over_http(site: Site, method: str, query: str, headers: dict[str, str], body: bytes) -> None:
    with site.watching():
        response = site.http.test_client().open("/", method=method, query_string=query, headers=headers, data=body)
    if method != "HEAD":
        assert_problem_or_report(response.status_code, response.get_data(as_text=True))


@given(request=inputs.REQUESTS)
def test_over_http_with_any_request_for_the_api(site: Site, request: Any) -> None:
    body = json.dumps({"request": request}).encode()
    with site.watching():
        response = site.http.test_client().post("/", data=body)
    assert_problem_or_report(response.status_code, response.get_data(as_text=True))


@given(path=st.lists(inputs.SEGMENTS, min_size=1, max_size=4).map("/".join))
def test_no_path_leaves_the_base(site: Site, path: str) -> None:
    with site.watching():
        response = site.http.test_client().post("/", json={"request": {"path": path}})
    assert_problem_or_report(response.status_code, response.get_data(as_text=True))


@given(
    headers=st.dictionaries(inputs.HEADER_NAMES, st.sampled_from(["x", "DPoP x", "evil.example", ""]), min_size=1, max_size=2)
)
def test_no_header_of_ours_is_overridden(site: Site, headers: dict[str, str]) -> None:
    with site.watching():
        response = site.http.test_client().post("/", json={"request": {"headers": headers}})
    assert_problem_or_report(response.status_code, response.get_data(as_text=True))


@given(
    kind=st.one_of(st.just(PUBSUB), st.sampled_from(["a", "google.cloud.storage.object.v1.finalized"]), inputs.ODD_TEXT),
    attributes=st.dictionaries(st.sampled_from(["id", "subject", "time", "datacontenttype"]), inputs.ODD_TEXT, max_size=3),
    data=inputs.EVENT_DATA,
)
def test_by_a_cloud_event(site: Site, kind: str, attributes: dict[str, str], data: Any) -> None:
    event = CloudEvent({"type": kind, "source": "fuzz", **attributes}, data)
    with site.watching(), only_retryable():
        site.module.run_event(event)
    assert '"outcome"' in site.written


@given(
    headers=st.dictionaries(
        st.sampled_from(["ce-id", "ce-source", "ce-type", "ce-specversion", "Content-Type", "ce-time", "ce-datacontenttype"]),
        st.one_of(
            st.sampled_from(["1.0", "0.3", PUBSUB, "application/json", "application/cloudevents+json", "text/plain", "x"]),
            st.text(alphabet="abc/;=+ 1.\u00e5", max_size=20),
        ),
    ),
    body=inputs.BODIES,
)
def test_by_a_cloud_event_over_http(site: Site, headers: dict[str, str], body: bytes) -> None:
    with site.watching():
        response = site.events.test_client().post("/", headers=headers, data=body)
    text = response.get_data(as_text=True)
    assert response.status_code in (200, 400, 503)
    assert text == "OK" or json.loads(text)["code"] == "invocation.body"


@given(event=inputs.LAMBDA_EVENTS)
def test_by_lambda(site: Site, event: Any) -> None:
    with site.watching():
        try:
            response = site.module.lambda_handler(event, LambdaContext())
        except HelseidFnError as error:
            assert error.retryable or error.reason == "event"
            return
    if "batchItemFailures" in response:
        return
    for each in response if isinstance(response, list) else [response]:
        text = each["body"] if "isBase64Encoded" in each else json.dumps(each)
        members = json.loads(text)
        assert_problem_or_report(200 if members["status"] == "ok" else members["status"], text)


@dataclass(frozen=True)
class Raw:
    """Sends these bytes in place of a response, and closes."""

    sent: bytes

    def carry_out(self, wire: Wire, _handle: Handle, _deliver: Deliver) -> None:
        wire.send(self.sent)
        wire.close()


@given(sent=inputs.RAW_RESPONSES, kind=st.sampled_from(["api", "token", "metadata"]))
def test_any_bytes_from_a_server_are_handled(site: Site, sent: bytes, kind: str) -> None:
    party = site.standin.api if kind == "api" else site.standin.helseid
    if kind != "api":
        site.forget_tokens()
    party.fail_always(kind, Raw(sent))
    try:
        with site.watching():
            response = site.http.test_client().get("/")
    finally:
        party.clear_faults()
    members = json.loads(response.get_data(as_text=True))
    assert members["status"] == "ok" or members["code"] in CODES - {"function.internal_error"}
