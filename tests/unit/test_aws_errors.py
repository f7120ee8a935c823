from __future__ import annotations

import json
import re

import pytest

from helseid_fn.secret_store.aws.arn import SecretArn
from helseid_fn.secret_store.aws.errors import explain

ARN = "arn:aws:secretsmanager:eu-north-1:123456789012:secret:helseid/key-AbCdEf"
ADDRESS = SecretArn(ARN, "eu-north-1")
SECRET_ACTION = "secretsmanager:GetSecretValue"


@pytest.mark.parametrize(
    ("status", "code", "meaning"),
    [
        (400, "ResourceNotFoundException", "refused.not_found"),
        (400, "AccessDeniedException", "refused.denied"),
        (403, "AccessDenied", "refused.denied"),
        (400, "DecryptionFailure", "refused.denied"),
        (400, "KMSAccessDeniedException", "refused.denied"),
        (400, "KMSDisabledException", "refused.denied"),
        (400, "InvalidRequestException", "refused.disabled"),
        (400, "UnrecognizedClientException", "refused.unauthenticated"),
        (403, "InvalidClientTokenId", "refused.unauthenticated"),
        (400, "ExpiredTokenException", "refused.unauthenticated"),
        (403, "ExpiredToken", "refused.unauthenticated"),
        (400, "InvalidSignatureException", "refused.unauthenticated"),
        (403, "SignatureDoesNotMatch", "refused.unauthenticated"),
        (403, "MissingAuthenticationToken", "refused.unauthenticated"),
        (403, "IncompleteSignature", "refused.unauthenticated"),
        (400, "InvalidParameterException", "refused.bad_address"),
        (400, "ValidationException", "refused.bad_address"),
        (404, "404", "refused.bad_address"),
        (400, "ThrottlingException", "unavailable.rate_limited"),
        (400, "TooManyRequestsException", "unavailable.rate_limited"),
        (400, "RequestLimitExceeded", "unavailable.rate_limited"),
        (429, "429", "unavailable.rate_limited"),
        (500, "InternalServiceError", "unavailable.server_error"),
        (400, "InternalServiceErrorException", "unavailable.server_error"),
        (503, "ServiceUnavailable", "unavailable.server_error"),
        (502, "502", "unavailable.server_error"),
    ],
)
def test_every_aws_code_has_a_meaning(status: int, code: str, meaning: str) -> None:
    assert explain(code, status, "", ADDRESS).code == f"secret_manager.{meaning}"


@pytest.mark.parametrize(
    ("code", "command"),
    [
        (
            "ResourceNotFoundException",
            "aws secretsmanager put-secret-value --region eu-north-1 --secret-id {arn} --secret-string",
        ),
        ("InvalidRequestException", "aws secretsmanager restore-secret --region eu-north-1 --secret-id {arn}"),
        ("DecryptionFailure", "aws secretsmanager describe-secret --region eu-north-1 --secret-id {arn} --query KmsKeyId"),
    ],
)
def test_a_refusal_by_aws_names_the_command_to_run(code: str, command: str) -> None:
    assert command.format(arn=ARN) in str(explain(code, 400, "", ADDRESS))


@pytest.mark.parametrize(
    ("message", "action", "resource"),
    [
        ("User: arn:aws:sts::1:x is not authorized", SECRET_ACTION, ARN),
        ("User: arn:aws:sts::1:assumed-role/KMS/KMS is not authorized to read secret:KMS-AbCdEf", SECRET_ACTION, ARN),
        ("not authorized to perform: secretsmanager:GetSecretValue on resource: arn:aws:x:secret:my-KMS", SECRET_ACTION, ARN),
        ("Access to KMS is not allowed", "kms:Decrypt", "KEY-ARN"),
        ("User: x is not authorized to perform: kms:Decrypt on resource: y", "kms:Decrypt", "KEY-ARN"),
    ],
)
def test_a_denial_contains_the_policy_statement_to_add(message: str, action: str, resource: str) -> None:
    (statement,) = re.findall(r"\{.*?\}", str(explain("AccessDeniedException", 400, message, ADDRESS)))
    assert json.loads(statement) == {"Effect": "Allow", "Action": action, "Resource": resource}


@pytest.mark.parametrize("code", ["EncryptionFailure", "KMSAccessDeniedException"])
def test_a_version_that_cannot_be_encrypted_names_the_actions(code: str) -> None:
    denied = explain(code, 400, "", ADDRESS, "PutSecretValue")
    (statement,) = re.findall(r"\{.*?\}", str(denied))
    assert (denied.code, json.loads(statement)["Action"]) == (
        "secret_manager.refused.denied",
        ["kms:Decrypt", "kms:GenerateDataKey"],
    )
    assert "may not encrypt" in str(denied)


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "AccessDeniedException", "InvalidRequestException", "x"])
def test_a_refusal_names_the_requested_version(code: str) -> None:
    assert f"{ARN} (AWSPREVIOUS)" in str(explain(code, 400, "", SecretArn(ARN, "eu-north-1", "AWSPREVIOUS")))


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "AccessDeniedException", "ThrottlingException", "x"])
def test_aws_s_own_words_stay_out_of_the_sentence(code: str) -> None:
    assert "HUSH" not in str(explain(code, 400, "HUSH", ADDRESS))


def test_a_default_kms_key_denies_another_account() -> None:
    said = "not from another account, since it is encrypted with the default KMS key"
    assert explain("InvalidRequestException", 400, said, ADDRESS).code == "secret_manager.refused.denied"
