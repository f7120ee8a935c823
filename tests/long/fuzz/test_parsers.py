"""Any input from another party is parsed, or refused with the right error."""

import json
import posixpath
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from requests.structures import CaseInsensitiveDict

from helseid_fn.api.json_response import read_json_response
from helseid_fn.api.refusal import check_response
from helseid_fn.api.url import resolve_below
from helseid_fn.context import Context
from helseid_fn.error_codes import Party, every_code
from helseid_fn.errors import HelseidFnError, SigningKeyError
from helseid_fn.http import challenges
from helseid_fn.http.adapter import wire_url
from helseid_fn.http.dpop_nonce import asks_for_nonce, read_nonce
from helseid_fn.http.links import parse_links
from helseid_fn.http.messages import Response
from helseid_fn.http.retries import check_available, parse_retry_after
from helseid_fn.keys.signing_key import generate_proof_key, parse_signing_key
from helseid_fn.oauth.metadata import parse_metadata
from helseid_fn.oauth.token_errors import parse_token_error
from helseid_fn.oauth.token_response import is_token_error, parse_grant
from helseid_fn.secret_store.aws.arn import SecretArn, parse_secret_arn
from helseid_fn.secret_store.aws.extension import _parse_response
from standin import SAMPLE_SCOPE
from standin.jose import PRIVATE_MEMBERS
from tests.long.fuzz import inputs
from tests.support.parts import make_token

ISSUER = "https://issuer.example"
KEY = generate_proof_key()
SCOPES = frozenset({SAMPLE_SCOPE})
SECRETS = [jwk[name][:20] for jwk in inputs.KEYS for name in PRIVATE_MEMBERS & set(jwk)]
CODES = frozenset(every_code())


def response_of(status: int, headers: dict[str, str], body: bytes) -> Response:
    return Response(status, CaseInsensitiveDict(headers), body)


@given(inputs.jwks())
def test_a_key_is_read_or_refused_and_never_shown(text: str) -> None:
    try:
        key = parse_signing_key(text)
    except SigningKeyError as error:
        assert error.code in CODES
        shown = str(error)
    else:
        assert key.sign({}, {}).count(".") == 2
        shown = repr(key)
    assert not [secret for secret in SECRETS if secret in shown]


@given(inputs.STATUSES, inputs.RESPONSE_HEADERS, inputs.RESPONSE_BODIES)
def test_metadata_is_refused_by_its_own_error(status: int, headers: dict[str, str], body: bytes) -> None:
    with pytest.raises(HelseidFnError) as caught:
        parse_metadata(response_of(status, headers, body), ISSUER, 0)
    assert caught.value.code in CODES


@given(inputs.ANY_JSON, inputs.ANY_JSON)
def test_metadata_with_any_members_is_read_or_refused(issuer: Any, token_endpoint: Any) -> None:
    for named in (issuer, ISSUER):
        body = json.dumps({"issuer": named, "token_endpoint": token_endpoint}).encode()
        try:
            metadata = parse_metadata(response_of(200, {}, body), ISSUER, 0)
        except HelseidFnError as error:
            assert error.code in CODES
        else:
            assert metadata.token_endpoint.startswith("https://")


@given(inputs.STATUSES, inputs.RESPONSE_HEADERS, inputs.RESPONSE_BODIES)
def test_a_token_response_is_read_or_refused(status: int, headers: dict[str, str], body: bytes) -> None:
    response = response_of(status, headers, body)
    asks_for_nonce(response)
    try:
        check_available(Party.HELSEID, response, 0)
        if is_token_error(response):
            raise parse_token_error(response, KEY, client_id="client", issuer=ISSUER, scopes=SCOPES, now=1e9, ctx=Context(25))
        grant = parse_grant(response, SCOPES)
    except HelseidFnError as error:
        assert error.code in CODES
        assert "\n" not in str(error)
    else:
        assert grant.value.isascii()
        assert 0 < grant.lifetime_seconds <= 10**9


@given(inputs.CHALLENGES, inputs.HEADER_VALUES)
def test_any_challenges_and_nonces_are_read(header: str, nonce: str) -> None:
    for challenge in challenges.parse(header):
        assert challenge.scheme == challenge.scheme.lower() != ""
    read = read_nonce(CaseInsensitiveDict({"DPoP-Nonce": nonce}))
    assert read is None or (read.isascii() and read.isprintable() and " " not in read)


@given(inputs.STATUSES, inputs.RESPONSE_HEADERS, inputs.RESPONSE_BODIES)
def test_an_api_response_is_read_or_refused(status: int, headers: dict[str, str], body: bytes) -> None:
    try:
        response = read_json_response(response_of(status, headers, body), sent_secrets=("secret",), now=1e9)
        assert isinstance(response.body, bytes) or json.dumps(response.body).encode()
        check_response(response, make_token())
    except HelseidFnError as error:
        assert error.code in CODES
        json.dumps(error.api_response, allow_nan=False).encode()


@given(inputs.HEADER_VALUES)
def test_a_retry_after_is_whole_and_not_negative(value: str) -> None:
    seconds = parse_retry_after(value, 1e9)
    assert seconds is None or seconds >= 0


@given(inputs.SECRET_MEMBERS)
def test_a_response_of_the_extension_is_read_or_left(body: bytes) -> None:
    stored = _parse_response(body, SecretArn(inputs.ARN, "eu-north-1"))
    assert stored is None or isinstance(stored.text, str)


@given(inputs.ODD_TEXT)
def test_odd_text_is_no_arn(text: str) -> None:
    assert parse_secret_arn(f"arn:aws:secretsmanager:{text}") is None


@given(inputs.LINKS)
def test_a_link_leads_below_the_api_or_nowhere(link: str) -> None:
    try:
        url = resolve_below("https://api.example.no/fhir", "https://api.example.no/fhir/Patient", link)
    except ValueError:
        return
    sent = urlsplit(wire_url(url))
    assert (sent.scheme, sent.hostname, sent.port, sent.username) == ("https", "api.example.no", None, None)
    path = sent.path
    for _ in range(3):
        assert posixpath.normpath(path.replace("\\", "/")).startswith("/fhir")
        path = unquote(path)


@given(inputs.LINK_HEADERS)
def test_any_links_are_read(header: str) -> None:
    for relation, target in parse_links(header).items():
        assert relation == relation.lower().strip() != ""
        assert not {"<", ">"} & set(target)
