from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from helseid_fn.error_codes import (
    INVALID_RESPONSE_REASONS,
    INVOCATION_REASONS,
    REFUSED_REASONS,
    ROTATION_REASONS,
    SIGNING_KEY_REASONS,
    UNAVAILABLE_REASONS,
    Party,
    every_code,
)
from helseid_fn.errors import (
    DeadlineExceeded,
    HelseidFnError,
    InternalError,
    InvalidInvocation,
    InvalidResponse,
    PartyError,
    Refused,
    RotationError,
    SettingsError,
    SigningKeyError,
    Unavailable,
)
from helseid_fn.function.job_failed import JobFailed

CLASSES: list[tuple[HelseidFnError, str, int, bool, Party | None]] = [
    (InvalidInvocation("scope", "wrong."), "invocation.scope", 400, False, None),
    (SettingsError(("A is missing", "B is bad")), "settings.invalid", 500, False, None),
    (SigningKeyError("pem", "wrong."), "signing_key.pem", 500, False, Party.SECRET_MANAGER),
    (Unavailable(Party.HELSEID, "dns", "gone."), "helseid.unavailable.dns", 503, True, Party.HELSEID),
    (DeadlineExceeded(Party.SECRET_MANAGER, 25.0), "secret_manager.deadline_exceeded", 504, True, Party.SECRET_MANAGER),
    (Refused(Party.API, "forbidden", "no."), "api.refused.forbidden", 502, False, Party.API),
    (InvalidResponse(Party.HELSEID, "nonce", "odd."), "helseid.invalid_response.nonce", 502, False, Party.HELSEID),
    (RotationError("event", "odd."), "rotation.event", 500, False, None),
    (JobFailed("KeyError"), "job.failed", 500, True, None),
    (InternalError(), "function.internal_error", 500, False, None),
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
    direct = set(HelseidFnError.__subclasses__()) - {PartyError}
    assert {type(error) for error in ONE_OF_EACH} == direct | set(PartyError.__subclasses__())


@EVERY_CLASS
def test_an_error_is_its_sentence_and_its_code_a_slug(error: HelseidFnError) -> None:
    assert str(error) == error.detail
    assert re.fullmatch(r"[a-z_]+(\.[a-z_]+){1,2}", error.code)
    assert error.code.rpartition(".")[2] == error.reason


@EVERY_CLASS
def test_without_traceback_is_the_same_error(error: HelseidFnError) -> None:
    with pytest.raises(type(error)) as raised:
        raise error
    copy = raised.value.without_traceback()
    assert (type(copy), vars(copy), copy.args) == (type(error), vars(error), error.args)
    assert (raised.value.__traceback__ is None, copy.__traceback__) == (False, None)


def test_a_settings_error_has_every_fault_in_its_sentence() -> None:
    assert str(SettingsError(("A is missing", "B is bad"))) == "The settings are wrong: A is missing; B is bad."


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: InvalidInvocation("odd", ""), id="InvalidInvocation"),
        pytest.param(lambda: SigningKeyError("odd", ""), id="SigningKeyError"),
        pytest.param(lambda: Unavailable(Party.API, "odd", ""), id="Unavailable"),
        pytest.param(lambda: Refused(Party.API, "invalid_client", ""), id="Refused, another party's reason"),
        pytest.param(lambda: InvalidResponse(Party.API, "checksum", ""), id="InvalidResponse, another party's reason"),
    ],
)
def test_a_reason_that_is_not_listed_raises(make: Callable[[], HelseidFnError]) -> None:
    with pytest.raises(ValueError, match=r"is not listed in error_codes\.py"):
        make()


def all_errors() -> list[HelseidFnError]:
    errors: list[HelseidFnError] = [InvalidInvocation(reason, "") for reason in INVOCATION_REASONS]
    errors += [SettingsError(()), JobFailed(""), InternalError()]
    errors += [SigningKeyError(reason, "") for reason in SIGNING_KEY_REASONS]
    errors += [RotationError(reason, "") for reason in ROTATION_REASONS]
    for party in Party:
        errors += [Unavailable(party, reason, "") for reason in UNAVAILABLE_REASONS]
        errors += [Refused(party, reason, "") for reason in REFUSED_REASONS[party]]
        errors += [InvalidResponse(party, reason, "") for reason in INVALID_RESPONSE_REASONS[party]]
        errors.append(DeadlineExceeded(party, 1))
    return errors


def test_every_code_is_listed_once() -> None:
    assert sorted(every_code()) == sorted({error.code for error in all_errors()})


@pytest.mark.parametrize(
    ("party", "slug", "subject"),
    [
        (Party.SECRET_MANAGER, "secret_manager", "The secret manager"),
        (Party.HELSEID, "helseid", "HelseID"),
        (Party.API, "api", "The API"),
        (Party.SELVBETJENING, "selvbetjening", "Selvbetjening"),
    ],
)
def test_a_party_has_a_slug_and_a_name(party: Party, slug: str, subject: str) -> None:
    assert (party.slug, party.as_subject, party.in_text.lower()) == (slug, subject, subject.lower())
