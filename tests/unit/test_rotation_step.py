from __future__ import annotations

from typing import Any

import pytest

from helseid_fn.errors import RotationError
from helseid_fn.function.invocation import is_rotation_event
from helseid_fn.function.pubsub import MESSAGE_PUBLISHED
from helseid_fn.rotation.aws import STEPS, RotationStep, parse_rotation_step
from helseid_fn.rotation.steps import is_due
from helseid_fn.secret_store.aws.arn import SecretArn
from tests.support.parts import NOW

ARN = "arn:aws:secretsmanager:eu-north-1:123456789012:secret:helseid/key-AbCdEf"
ADDRESS = SecretArn(ARN, "eu-north-1")
EVENT = {"Step": "createSecret", "SecretId": ARN, "ClientRequestToken": "version-1"}


@pytest.mark.parametrize("step", STEPS)
def test_each_step_is_parsed(step: str) -> None:
    assert parse_rotation_step({**EVENT, "Step": step, "RotationToken": "x"}, ADDRESS) == RotationStep(step, "version-1")


def test_the_secret_may_be_given_by_its_name() -> None:
    assert parse_rotation_step({**EVENT, "SecretId": "helseid/key"}, ADDRESS).version_id == "version-1"


@pytest.mark.parametrize(
    "event",
    [
        None,
        [],
        "createSecret",
        {},
        {**EVENT, "Step": "create"},
        {**EVENT, "Step": None},
        {**EVENT, "Step": ["createSecret"]},
        {**EVENT, "ClientRequestToken": ""},
        {**EVENT, "ClientRequestToken": 7},
        {name: value for name, value in EVENT.items() if name != "ClientRequestToken"},
        {name: value for name, value in EVENT.items() if name != "Step"},
    ],
    ids=repr,
)
def test_what_is_no_step_is_refused(event: Any) -> None:
    with pytest.raises(RotationError, match="rotation step") as refused:
        parse_rotation_step(event, ADDRESS)
    assert refused.value.code == "rotation.event"


@pytest.mark.parametrize(
    "secret", [None, "", "helseid", "helseid/key-AbCdEf", ARN[:-7], f"{ARN[:-1]}g", ARN.replace("123", "124")]
)
def test_a_step_for_another_secret_is_refused(secret: object) -> None:
    with pytest.raises(RotationError, match="another secret") as refused:
        parse_rotation_step({**EVENT, "SecretId": secret}, ADDRESS)
    assert refused.value.code == "rotation.event"


def notification(**attributes: str) -> dict[str, object]:
    return {"message": {"data": "e30=", "messageId": "1", "attributes": attributes}}


def test_secret_rotate_is_a_rotation_event() -> None:
    assert is_rotation_event(MESSAGE_PUBLISHED, notification(eventType="SECRET_ROTATE", dataFormat="JSON_API_V1"))
    assert is_rotation_event(MESSAGE_PUBLISHED, {"message": {"attributes": {"eventType": "SECRET_ROTATE"}}})


@pytest.mark.parametrize(
    ("event_type", "data"),
    [
        (MESSAGE_PUBLISHED, notification(eventType="SECRET_VERSION_ADD")),
        (MESSAGE_PUBLISHED, notification()),
        (MESSAGE_PUBLISHED, {"message": {"data": "e30="}}),
        (MESSAGE_PUBLISHED, {"message": None}),
        (MESSAGE_PUBLISHED, {"message": {"attributes": ["SECRET_ROTATE"]}}),
        (MESSAGE_PUBLISHED, None),
        (MESSAGE_PUBLISHED, b"SECRET_ROTATE"),
        ("google.cloud.audit.log.v1.written", notification(eventType="SECRET_ROTATE")),
    ],
    ids=repr,
)
def test_any_other_event_is_not(event_type: str, data: object) -> None:
    assert not is_rotation_event(event_type, data)


DAY = 86400


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
def test_a_key_is_due_after_its_fraction_of_life(made_days_ago: int | None, days_left: int | None, due: object) -> None:
    made_at = None if made_days_ago is None else int(NOW) - made_days_ago * DAY
    expires_at = None if days_left is None else int(NOW) + days_left * DAY
    assert is_due(made_at=made_at, expires_at=expires_at, now=NOW, fraction=2 / 3) is due
