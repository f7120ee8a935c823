"""Whatever is done to a stored key: it is taken, or refused with a sentence that shows nothing of it."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from helseid_fn.errors import SigningKeyError
from helseid_fn.keys.document import PRIVATE_MEMBERS
from helseid_fn.keys.signing_key import parse_signing_key
from standin import make_jwk

SHOWN_AT_MOST = 8
KEYS = [make_jwk("PS256"), make_jwk("ES256"), make_jwk("ES512")]
NAMES = sorted({*KEYS[0], *KEYS[1], "oth", "key_ops", "x5c", "privateJwk", "clientId", "keys", "jwk"})
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(max_size=30),
    st.sampled_from([[], {}, "", ["sign"], "AQ", "AQAB"]),
    st.sampled_from([value for key in KEYS for value in key.values()]),
)
EMPTY = st.sampled_from([None, "", [], {}])
WRAPS = st.sampled_from([json.dumps, lambda key: json.dumps(json.dumps(key)), lambda key: json.dumps({"jwk": key}), repr])


@given(st.sampled_from(KEYS), st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=4), WRAPS)
def test_a_changed_key_loads_or_is_refused_without_a_trace(key: dict[str, Any], changes: dict[str, Any], wrap: Any) -> None:
    private = [value for each in KEYS for name, value in each.items() if name in PRIVATE_MEMBERS]
    sentences = sentences_of(wrap({**key, **changes}))
    shown = {sentences[at : at + SHOWN_AT_MOST] for at in range(len(sentences) - SHOWN_AT_MOST + 1)}
    assert not [piece for piece in shown if any(piece in value for value in private)]


def sentences_of(text: str) -> str:
    """Return why a key is refused; nothing if it is taken."""
    try:
        parse_signing_key(text, client_id="c", issuer="https://sts.example.no")
    except SigningKeyError as error:
        return str(error)
    return ""


@given(st.sampled_from(KEYS), st.dictionaries(st.sampled_from([*NAMES, "x5t", "use", "ext", "k"]), EMPTY))
def test_an_empty_member_is_as_if_it_were_absent(key: dict[str, Any], empty: dict[str, Any]) -> None:
    without = {name: value for name, value in key.items() if name not in empty}
    assert outcome_of({**key, **empty}) == outcome_of(without)


def outcome_of(members: dict[str, Any]) -> tuple[object, ...]:
    """Return what identifies the key, or why it is refused."""
    try:
        key = parse_signing_key(json.dumps(members))
    except SigningKeyError as error:
        return error.reason, str(error)
    return key.alg, key.kid, key.public_jwk
