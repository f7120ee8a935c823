from __future__ import annotations

import json
from typing import Any

import pytest

from helseid_fn.keys.endorsement import MEMBER, TYP, endorse, is_endorsed
from helseid_fn.keys.generate import public_half
from helseid_fn.keys.signing_key import SigningKey, parse_signing_key
from standin import make_jwk
from tests.support.parts import every_algorithm

SUBJECT = "client secret"


def new_key(alg: str = "ES256") -> tuple[str, SigningKey]:
    text = json.dumps(make_jwk(alg, fresh=alg.startswith("ES")))
    return text, parse_signing_key(text)


@every_algorithm
def test_a_key_recognizes_its_own_endorsement(alg: str) -> None:
    pending, (_, by) = new_key()[0], new_key(alg)
    assert is_endorsed(endorse(pending, by, SUBJECT), by, SUBJECT)


def test_an_endorsed_key_signs_as_before() -> None:
    (pending, key), (_, by) = new_key(), new_key()
    assert parse_signing_key(endorse(pending, by, SUBJECT)).thumbprint == key.thumbprint


def test_an_endorsement_is_not_registered() -> None:
    (pending, _), (_, by) = new_key(), new_key()
    assert public_half(endorse(pending, by, SUBJECT)) == public_half(pending)


def test_another_key_does_not_recognize_it() -> None:
    (pending, _), (_, by), (_, other) = new_key(), new_key(), new_key()
    assert not is_endorsed(endorse(pending, by, SUBJECT), other, SUBJECT)


def test_it_is_for_one_subject() -> None:
    (pending, _), (_, by) = new_key(), new_key()
    assert not is_endorsed(endorse(pending, by, SUBJECT), by, "client another-secret")


def test_it_is_for_one_pending_key() -> None:
    (pending, _), (swapped, _), (_, by) = new_key(), new_key(), new_key()
    moved = json.dumps({**json.loads(swapped), MEMBER: json.loads(endorse(pending, by, SUBJECT))[MEMBER]})
    assert not is_endorsed(moved, by, SUBJECT)


@pytest.mark.parametrize("typ", [None, "JWT", "client-authentication+jwt", "dpop+jwt"])
def test_no_other_signature_of_the_key_counts(typ: str | None) -> None:
    (pending, key), (_, by) = new_key(), new_key()
    signed = by.sign({"typ": typ}, {"jkt": key.thumbprint, "sub": SUBJECT})
    assert not is_endorsed(json.dumps({**json.loads(pending), MEMBER: signed}), by, SUBJECT)


@pytest.mark.parametrize("value", [None, 7, "", "a.b.c", [], {}])
def test_anything_else_is_no_endorsement(value: Any) -> None:
    (pending, _), (_, by) = new_key(), new_key()
    assert not is_endorsed(json.dumps({**json.loads(pending), MEMBER: value}), by, SUBJECT)


def test_an_endorsement_is_no_client_assertion() -> None:
    """HelseID demands an audience and an expiry of an assertion, and another typ."""
    (_, key), (_, by) = new_key(), new_key()
    claims = by.verify(by.sign({"typ": TYP}, {"jkt": key.thumbprint, "sub": SUBJECT}), TYP)
    assert claims is not None
    assert not {"aud", "exp", "iss"} & set(claims)
