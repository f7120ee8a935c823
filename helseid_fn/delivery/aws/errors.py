"""What S3's and SQS's refusals mean, with the policy statement that helps; pure.

https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html and https://docs.aws.amazon.com/AWSSimpleQueueService/latest/
APIReference/API_SendMessage.html list the codes. AWS's own text stays out of the sentences: it may quote what was sent.
"""

from __future__ import annotations

import re

from helseid_fn.aws_sdk.errors import ABOUT_KMS, explain_common
from helseid_fn.delivery.address import Bucket, Queue
from helseid_fn.error_codes import Party
from helseid_fn.errors import HelseidFnError, InvalidResponse, Refused
from helseid_fn.redaction import quote

DELIVER_INTO_BUCKET = "Deliver into a bucket (RESULT_TO=s3://BUCKET/PREFIX)."

_PARTY = Party.DELIVERY

_MISSING = frozenset(
    {
        "NoSuchBucket",
        "QueueDoesNotExist",
        "AWS.SimpleQueueService.NonExistentQueue",
        "AWS.SimpleQueueService.QueueDeletedRecently",
    }
)
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "AllAccessDisabled", "403"})
_TOO_LARGE = frozenset({"EntityTooLarge", "MetadataTooLarge", "MaxMessageLengthExceeded"})
_DAMAGED = frozenset({"BadDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch", "IncompleteBody"})
_MOVED = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"})
"""Of a conditional write: another one came first, comes at the same moment, or the object is gone."""

# A queue's own limit may be below that of SQS; the code is the same for every wrong parameter.
_ABOUT_LENGTH = re.compile(r"must be shorter than \d+ bytes")

_MAY = '{{"Effect": "Allow", "Action": "{action}", "Resource": "{resource}"}}'
_ACTIONS = {"PutObject": "s3:PutObject", "GetObject": "s3:GetObject", "SendMessage": "sqs:SendMessage"}
_MAY_LIST = '{{"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "{bucket}"}}, without which a missing one is denied'
_MAY_ENCRYPT = '{"Effect": "Allow", "Action": ["kms:GenerateDataKey", "kms:Decrypt"], "Resource": "KEY-ARN"}'
_ALSO = "check too for a Deny in its own policy, the VPC endpoint's and the organization's"


def explain(code: str, status: int, message: str, place: Bucket | Queue, operation: str) -> HelseidFnError:
    """Return the error that AWS's code, HTTP status and message mean for an operation (`PutObject`, ...) at this place.

    The message only decides what is at fault where the code does not: the KMS key, or the length of a message.
    """
    where = f" for {place.region}" if isinstance(place, Queue) else ""
    common = explain_common(code, status, _PARTY, where)
    if common is not None:
        return common
    if code in _DAMAGED:
        return InvalidResponse(
            _PARTY, "checksum", f"{place} received other bytes than were sent ({quote(code, 60)}). Try again."
        )
    return Refused(_PARTY, *_explain_refusal(code, message, place, operation))


def _explain_refusal(code: str, message: str, place: Bucket | Queue, operation: str) -> tuple[str, str]:
    if code.lower().startswith("kms") or (code in _DENIED and ABOUT_KMS.search(message)):
        remedy = f"Allow it in the role's policy and the key's with: {_MAY_ENCRYPT} (and check that the key is enabled)"
        return "denied", f"The function's role may not use the KMS key of {place}. {remedy}"
    if code in _DENIED:
        return "denied", f"The function's role may not do {operation} at {place}. {_allow(place, operation)}"
    if code in _MISSING:
        kind = "queue" if isinstance(place, Queue) else "bucket"
        return "not_found", f"There is no {kind} {place}. Create it, or correct RESULT_TO or CURSOR_IN."
    if code in _TOO_LARGE or _ABOUT_LENGTH.search(message):
        return "too_large", f"The result is larger than {place} takes. {DELIVER_INTO_BUCKET}"
    if code in _MOVED:
        return "overtaken", f"What is stored at {place} has changed since it was read. Read it again."
    return "other", f"{place} refused the result ({quote(code, 60)}). Look the code up in AWS's documentation of {operation}."


def _allow(place: Bucket | Queue, operation: str) -> str:
    if isinstance(place, Queue):
        statements = _MAY.format(action=_ACTIONS[operation], resource=place.arn)
    else:
        bucket = f"arn:aws:s3:::{place.name}"
        statements = _MAY.format(action=_ACTIONS[operation], resource=f"{bucket}/{place.prefix}*")
        if operation == "GetObject":
            statements += f" and {_MAY_LIST.format(bucket=bucket)}"
    return f"Allow it in the role's policy with: {statements} ({_ALSO})"
