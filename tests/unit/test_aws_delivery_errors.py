"""What S3's and SQS's refusals of a result mean."""

from __future__ import annotations

import pytest

from helseid_fn.delivery.address import Bucket, Queue
from helseid_fn.delivery.aws.errors import explain

BUCKET = Bucket("s3", "my-kms-bucket", "p/")
QUEUE = Queue("arn:aws:sqs:eu-north-1:123456789012:KMS", "eu-north-1", "123456789012", "KMS")


@pytest.mark.parametrize(
    ("status", "code", "meaning"),
    [
        (404, "NoSuchBucket", "refused.not_found"),
        (403, "AccessDenied", "refused.denied"),
        (403, "AllAccessDisabled", "refused.denied"),
        (400, "KMS.NotFoundException", "refused.denied"),
        (400, "KMS.KMSInvalidStateException", "refused.denied"),
        (400, "EntityTooLarge", "refused.too_large"),
        (400, "MetadataTooLarge", "refused.too_large"),
        (412, "PreconditionFailed", "refused.overtaken"),
        (409, "ConditionalRequestConflict", "refused.overtaken"),
        (404, "NoSuchKey", "refused.overtaken"),
        (403, "InvalidAccessKeyId", "refused.unauthenticated"),
        (403, "SignatureDoesNotMatch", "refused.unauthenticated"),
        (403, "RequestTimeTooSkewed", "refused.unauthenticated"),
        (400, "ExpiredToken", "refused.unauthenticated"),
        (400, "InvalidToken", "refused.unauthenticated"),
        (400, "InvalidRequest", "refused.other"),
        (404, "404", "refused.other"),
        (400, "BadDigest", "invalid_response.checksum"),
        (400, "XAmzContentSHA256Mismatch", "invalid_response.checksum"),
        (400, "IncompleteBody", "invalid_response.checksum"),
        (503, "SlowDown", "unavailable.rate_limited"),
        (429, "429", "unavailable.rate_limited"),
        (400, "KMS.ThrottlingException", "unavailable.rate_limited"),
        (400, "RequestTimeout", "unavailable.server_error"),
        (409, "OperationAborted", "unavailable.server_error"),
        (500, "InternalError", "unavailable.server_error"),
        (502, "502", "unavailable.server_error"),
    ],
)
def test_every_code_of_s3_has_a_meaning(status: int, code: str, meaning: str) -> None:
    assert explain(code, status, "", BUCKET, "PutObject").code == f"delivery.{meaning}"


@pytest.mark.parametrize(
    ("status", "code", "meaning"),
    [
        (400, "AWS.SimpleQueueService.NonExistentQueue", "refused.not_found"),
        (400, "QueueDoesNotExist", "refused.not_found"),
        (400, "AWS.SimpleQueueService.QueueDeletedRecently", "refused.not_found"),
        (400, "AccessDeniedException", "refused.denied"),
        (400, "KmsAccessDenied", "refused.denied"),
        (400, "KmsDisabled", "refused.denied"),
        (400, "KmsOptInRequired", "refused.denied"),
        (400, "InvalidMessageContents", "refused.other"),
        (400, "InvalidParameterValue", "refused.other"),
        (403, "InvalidSecurity", "refused.unauthenticated"),
        (400, "KmsThrottled", "unavailable.rate_limited"),
        (403, "RequestThrottled", "unavailable.rate_limited"),
    ],
)
def test_every_code_of_sqs_has_a_meaning(status: int, code: str, meaning: str) -> None:
    assert explain(code, status, "", QUEUE, "SendMessage").code == f"delivery.{meaning}"


@pytest.mark.parametrize("place", [BUCKET, QUEUE], ids=["bucket", "queue"])
@pytest.mark.parametrize(
    ("message", "about_key"),
    [
        ("User: arn:aws:sts::1:assumed-role/KMS/x is not authorized to do it at KMS-x", False),
        ("User: x is not authorized to perform: kms:GenerateDataKey on resource: y", True),
    ],
)
def test_a_denial_names_the_key_only_if_it_is_the_key_s(place: Bucket | Queue, message: str, *, about_key: bool) -> None:
    operation = "PutObject" if place is BUCKET else "SendMessage"
    assert ("kms:GenerateDataKey" in str(explain("AccessDenied", 403, message, place, operation))) is about_key


@pytest.mark.parametrize("code", ["AccessDenied", "NoSuchBucket", "SlowDown", "BadDigest", "KmsDisabled", "x", "404"])
def test_aws_s_words_stay_out_of_delivery_s_sentences(code: str) -> None:
    assert "HUSH" not in str(explain(code, 400, "HUSH", BUCKET, "PutObject"))
