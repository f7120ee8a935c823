from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from helseid_fn.errors import (
    GARBLED_REASONS,
    INVOCATION_REASONS,
    REFUSED_REASONS,
    ROTATION_REASONS,
    SIGNING_KEY_REASONS,
    UNREACHABLE_REASONS,
    BadInvocation,
    Crashed,
    DeadlineExceeded,
    Garbled,
    HelseidFnError,
    Party,
    Refused,
    RotationError,
    SettingsError,
    SigningKeyError,
    Unreachable,
    every_code,
)

CLASSES: list[tuple[HelseidFnError, str, int, bool, Party | None]] = [
    (BadInvocation("scope", "wrong."), "invocation.scope", 400, False, None),
    (SettingsError(("A is missing", "B is bad")), "settings.invalid", 500, False, None),
    (SigningKeyError("pem", "wrong."), "signing_key.pem", 500, False, Party.SECRET_MANAGER),
    (Unreachable(Party.HELSEID, "dns", "gone."), "helseid.unreachable.dns", 503, True, Party.HELSEID),
    (DeadlineExceeded(Party.SECRET_MANAGER, 25.0), "secret_manager.deadline_exceeded", 504, True, Party.SECRET_MANAGER),
    (Refused(Party.API, "forbidden", "no."), "api.refused.forbidden", 502, False, Party.API),
    (Garbled(Party.HELSEID, "nonce", "odd."), "helseid.garbled.nonce", 502, False, Party.HELSEID),
    (RotationError("event", "odd."), "rotation.event", 500, False, None),
    (Crashed(), "function.crashed", 500, False, None),
]
ONE_OF_EACH = [error for error, *_ in CLASSES]
EVERY_CLASS = pytest.mark.parametrize("error", ONE_OF_EACH, ids=lambda error: type(error).__name__)


@pytest.mark.parametrize(
    ("error", "code", "status", "retryable", "party"), [pytest.param(*row, id=type(row[0]).__name__) for row in CLASSES]
)
def test_every_class_means_one_thing_to_the_caller(
    error: HelseidFnError, code: str, status: int, party: Party | None, *, retryable: bool
) -> None:
    assert (error.code, error.http_status, error.retryable, error.party) == (code, status, retryable, party)


def test_every_class_is_in_the_table() -> None:
    assert {type(error) for error in ONE_OF_EACH} == set(HelseidFnError.__subclasses__())


@EVERY_CLASS
def test_an_error_is_its_sentence(error: HelseidFnError) -> None:
    assert str(error) == error.detail


@EVERY_CLASS
def test_a_code_is_a_slug(error: HelseidFnError) -> None:
    assert re.fullmatch(r"[a-z_]+(\.[a-z_]+){1,2}", error.code)


@EVERY_CLASS
def test_a_twin_is_the_same_error(error: HelseidFnError) -> None:
    assert (type(error.twin()), vars(error.twin()), error.twin().args) == (type(error), vars(error), error.args)


@EVERY_CLASS
def test_a_twin_leaves_the_traceback_behind(error: HelseidFnError) -> None:
    with pytest.raises(type(error)) as raised:
        raise error
    assert (raised.value.__traceback__ is None, raised.value.twin().__traceback__) == (False, None)


def test_a_settings_error_holds_every_fault_in_one_sentence() -> None:
    assert str(SettingsError(("A is missing", "B is bad"))) == "The settings are wrong: A is missing; B is bad."


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: BadInvocation("odd", ""), id="BadInvocation"),
        pytest.param(lambda: SigningKeyError("odd", ""), id="SigningKeyError"),
        pytest.param(lambda: Unreachable(Party.API, "odd", ""), id="Unreachable"),
        pytest.param(lambda: Refused(Party.API, "invalid_client", ""), id="Refused, another party's reason"),
        pytest.param(lambda: Garbled(Party.API, "checksum", ""), id="Garbled, another party's reason"),
    ],
)
def test_a_reason_that_is_not_listed_raises(make: Callable[[], HelseidFnError]) -> None:
    with pytest.raises(ValueError, match=r"is not listed in errors\.py"):
        make()


def all_errors() -> list[HelseidFnError]:
    errors: list[HelseidFnError] = [BadInvocation(reason, "") for reason in INVOCATION_REASONS]
    errors += [SettingsError(()), Crashed()]
    errors += [SigningKeyError(reason, "") for reason in SIGNING_KEY_REASONS]
    errors += [RotationError(reason, "") for reason in ROTATION_REASONS]
    for party in Party:
        errors += [Unreachable(party, reason, "") for reason in UNREACHABLE_REASONS]
        errors += [Refused(party, reason, "") for reason in REFUSED_REASONS[party]]
        errors += [Garbled(party, reason, "") for reason in GARBLED_REASONS[party]]
        errors.append(DeadlineExceeded(party, 1))
    return errors


def test_every_code_is_complete() -> None:
    assert set(every_code()) == {error.code for error in all_errors()}


def test_every_code_is_listed_once() -> None:
    assert len(set(every_code())) == len(every_code())


@pytest.mark.parametrize(
    ("party", "slug", "subject"),
    [
        (Party.SECRET_MANAGER, "secret_manager", "The secret manager"),
        (Party.HELSEID, "helseid", "HelseID"),
        (Party.API, "api", "The API"),
        (Party.SELVBETJENING, "selvbetjening", "Selvbetjening"),
    ],
)
def test_a_party_has_a_name_for_codes_and_one_for_sentences(party: Party, slug: str, subject: str) -> None:
    assert (party.slug, party.as_subject, party.in_text.lower()) == (slug, subject, subject.lower())
