"""The inputs: valid ones, almost valid ones, and arbitrary ones."""

import base64
import json
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from standin import SAMPLE_SCOPE, make_jwk
from tests.support import aws_events

ODD_TEXT = st.one_of(
    st.text(max_size=40),
    st.text(alphabet="./\\%;:@?#&=2eEfF5cC \t\r\n\0'\"<>{}[]\u00e5\uff0e\uff0f\u2028\ud800", max_size=40),
)
ANY_JSON: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.sampled_from([2**63, 10**400, 1e308, -0.0]), ODD_TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(ODD_TEXT, inner, max_size=4)),
    max_leaves=12,
)

SEGMENTS = st.sampled_from(
    [
        *(
            "a",
            "greetings",
            "",
            ".",
            "..",
            "...",
            "%2e%2e",
            "%252e%252e",
            "%25252e%25252e",
            ".%2e",
            "..;x",
            "..%3bx",
            "%2e%2e;",
        ),
        *(
            "\\",
            "..\\",
            "%5c",
            "%2f",
            "%252f",
            "..%2f",
            "%00",
            "..%00",
            "\0",
            "%0d%0a",
            "\r\nX: y",
            "\uff0e\uff0e",
            "%c0%ae%c0%ae",
        ),
        *(
            "%ef%bc%8e%ef%bc%8e",
            "%u002e",
            "http:",
            "//evil.example",
            "@evil.example",
            "evil.example:80",
            "?a=b",
            "#f",
            " ",
            "%20",
        ),
        *("%", "%2", "%zz", "~", "*", "a;b=c", "a b", "\u00e5", "%c3%a5", "..\u2028", "%e2%80%a8", ".. ", "..."),
    ]
)
PATHS = st.one_of(st.lists(st.one_of(SEGMENTS, ODD_TEXT), min_size=1, max_size=5).map("/".join), ANY_JSON)
HEADER_NAMES = st.one_of(
    st.sampled_from(
        [
            *(
                "Authorization",
                "authorization",
                "AUTHORIZATION",
                "Authorization ",
                " Authorization",
                "Authorization:",
                "DPoP",
                "dpop",
            ),
            *("D_PoP", "Host", "host", "HOST\0", "X-Forwarded-Host", "X_Forwarded_Host", "Content-Length", "Transfer-Encoding"),
            *(
                "Connection",
                "Proxy-Authorization",
                "X-HTTP-Method-Override",
                "X-Original-URL",
                "Accept",
                "Content-Type",
                "nhn-event-id",
            ),
            *("Expect", "Upgrade", "TE", "Cookie", "User-Agent", "A\r\nHost", "", "\u212aeep-Alive", "Accept-Encoding"),
        ]
    ),
    ODD_TEXT,
)
HEADERS = st.one_of(st.dictionaries(HEADER_NAMES, st.one_of(ODD_TEXT, ANY_JSON), max_size=4), ANY_JSON)
REQUESTS = st.one_of(
    st.fixed_dictionaries(
        {},
        optional={
            "method": st.one_of(st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "get", "CONNECT"]), ANY_JSON),
            "path": PATHS,
            "query": st.one_of(st.dictionaries(ODD_TEXT, st.one_of(ODD_TEXT, st.integers(), ANY_JSON), max_size=3), ANY_JSON),
            "headers": HEADERS,
            "json": ANY_JSON,
        },
    ),
    ANY_JSON,
)
NUMBERS = st.one_of(st.sampled_from(["999977774", "999977776", "99997777", "\uff19" * 9, "999977774\n", ""]), ANY_JSON)
ORGANIZATIONS = st.one_of(
    st.fixed_dictionaries({}, optional={"parent": NUMBERS, "child": NUMBERS, "sfm_journal_id": NUMBERS}), ANY_JSON
)
INVOCATIONS: st.SearchStrategy[Any] = st.one_of(
    st.fixed_dictionaries(
        {},
        optional={
            "request": REQUESTS,
            "organization": ORGANIZATIONS,
            "scope": st.one_of(st.sampled_from([SAMPLE_SCOPE, f"{SAMPLE_SCOPE} x", "", " "]), ANY_JSON),
        },
    ),
    st.fixed_dictionaries({"request": REQUESTS}),
    ANY_JSON,
)


def _bent(octets: bytes, where: int, what: bytes) -> bytes:
    """Replace one byte."""
    at = where % (len(octets) + 1)
    return octets[:at] + what + octets[at + 1 :]


def _write(value: Any) -> bytes:
    return json.dumps(value).encode("utf-8", "surrogatepass")


BODIES = st.one_of(
    INVOCATIONS.map(_write),
    st.builds(_bent, INVOCATIONS.map(_write), st.integers(0, 500), st.binary(max_size=3)),
    st.binary(max_size=60),
    st.sampled_from(
        [
            *(b"", b" ", b"\xef\xbb\xbf{}", b"[" * 100_000, b'{"a":' * 50_000, b"1" * 10_000, b'{"scope": "\\ud800"}', b"NaN"),
            *(
                b'{"a": 1, "a": 2}',
                b"\xff\xfe{\0}\0",
                b"\0",
                b'"' + b"a" * 2_000_000 + b'"',
                b"-",
                b"1e999",
                b'{"request": {"json": 1e999}}',
            ),
        ]
    ),
)
MESSAGES = st.one_of(BODIES.map(lambda body: base64.b64encode(body).decode()), ODD_TEXT, ANY_JSON, st.just("===="))
EVENT_DATA = st.one_of(
    st.fixed_dictionaries(
        {"message": st.one_of(st.fixed_dictionaries({}, optional={"data": MESSAGES, "messageId": ANY_JSON}), ANY_JSON)}
    ),
    INVOCATIONS,
    BODIES,
    ODD_TEXT,
)
LAMBDA_HTTP = st.fixed_dictionaries(
    {
        "requestContext": st.one_of(
            st.fixed_dictionaries({"http": st.one_of(st.fixed_dictionaries({}, optional={"method": ANY_JSON}), ANY_JSON)}),
            ANY_JSON,
        )
    },
    optional={
        "body": st.one_of(MESSAGES, INVOCATIONS.map(json.dumps), ANY_JSON),
        "isBase64Encoded": st.one_of(st.booleans(), ANY_JSON),
        "headers": st.one_of(st.dictionaries(ODD_TEXT, ANY_JSON, max_size=3), ANY_JSON),
        "rawQueryString": ANY_JSON,
    },
)


@st.composite
def envelopes(draw: st.DrawFn) -> Any:
    """Make an event of one of AWS's services around an invocation, with up to two members of any kind at any depth."""
    forms: list[Callable[..., dict[str, Any]]] = [
        *aws_events.HTTP_FORMS.values(),
        aws_events.sqs,
        aws_events.sns,
        aws_events.scheduled,
    ]
    event = draw(st.sampled_from(forms))(draw(st.one_of(st.just(""), INVOCATIONS.map(json.dumps), ODD_TEXT)))
    for _ in range(draw(st.integers(0, 2))):
        place: Any = event
        while isinstance(place, dict | list) and place:
            key = draw(st.sampled_from(sorted(place))) if isinstance(place, dict) else 0
            if not isinstance(place[key], dict | list) or draw(st.booleans()):
                place[key] = draw(ANY_JSON)
                break
            place = place[key]
    return draw(st.sampled_from([event, event.get("Records", event)]))


LAMBDA_EVENTS: st.SearchStrategy[Any] = st.one_of(
    LAMBDA_HTTP,
    envelopes(),
    INVOCATIONS,
    st.fixed_dictionaries({"detail-type": ANY_JSON, "detail": INVOCATIONS}, optional={"id": ANY_JSON, "source": ANY_JSON}),
)

KEYS = [make_jwk(alg) for alg in ("PS256", "ES256", "ES512")]


@st.composite
def jwks(draw: st.DrawFn) -> str:
    """Make a private JWK with up to three members missing, altered or of another type."""
    jwk = dict(draw(st.sampled_from(KEYS)))
    for name in draw(st.lists(st.sampled_from([*jwk, "x5c", "exp"]), max_size=3)):
        value = str(jwk.get(name, ""))
        jwk[name] = draw(
            st.one_of(
                ANY_JSON,
                st.just(value[:-1]),
                st.just(value + "="),
                st.just("A" + value),
                st.just(value[::-1]),
                st.just("A" * len(value)),
                st.sampled_from([str(other.get(name)) for other in KEYS]),
            )
        )
    text = json.dumps(jwk)
    return draw(st.sampled_from([text, f"[{text}]", json.dumps(text), text[:-1], f"\ufeff{text}", f'{{"keys": [{text}]}}']))


STATUSES = st.one_of(st.sampled_from([200, 201, 204, 301, 400, 401, 403, 404, 429, 500, 503]), st.integers(200, 599))
CHALLENGES = st.one_of(
    st.lists(
        st.one_of(
            st.sampled_from(
                [
                    *(
                        'DPoP error="use_dpop_nonce"',
                        'DPoP error="invalid_token"',
                        'Bearer realm="x"',
                        "DPoP",
                        "Negotiate abc==",
                        ",",
                    ),
                    *(
                        'error="',
                        "=",
                        '"',
                        "\\",
                        "DPoP error=invalid_token",
                        'DPoP error="insufficient_scope", scope="a"',
                        " \t",
                        "Basic",
                    ),
                ]
            ),
            st.text(alphabet='abAB=,"\\ \t!~/+0', max_size=30),
        ),
        max_size=6,
    ).map(", ".join),
    st.text(max_size=80),
)
HEADER_VALUES = st.one_of(
    CHALLENGES, st.sampled_from(["application/json", "text/html", "120", "-1", "1e9", "Mon, 32 Foo", "9" * 40])
)
RESPONSE_HEADERS = st.dictionaries(
    st.sampled_from(
        ["Content-Type", "WWW-Authenticate", "DPoP-Nonce", "Retry-After", "Location", "Date", "Content-Encoding", "Set-Cookie"]
    ),
    HEADER_VALUES,
    max_size=5,
)
TOKEN_MEMBERS = st.one_of(
    st.fixed_dictionaries(
        {},
        optional={
            "access_token": st.one_of(st.just("abc.def"), ANY_JSON),
            "token_type": st.one_of(st.sampled_from(["DPoP", "dpop", "Bearer"]), ANY_JSON),
            "expires_in": st.one_of(st.sampled_from([600, 0, -1, "600", 600.5, True, 10**12]), ANY_JSON),
            "scope": st.one_of(st.just(SAMPLE_SCOPE), ANY_JSON),
            "rejected_scope": ANY_JSON,
            "error": st.one_of(st.sampled_from(["invalid_client", "invalid_request", "use_dpop_nonce", "x"]), ANY_JSON),
            "error_description": st.one_of(st.just("HID-1001: no"), ANY_JSON),
        },
    ),
    ANY_JSON,
)
ARN = "arn:aws:secretsmanager:eu-north-1:123456789012:secret:k-AbCdEf"
SECRET_MEMBERS = st.one_of(
    st.fixed_dictionaries(
        {"ARN": st.just(ARN)},
        optional={
            "SecretString": st.one_of(st.just(json.dumps(KEYS[1])), ANY_JSON),
            "SecretBinary": st.one_of(st.sampled_from(["e30=", "e30", "\u00e5", ""]), ANY_JSON),
            "VersionStages": st.one_of(st.lists(ODD_TEXT, max_size=3), ANY_JSON),
        },
    ).map(_write),
    BODIES,
)
RESPONSE_BODIES = st.one_of(TOKEN_MEMBERS.map(_write), BODIES)
_HEADS = st.sampled_from(
    [
        *(
            b"HTTP/1.1 200 OK\r\n",
            b"HTTP/1.0 200\r\n",
            b"HTTP/1.1 99 x\r\n",
            b"HTTP/1.1 1000 x\r\n",
            b"HTTP/1.1 -1 x\r\n",
            b"HTTP/9 200 x\r\n",
        ),
        *(
            b"HTTP/1.1 401 x\r\n",
            b"HTTP/1.1 302 x\r\nLocation: http://[\r\n",
            b"HTTP/1.1 103 x\r\n\r\n",
            b"\r\n\r\n",
            b"HTTP/1.1 200 \xff\r\n",
            b"",
        ),
    ]
)
_FIELDS = st.lists(
    st.sampled_from(
        [
            *(
                b"Content-Length: 2\r\n",
                b"Content-Length: -1\r\n",
                b"Content-Length: 2, 3\r\n",
                b"Content-Length: \xb2\r\n",
                b"Content-Length: 99\r\n",
            ),
            *(
                b"Transfer-Encoding: chunked\r\n",
                b"Transfer-Encoding: gzip\r\n",
                b"Content-Encoding: gzip\r\n",
                b"Content-Encoding: br\r\n",
            ),
            *(
                b"Content-Type: application/json\r\n",
                b"Content-Type: \xff\r\n",
                b": x\r\n",
                b"no colon\r\n",
                b"X: \r\n y\r\n",
                b"X: a\0b\r\n",
            ),
            *(
                b'WWW-Authenticate: DPoP error="use_dpop_nonce"\r\n',
                b"DPoP-Nonce: \xe5\r\n",
                b"DPoP-Nonce: abc\r\n",
                b"Date: x\r\n",
            ),
            *(
                b"Retry-After: 0\r\n",
                b"Set-Cookie: a=b\r\n",
                b"Connection: close\r\n",
                b"Location: \r\n",
                b"Link: <a>; rel=\r\n",
            ),
        ]
    ),
    max_size=5,
).map(b"".join)
RAW_RESPONSES = st.one_of(
    st.builds(
        lambda head, fields, end, body: head + fields + end + body,
        _HEADS,
        _FIELDS,
        st.sampled_from([b"\r\n", b"\r\n", b"\n", b""]),
        st.sampled_from(
            [
                b"{}",
                b"",
                b"2\r\n{}\r\n0\r\n\r\n",
                b"-1\r\n",
                b"zz\r\n",
                b"ffffffffff\r\n",
                b"\x1f\x8b",
                b"0\r\n\r\n",
                b"\xff\xfe",
            ]
        ),
    ),
    st.binary(max_size=80),
)
_OF_LINKS = r"""
https://api.example.no http: // / /fhir /fhir/ fhir Patient .. ../ . %2e%2e %2f %252e %5c \ @ @elsewhere.example
elsewhere.example : :443 :8443 ?q=1 ? # #x ; [ ] %00
"""
_OF_LINK_HEADERS = """< > </a> <https://b.example/?x=1,2> ; , rel = " "next" next rel=next title="a, <b>" anchor=/"""
LINKS = st.one_of(st.lists(st.sampled_from(_OF_LINKS.split()), min_size=1, max_size=6).map("".join), ODD_TEXT)
LINK_HEADERS = st.one_of(st.lists(st.sampled_from(_OF_LINK_HEADERS.split(" ")), max_size=12).map(" ".join), HEADER_VALUES)
