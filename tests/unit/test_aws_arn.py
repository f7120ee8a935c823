from __future__ import annotations

import pytest

from helseid_fn.secret_store.aws.arn import SecretArn, parse_secret_arn

ARN = "arn:aws:secretsmanager:eu-north-1:123456789012:secret:helseid/key-AbCdEf"
VERSION_ID = "0a9646bb-155e-4290-b0e5-64537fac9425"


@pytest.mark.parametrize(
    ("tail", "stage", "version_id"),
    [
        ("", None, None),
        (":::", None, None),
        ("::AWSCURRENT:", "AWSCURRENT", None),
        ("::AWSPREVIOUS:", "AWSPREVIOUS", None),
        ("::my stage:".replace(" ", "_"), "my_stage", None),
        (f":::{VERSION_ID}", None, VERSION_ID),
        (f"::AWSPREVIOUS:{VERSION_ID}", "AWSPREVIOUS", VERSION_ID),
    ],
)
def test_an_address_is_an_arn_and_ecs_s_tail(tail: str, stage: str | None, version_id: str | None) -> None:
    assert parse_secret_arn(ARN + tail) == SecretArn(ARN, "eu-north-1", stage, version_id)


@pytest.mark.parametrize(
    ("arn", "region"),
    [
        ("arn:aws-us-gov:secretsmanager:us-gov-west-1:123456789012:secret:k-AbCdEf", "us-gov-west-1"),
        ("arn:aws-cn:secretsmanager:cn-northwest-1:123456789012:secret:k-AbCdEf", "cn-northwest-1"),
        ("arn:aws-eusc:secretsmanager:eusc-de-east-1:123456789012:secret:k-AbCdEf", "eusc-de-east-1"),
        ("arn:aws:secretsmanager:eu-west-1:123456789012:secret:a/b_c+d=e.f@g-h-AbCdEf", "eu-west-1"),
    ],
)
def test_every_partition_has_its_regions(arn: str, region: str) -> None:
    assert parse_secret_arn(arn) == SecretArn(arn, region)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ARN[:-7],
        ARN + " ",
        ARN + "\n",
        ARN + ":",
        ARN + "::",
        ARN + "::::",
        ARN + ":d::",
        ARN + "::AWS PREVIOUS:",
        ARN + ":::short",
        ARN.replace("123456789012", "12345678901"),
        ARN.replace("eu-north-1", ""),
        ARN.replace("eu-north-1", "evil.example/"),
        ARN.replace("secretsmanager", "ssm"),
        ARN.replace("arn:aws", "arn:gcp"),
        ARN.replace("helseid", "æ"),
        ARN.replace("helseid/key", "k" * 513),
        "x" + ARN,
    ],
)
def test_anything_else_is_no_address(text: str) -> None:
    assert parse_secret_arn(text) is None


@pytest.mark.parametrize(
    ("address", "version"),
    [
        (SecretArn(ARN, "r"), {"versionStage": "AWSCURRENT"}),
        (SecretArn(ARN, "r", "AWSPREVIOUS"), {"versionStage": "AWSPREVIOUS"}),
        (SecretArn(ARN, "r", None, VERSION_ID), {"versionId": VERSION_ID}),
        (SecretArn(ARN, "r", "S", VERSION_ID), {"versionStage": "S", "versionId": VERSION_ID}),
    ],
)
def test_without_a_version_the_current_one_is_requested(address: SecretArn, version: dict[str, str]) -> None:
    assert address.version == version
