"""Everything that another party sends is read or refused by its own error, whatever it is."""

import json
from typing import Any

import pytest
from hypothesis import given
from requests.structures import CaseInsensitiveDict

from helseid_fn import errors
from helseid_fn.api.response import check_answer, read_api_answer
from helseid_fn.context import Journal
from helseid_fn.errors import HelseidFnError, SigningKeyError
from helseid_fn.http import challenges
from helseid_fn.http.messages import Answer
from helseid_fn.http.retries import check_available, parse_retry_after
from helseid_fn.keys.signing_key import generate_proof_key, parse_signing_key
from helseid_fn.oauth.dpop import asks_for_nonce, read_nonce
from helseid_fn.oauth.metadata import parse_metadata
from helseid_fn.oauth.token_errors import explain_refusal
from helseid_fn.oauth.token_response import is_refusal, parse_grant
from helseid_fn.secret_store.aws.arn import parse_aws_address
from helseid_fn.secret_store.aws.extension import _read_answer
from standin import SAMPLE_SCOPE
from standin.jose import PRIVATE_MEMBERS
from tests.long.fuzz import inputs

ISSUER = "https://issuer.example"
KEY = generate_proof_key()
SECRETS = [jwk[name][:20] for jwk in inputs.KEYS for name in PRIVATE_MEMBERS & set(jwk)]
CODES = frozenset(errors.every_code())


def answer_of(status: int, headers: dict[str, str], body: bytes) -> Answer:
    return Answer(status, CaseInsensitiveDict(headers), body)


@given(inputs.jwks())
def test_a_key_is_read_or_refused_and_never_shown(text: str) -> None:
    try:
        key = parse_signing_key(text)
    except SigningKeyError as error:
        assert error.code in CODES
        told = str(error)
    else:
        assert key.sign({}, {}).count(".") == 2
        told = repr(key)
    assert not [secret for secret in SECRETS if secret in told]


@given(inputs.STATUSES, inputs.ANSWER_HEADERS, inputs.ANSWER_BODIES)
def test_metadata_are_read_or_refused(status: int, headers: dict[str, str], body: bytes) -> None:
    with pytest.raises(HelseidFnError) as caught:
        parse_metadata(answer_of(status, headers, body), ISSUER, 0)
    assert caught.value.code in CODES


@given(inputs.ANY_JSON, inputs.ANY_JSON)
def test_metadata_with_any_members_are_read_or_refused(issuer: Any, token_endpoint: Any) -> None:
    for named in (issuer, ISSUER):
        body = json.dumps({"issuer": named, "token_endpoint": token_endpoint}).encode()
        try:
            metadata = parse_metadata(answer_of(200, {}, body), ISSUER, 0)
        except HelseidFnError as error:
            assert error.code in CODES
        else:
            assert metadata.token_endpoint.startswith("https://")


@given(inputs.STATUSES, inputs.ANSWER_HEADERS, inputs.ANSWER_BODIES)
def test_a_token_answer_is_read_or_refused(status: int, headers: dict[str, str], body: bytes) -> None:
    answer = answer_of(status, headers, body)
    asks_for_nonce(answer)
    try:
        check_available(errors.Party.HELSEID, answer, 0)
        if is_refusal(answer):
            raise explain_refusal(answer, KEY, client_id="client", issuer=ISSUER, now=1e9, journal=Journal())
        grant = parse_grant(answer, frozenset({SAMPLE_SCOPE}))
    except HelseidFnError as error:
        assert error.code in CODES
        assert "\n" not in str(error)
    else:
        assert grant.value.isascii()
        assert 0 < grant.lifetime_seconds <= 10**9


@given(inputs.CHALLENGES, inputs.HEADER_VALUES)
def test_challenges_and_nonces_are_read_whatever_they_are(header: str, nonce: str) -> None:
    for challenge in challenges.parse(header):
        assert challenge.scheme == challenge.scheme.lower() != ""
    read = read_nonce(CaseInsensitiveDict({"DPoP-Nonce": nonce}))
    assert read is None or (read.isascii() and read.isprintable() and " " not in read)


@given(inputs.STATUSES, inputs.ANSWER_HEADERS, inputs.ANSWER_BODIES)
def test_an_answer_of_the_apis_is_read_or_refused_and_can_be_told(status: int, headers: dict[str, str], body: bytes) -> None:
    try:
        answer = read_api_answer(answer_of(status, headers, body), sent_secrets=("secret",), now=1e9)
        json.dumps(answer.body).encode()
        check_answer(answer)
    except HelseidFnError as error:
        assert error.code in CODES
        json.dumps(error.api_answer, allow_nan=False).encode()


@given(inputs.HEADER_VALUES)
def test_a_wait_that_is_asked_for_is_whole_and_not_negative(value: str) -> None:
    seconds = parse_retry_after(value, 1e9)
    assert seconds is None or seconds >= 0


@given(inputs.SECRET_MEMBERS)
def test_an_answer_of_the_extensions_is_read_or_left(body: bytes) -> None:
    stored = _read_answer(body, inputs.ARN)
    assert stored is None or isinstance(stored.text, str)


@given(inputs.ODD_TEXT)
def test_an_address_is_one_of_awss_or_none(text: str) -> None:
    assert parse_aws_address(f"arn:aws:secretsmanager:{text}") is None
