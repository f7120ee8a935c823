"""The faults that `helseid-fn doctor` must name: what is made, and what it says of the cause; read by a test and the docs."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from demo.processes import free_port
from standin import Client, StandIn, faults, make_jwk, public_jwk
from standin.clients import SAMPLE_SCOPE, SELVBETJENING_SCOPE
from tests.support.certificates import Authority
from tests.support.proxy import Proxy

CLIENT_ID = "doctor-client"


@dataclass
class Case:
    """A client in good order, before one thing is made wrong: its settings, its key and the parties."""

    folder: Path
    standin: StandIn
    patch: pytest.MonkeyPatch
    running: ExitStack
    jwk: dict[str, Any] = field(default_factory=lambda: make_jwk("PS256"))
    settings: dict[str, str] = field(default_factory=dict)
    clock_seconds: float = 0.0

    def __post_init__(self) -> None:
        self.register()
        self.settings = {**self.standin.environment(f"file:{self.folder}/key.json")}
        del self.settings["SELVBETJENING_URL"]
        self.write_key(json.dumps(self.jwk))

    def register(self, **options: Any) -> None:
        """Register the client, with its key unless another is given."""
        self.standin.register(Client(**{"client_id": CLIENT_ID, "jwks": [public_jwk(self.jwk)], **options}))

    def write_key(self, text: str) -> None:
        """Write the key file."""
        (self.folder / "key.json").write_text(text)
        (self.folder / "key.json").chmod(0o600)

    def now(self) -> float:
        """Return the time by this machine's clock."""
        return time.time() + self.clock_seconds

    def resolve(self, host: str, to: tuple[str, int] | None) -> None:
        """Let a name be at an address of this machine, or nowhere."""
        real = socket.getaddrinfo

        def look_up(name: str, port: int, *arguments: Any, **options: Any) -> Any:
            if name != host:
                return real(name, port, *arguments, **options)
            if to is None:
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            return real(*to, *arguments, **options)

        self.patch.setattr(socket, "getaddrinfo", look_up)


Make = Callable[[Case], object]


@dataclass(frozen=True)
class DoctorFault:
    """One fault: how it is made, and the code and some words of what the doctor says first."""

    name: str
    make: Make
    code: str
    words: str


def _set(name: str, value: str | None) -> Make:
    def make(case: Case) -> None:
        if value is None:
            del case.settings[name]
        else:
            case.settings[name] = value

    return make


def _change(name: str, change: Callable[[str], str]) -> Make:
    return lambda case: case.settings.update({name: change(case.settings[name])})


def _write(text: str) -> Make:
    return lambda case: case.write_key(text)


def _change_key(**members: Any) -> Make:
    return lambda case: case.write_key(json.dumps({name: value for name, value in {**case.jwk, **members}.items() if value}))


def _move_clock(seconds: float) -> Make:
    def make(case: Case) -> None:
        case.clock_seconds = seconds

    return make


def _serve_https(case: Case, *names: str, is_trusted: bool = True, **options: Any) -> None:
    """Put a server with a certificate for these names in HelseID's place."""
    authority = Authority(case.folder / "authority", **options)
    standin = case.running.enter_context(StandIn(tls=authority.server(*names)))
    case.settings["HELSEID_ISSUER"] = standin.issuer
    if is_trusted:
        case.settings["REQUESTS_CA_BUNDLE"] = str(authority.bundle)


def _listen_without_accepting(case: Case) -> None:
    listener = case.running.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
    waiting = [socket.socket() for _ in range(2)]
    for each in waiting:
        case.running.callback(each.close)
        each.settimeout(0)
        each.connect_ex(listener.getsockname())
    case.settings["HELSEID_ISSUER"] = f"http://127.0.0.1:{listener.getsockname()[1]}"


def _point_to_plain_http(case: Case) -> None:
    case.settings["HELSEID_ISSUER"] = case.standin.issuer.replace("http:", "https:")


def _use_proxy(case: Case, url: str) -> None:
    case.settings["HTTPS_PROXY"] = url
    case.settings["HELSEID_ISSUER"] = "https://helseid.example"


def _start_proxy(status: int) -> Make:
    return lambda case: _use_proxy(case, case.running.enter_context(Proxy(refuses_with=status)).url)


def _put_api_on_helsenettet(case: Case, to: tuple[str, int] | None) -> None:
    case.resolve("api.hn-tjener.prod.melding.nhn.no", to)
    case.settings["API_URL"] = "https://api.hn-tjener.prod.melding.nhn.no/v3"


def _fail(party: str, kind: str, fault: faults.Fault, times: int = 9) -> Make:
    return lambda case: getattr(case.standin, party).fail_next(kind, fault, times=times)


def _register(**options: Any) -> Make:
    return lambda case: case.register(**options)


def _ask_selvbetjening(make: Make) -> Make:
    def both(case: Case) -> None:
        case.settings["SELVBETJENING_URL"] = case.standin.selvbetjening.origin
        make(case)

    return both


def _expire_at_helseid(case: Case) -> None:
    case.standin.expire_key(case.jwk["kid"])


def _reject_scope(case: Case) -> None:
    case.standin.helseid.override("token", {"scope": "other", "rejected_scope": SAMPLE_SCOPE})


SMALL = make_jwk("RS256", bits=1024)
OTHER = json.dumps(make_jwk("PS256", number=1))

FAULTS = (
    DoctorFault("a setting is missing", _set("API_URL", None), "settings.invalid", "API_URL is missing"),
    DoctorFault("a setting is in quotes", _change("HELSEID_CLIENT_ID", '"{}"'.format), "settings.invalid", "is in quotes"),
    DoctorFault(
        "the issuer ends with a slash", _change("HELSEID_ISSUER", "{}/".format), "settings.invalid", "ends with a slash"
    ),
    DoctorFault(
        "the key itself is in HELSEID_KEY", _set("HELSEID_KEY", OTHER), "settings.invalid", "is a key and not the address"
    ),
    DoctorFault("there is a comma between scopes", _set("HELSEID_SCOPE", "a,b"), "settings.invalid", "has a comma"),
    DoctorFault("the API is http", _set("API_URL", "http://api.example.no/"), "settings.invalid", "must be https"),
    DoctorFault(
        "the key file is missing", _set("HELSEID_KEY", "file:/none"), "secret_manager.refused.not_found", "There is no file"
    ),
    DoctorFault("the key file is a folder", _set("HELSEID_KEY", "file:/"), "secret_manager.refused.not_found", "is a folder"),
    DoctorFault("the key is PEM", _write("-----BEGIN PRIVATE KEY-----"), "signing_key.pem", "is PEM"),
    DoctorFault("the key is not JSON", _write("key"), "signing_key.not_json", "is not JSON"),
    DoctorFault(
        "the key is its public half",
        lambda case: case.write_key(json.dumps(public_jwk(case.jwk))),
        "signing_key.public_only",
        "public",
    ),
    DoctorFault("the key has no alg", _change_key(alg=None), "signing_key.no_alg", "has no alg"),
    DoctorFault("the key is RSA of 1024 bits", _write(json.dumps(SMALL)), "signing_key.rsa_too_small", "1024 bits"),
    DoctorFault("the key has expired, by its exp", _change_key(exp=1700000000), "key.expired", "The key expired on 2023-11-14"),
    DoctorFault(
        "the key is another client's",
        lambda case: case.write_key(json.dumps({"clientId": "another", "privateJwk": json.dumps(case.jwk)})),
        "signing_key.another_client",
        "has the client id another",
    ),
    DoctorFault(
        "the key is of another environment",
        lambda case: case.write_key(
            json.dumps({"authority": "https://helseid-sts.nhn.no", "privateJwk": json.dumps(case.jwk)})
        ),
        "signing_key.another_client",
        "has the issuer https://helseid-sts.nhn.no",
    ),
    DoctorFault(
        "DNS does not know HelseID",
        lambda case: (case.resolve("helseid.example", None), _set("HELSEID_ISSUER", "https://helseid.example")(case)),
        "dns.failed",
        "The name helseid.example could not be resolved.",
    ),
    DoctorFault(
        "nothing listens on the port",
        lambda case: case.settings.update(HELSEID_ISSUER=f"http://127.0.0.1:{free_port()}"),
        "tcp.refused",
        "refused the connection",
    ),
    DoctorFault("a firewall drops what is sent", _listen_without_accepting, "tcp.timeout", "a firewall probably drops"),
    DoctorFault(
        "the API is on Helsenettet only, and DNS does not know it",
        lambda case: _put_api_on_helsenettet(case, None),
        "dns.failed",
        "api.hn-tjener.prod.melding.nhn.no could not be resolved.",
    ),
    DoctorFault(
        "the API is on Helsenettet only, and cannot be reached",
        lambda case: _put_api_on_helsenettet(case, ("127.0.0.1", free_port())),
        "tcp.refused",
        "api.hn-tjener.prod.melding.nhn.no:443 refused the connection",
    ),
    DoctorFault(
        "DNS does not know the proxy",
        lambda case: (case.resolve("proxy.example", None), _use_proxy(case, "http://proxy.example:3128")),
        "proxy.dns",
        "The proxy's name proxy.example could not be resolved.",
    ),
    DoctorFault(
        "the proxy is not there",
        lambda case: _use_proxy(case, f"http://127.0.0.1:{free_port()}"),
        "proxy.refused",
        "The proxy 127.0.0.1:",
    ),
    DoctorFault(
        "the proxy forbids the host", _start_proxy(403), "proxy.forbids", "The proxy refused a connection to helseid.example"
    ),
    DoctorFault(
        "the proxy wants a user name", _start_proxy(407), "helseid.unavailable.proxy", "refused the connection with 407"
    ),
    DoctorFault(
        "a proxy inspects TLS",
        lambda case: _serve_https(case, is_trusted=False),
        "tls.untrusted",
        "is from an authority for tests only, which this machine does not trust",
    ),
    DoctorFault(
        "the certificate is for another name",
        lambda case: _serve_https(case, "other.example"),
        "tls.other_name",
        "another name",
    ),
    DoctorFault(
        "the certificate has expired",
        lambda case: _serve_https(case, server_days=(-3, -1)),
        "tls.expired",
        "has expired",
    ),
    DoctorFault("the server does not speak TLS", _point_to_plain_http, "tls.protocol", "does not speak TLS"),
    DoctorFault(
        "a captive portal responds",
        _fail("helseid", "metadata", faults.Status(200, "<html>Sign in to the network</html>")),
        "helseid.invalid_response.metadata",
        "not with HelseID's metadata",
    ),
    DoctorFault(
        "the issuer is another name of the host",
        _change("HELSEID_ISSUER", lambda text: text.replace("127.0.0.1", "localhost")),
        "helseid.invalid_response.issuer_mismatch",
        "HelseID's metadata names http://127.0.0.1:",
    ),
    DoctorFault(
        "HelseID fails", _fail("helseid", "metadata", faults.Status(503)), "helseid.unavailable.server_error", "HelseID failed"
    ),
    DoctorFault("the clock is 20 s ahead", _move_clock(20), "clock.ahead", "20 s ahead of HelseID's"),
    DoctorFault("the clock is 20 s behind", _move_clock(-20), "clock.behind", "s behind HelseID's"),
    DoctorFault("the kid is wrong", _change_key(kid="wrong"), "token.wrong_kid", "in the JWK it is wrong"),
    DoctorFault("the alg is wrong", _change_key(alg="RS512"), "token.wrong_alg", "as one for PS256"),
    DoctorFault("the key is not registered", _write(OTHER), "token.unknown_key", "HelseID does not accept the key"),
    DoctorFault("the key has expired at HelseID", _expire_at_helseid, "token.unknown_key", "HelseID does not accept the key"),
    DoctorFault("the client is unknown", _set("HELSEID_CLIENT_ID", "unknown"), "token.unknown_key", "for the client unknown"),
    DoctorFault(
        "a scope is misspelt",
        _change("HELSEID_SCOPE", "{} nhn:misspelt/x".format),
        "token.scope",
        "does not grant nhn:misspelt/x",
    ),
    DoctorFault(
        "the client lacks a scope, and Selvbetjening says so",
        _ask_selvbetjening(_change("HELSEID_SCOPE", "{} nhn:other/x".format)),
        "registration.scope_missing",
        "The client does not have the scope nhn:other/x.",
    ),
    DoctorFault(
        "a scope waits for approval",
        _ask_selvbetjening(_register(scopes=[SELVBETJENING_SCOPE], pending_scopes=[SAMPLE_SCOPE])),
        "registration.scope_pending",
        f"The scope {SAMPLE_SCOPE} is pending",
    ),
    DoctorFault("the terms of use are not accepted", _reject_scope, "token.scope", f"does not grant {SAMPLE_SCOPE}"),
    DoctorFault(
        "the organization has not delegated",
        _set("HELSEID_PARENT_ORGANIZATION", "123456789"),
        "helseid.refused.invalid_request",
        "Let the parent organization delegate to you in Altinn",
    ),
    DoctorFault(
        "a multi-tenant client names no parent",
        lambda case: [case.settings.pop(f"HELSEID_{each}_ORGANIZATION") for each in ("PARENT", "CHILD")],
        "helseid.refused.invalid_request",
        "Set a parent if Selvbetjening shows the client as multi-tenant",
    ),
    DoctorFault(
        "the child is not on the client's list",
        lambda case: (
            case.register(tenancy="single-tenant"),
            case.settings.pop("HELSEID_PARENT_ORGANIZATION"),
            _set("HELSEID_CHILD_ORGANIZATION", "123456789")(case),
        ),
        "helseid.refused.invalid_request",
        "Use another child organization",
    ),
    DoctorFault(
        "the API wants another audience",
        lambda case: setattr(case.standin.api.settings, "audience", "nhn:other"),
        "api.refused.invalid_token",
        "The token is for nhn:test-public-samplecode",
    ),
    DoctorFault(
        "the API wants another scope",
        lambda case: setattr(case.standin.api.settings, "scope", "nhn:test-public-samplecode/other"),
        "api.refused.insufficient_scope",
        "Add the scope to the client in Selvbetjening",
    ),
    DoctorFault(
        "API_URL has a wrong path", _fail("api", "api", faults.Status(404)), "api.refused.not_found", "404 to GET API_URL"
    ),
    DoctorFault(
        "the API fails", _fail("api", "api", faults.Status(503)), "api.unavailable.server_error", "The API failed (status 503)"
    ),
)


def faults_table() -> str:
    """Return the table of faults, as Markdown."""
    rows = [f"| {each.name} | {each.words} | `{each.code}` |" for each in FAULTS]
    return "\n".join(["| fault | a part of what it says first | code |", "|---|---|---|", *rows])
