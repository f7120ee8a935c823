"""When a client key expires: read, kept, told, and acted on in time."""

import json

import pytest

from helseid_fn.context import Journal
from helseid_fn.keys import jwk
from helseid_fn.keys.expiry import build_label, is_due, is_label, log_fields, parse_expiration, read_labels
from helseid_fn.keys.signing_key import parse_signing_key
from helseid_fn.secret_store.aws.reader import read_value
from standin import make_jwk
from tests.support.parts import NOW

DAY = 86400
AT = 1_767_100_393  # 2025-12-30T13:13:13Z


@pytest.mark.parametrize(
    "text",
    ["2025-12-30T13:13:13Z", "2025-12-30T14:13:13+01:00", "2025-12-30T13:13:13", "2025-12-30T13:13:13.9999999Z"],
)
def test_selvbetjenings_expiration_is_read(text: str) -> None:
    assert parse_expiration(text) == AT


@pytest.mark.parametrize("text", [None, 5, "", "soon", "2025-13-30T13:13:13Z", {}, "9999-12-31T23:59:59-23:00"])
def test_what_is_no_expiration_is_none(text: object) -> None:
    assert parse_expiration(text) is None


def test_a_label_tells_the_expiry_that_it_was_made_of() -> None:
    label = build_label(AT)
    assert (label, read_labels(["AWSCURRENT", label])) == ("expires-20251230T131313Z", AT)


def test_of_several_labels_the_earliest_counts() -> None:
    assert read_labels([build_label(AT + 5), build_label(AT)]) == AT


@pytest.mark.parametrize(
    "labels", [None, 5, "expires-20251230T131313Z", [], ["AWSCURRENT"], [5], ["expires-99999999T999999Z"], ["expires-2025"]]
)
def test_labels_that_tell_no_expiry_are_passed_over(labels: object) -> None:
    assert read_labels(labels) is None


def test_only_labels_that_tell_an_expiry_are_ours() -> None:
    assert [is_label(each) for each in ("AWSCURRENT", "expires-soon", build_label(AT))] == [False, False, True]


def test_an_answer_of_aws_tells_the_expiry_by_its_label() -> None:
    assert read_value({"SecretString": "x", "VersionStages": ["AWSCURRENT", build_label(AT)]}) == (b"x", AT)


@pytest.mark.parametrize(
    ("exp", "expected"), [(AT, AT), (AT + 0.5, AT), ("soon", None), (True, None), (-1, None), (1e300, None)]
)
def test_a_jwk_s_own_exp_is_its_expiry(exp: object, expected: int | None) -> None:
    assert jwk.parse(json.dumps({**make_jwk("ES256"), "exp": exp})).expires_at == expected


def test_what_the_store_tells_goes_before_the_jwk_s_own() -> None:
    text = json.dumps({**make_jwk("ES256"), "iat": AT - DAY, "exp": AT})
    key = parse_signing_key(text, expires_at=AT + DAY)
    assert (key.made_at, key.expires_at, parse_signing_key(text).expires_at) == (AT - DAY, AT + DAY, AT)


def test_the_log_line_tells_the_moment_and_the_days_left() -> None:
    fields = log_fields(AT, now=AT - 1.5 * DAY)
    assert fields == {"key_expires": "2025-12-30T13:13:13Z", "key_expires_in_days": 1.5}


def test_a_key_that_has_expired_has_fewer_than_no_days_left() -> None:
    assert log_fields(AT, now=AT + DAY)["key_expires_in_days"] == -1


def test_an_expiry_that_is_not_known_takes_back_what_was_noted_of_another_key_s() -> None:
    journal = Journal()
    journal.note(**log_fields(AT, now=AT))
    journal.note(**log_fields(None, now=AT))
    assert journal.facts == {}


@pytest.mark.parametrize(
    ("made_days_ago", "days_left", "due"),
    [
        (119, 61, False),
        (121, 59, True),
        (None, 31, False),  # of an assumed life of 90 days
        (None, 29, True),
        (59, None, False),
        (61, None, True),
        (None, None, True),
        (1, -1, True),
        (10, -20, True),
    ],
)
def test_a_key_is_due_when_its_share_of_life_is_over(made_days_ago: int | None, days_left: int | None, due: object) -> None:
    made_at = None if made_days_ago is None else int(NOW) - made_days_ago * DAY
    expires_at = None if days_left is None else int(NOW) + days_left * DAY
    assert is_due(made_at=made_at, expires_at=expires_at, now=NOW, share=2 / 3) is due
