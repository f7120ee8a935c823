from __future__ import annotations

from typing import Any

import pytest

from helseid_fn.errors import RotationError
from helseid_fn.function.invocation import PUBSUB_EVENT, asks_for_rotation
from helseid_fn.rotation.aws import STEPS, RotationStep, parse_rotation_step
from helseid_fn.secret_store.aws.arn import AwsAddress

ARN = "arn:aws:secretsmanager:eu-north-1:123456789012:secret:helseid/key-AbCdEf"
ADDRESS = AwsAddress(ARN, "eu-north-1")
EVENT = {"Step": "createSecret", "SecretId": ARN, "ClientRequestToken": "version-1"}


@pytest.mark.parametrize("step", STEPS)
def test_each_step_is_parsed(step: str) -> None:
    assert parse_rotation_step({**EVENT, "Step": step, "RotationToken": "x"}, ADDRESS) == RotationStep(step, "version-1")


def test_the_secret_may_be_meant_by_its_name() -> None:
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
    with pytest.raises(RotationError, match="not one of Secrets Manager's rotation steps") as refused:
        parse_rotation_step(event, ADDRESS)
    assert refused.value.code == "rotation.event"


@pytest.mark.parametrize(
    "secret", [None, "", "helseid", "helseid/key-AbCdEf", ARN[:-7], f"{ARN[:-1]}g", ARN.replace("123", "124")]
)
def test_a_step_for_another_secret_is_refused(secret: object) -> None:
    with pytest.raises(RotationError, match="for another secret than HELSEID_KEY names") as refused:
        parse_rotation_step({**EVENT, "SecretId": secret}, ADDRESS)
    assert refused.value.code == "rotation.event"


def notification(**attributes: str) -> dict[str, object]:
    return {"message": {"data": "e30=", "messageId": "1", "attributes": attributes}}


def test_secret_manager_s_notification_asks_for_a_rotation() -> None:
    assert asks_for_rotation(PUBSUB_EVENT, notification(eventType="SECRET_ROTATE", dataFormat="JSON_API_V1"))


@pytest.mark.parametrize(
    ("event_type", "data"),
    [
        (PUBSUB_EVENT, notification(eventType="SECRET_VERSION_ADD")),
        (PUBSUB_EVENT, notification()),
        (PUBSUB_EVENT, {"message": {"data": "e30="}}),
        (PUBSUB_EVENT, {"message": None}),
        (PUBSUB_EVENT, {"message": {"attributes": ["SECRET_ROTATE"]}}),
        (PUBSUB_EVENT, None),
        (PUBSUB_EVENT, b"SECRET_ROTATE"),
        ("google.cloud.audit.log.v1.written", notification(eventType="SECRET_ROTATE")),
    ],
    ids=repr,
)
def test_any_other_event_does_not(event_type: str, data: object) -> None:
    assert not asks_for_rotation(event_type, data)
