"""What every AWS API refuses alike: too many requests, its own failures, and credentials; pure.

The codes are those of Secrets Manager, S3, SQS and of every AWS API: https://docs.aws.amazon.com/secretsmanager/latest/
apireference/CommonErrors.html and https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html. AWS's own text stays
out of the sentences.
"""

from __future__ import annotations

import re

from helseid_fn.error_codes import Party
from helseid_fn.errors import Refused, Unavailable
from helseid_fn.http.retries import is_transient
from helseid_fn.redaction import quote

NO_CREDENTIALS = (
    "There are no usable AWS credentials. Give the function a role, "
    "or on a laptop sign in with: aws sso login (or aws configure)"
)
_BAD_CREDENTIALS = (
    "AWS refuses the credentials that were found ({code}). Check that the function's role exists and the clock is right, "
    "or on a laptop sign in again with: aws sso login"
)

ABOUT_KMS = re.compile(r"(?<![\w/+=.@:-])KMS(?![\w/+=@-])|\bkms:")
"""The service by its name, or one of its actions; a role or a resource may have the word in its own name."""

_THROTTLED = frozenset(
    {
        "ThrottlingException",
        "Throttling",
        "ThrottledException",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestLimitExceeded",
        "TooManyRequestsException",
        "LimitExceededException",
        "SlowDown",
        "KmsThrottled",
        "KMS.ThrottlingException",
    }
)
_FAILED = frozenset(
    {
        "InternalServiceError",
        "InternalServiceErrorException",
        "InternalServerError",
        "InternalFailure",
        "InternalError",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "RequestTimeout",
        "RequestTimeoutException",
        "OperationAborted",
    }
)
_UNAUTHENTICATED = frozenset(
    {
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "InvalidAccessKeyId",
        "InvalidToken",
        "ExpiredToken",
        "ExpiredTokenException",
        "RequestExpired",
        "RequestTimeTooSkewed",
        "InvalidSecurity",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "IncompleteSignature",
        "IncompleteSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "AuthFailure",
        "NotAuthorized",
        "OptInRequired",
    }
)


def explain_common(code: str, status: int, party: Party, where: str = "") -> Refused | Unavailable | None:
    """Return the error that AWS's code and HTTP status mean whatever was asked for, or None; `where` may be ` for REGION`."""
    said = quote(code, 60)
    if code in _THROTTLED or status == 429:
        detail = f"{party.as_subject} asks for fewer requests ({said}). Try again, and check the account's quotas."
        return Unavailable(party, "rate_limited", detail)
    if code in _FAILED or is_transient(status):
        return Unavailable(
            party, "server_error", f"{party.as_subject} failed ({said}). Try again, and check AWS's status{where}."
        )
    if code in _UNAUTHENTICATED:
        return Refused(party, "unauthenticated", _BAD_CREDENTIALS.format(code=said))
    return None
