from __future__ import annotations

from datetime import UTC, datetime

import pytest

from helseid_fn.secret_store.aws.labels import build_label, is_label, read_created, read_expiry
from helseid_fn.secret_store.aws.secret import _read_value

AT = 1_767_100_393  # 2025-12-30T13:13:13Z


def test_a_label_says_the_expiry_it_was_built_from() -> None:
    label = build_label(AT)
    assert (label, read_expiry(["AWSCURRENT", label])) == ("expires-20251230T131313Z", AT)


def test_a_response_of_aws_has_its_expiry_in_a_label() -> None:
    assert _read_value({"SecretString": "x", "VersionStages": ["AWSCURRENT", build_label(AT)]}) == (b"x", AT, None)


@pytest.mark.parametrize("created", [datetime.fromtimestamp(AT, UTC), "2025-12-30T13:13:13Z", "2025-12-30 13:13:13.5+00:00"])
def test_a_version_says_when_it_was_stored(created: object) -> None:
    assert read_created(created) == AT


@pytest.mark.parametrize("created", [None, "", "yesterday", [], True])
def test_another_value_says_no_time(created: object) -> None:
    assert read_created(created) is None


def test_of_several_labels_the_earliest_counts() -> None:
    assert read_expiry([build_label(AT + 5), build_label(AT)]) == AT


@pytest.mark.parametrize(
    "labels", [None, 5, "expires-20251230T131313Z", [], ["AWSCURRENT"], [5], ["expires-99999999T999999Z"], ["expires-2025"]]
)
def test_other_labels_say_no_expiry(labels: object) -> None:
    assert read_expiry(labels) is None


def test_only_a_label_with_an_expiry_is_ours() -> None:
    assert [is_label(each) for each in ("AWSCURRENT", "expires-soon", build_label(AT))] == [False, False, True]
