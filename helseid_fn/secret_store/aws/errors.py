"""What AWS Secrets Manager's refusals mean, with the command or the policy statement that helps; pure.

The codes are those of Secrets Manager's operations and of every AWS API: https://docs.aws.amazon.com/secretsmanager/latest/apireference/
API_GetSecretValue.html and CommonErrors.html beside it. AWS's own text stays out of the sentences.
"""

from __future__ import annotations

import re

from helseid_fn.error_codes import Party
from helseid_fn.errors import HelseidFnError, Refused, Unavailable
from helseid_fn.http.retries import is_transient
from helseid_fn.redaction import quote
from helseid_fn.secret_store.aws.arn import SecretArn

NO_CREDENTIALS = (
    "There are no usable AWS credentials. Give the function a role, "
    "or on a laptop sign in with: aws sso login (or aws configure)"
)
_BAD_CREDENTIALS = (
    "AWS refuses the credentials that were found ({code}). Check that the function's role exists and the clock is right, "
    "or on a laptop sign in again with: aws sso login"
)

_PUT = "aws secretsmanager put-secret-value {where} --secret-string file://KEY.json (a new secret: create-secret)"
_RESTORE = "aws secretsmanager restore-secret {where} (its versions: list-secret-version-ids)"
_DESCRIBE = "aws secretsmanager describe-secret {where} --query KmsKeyId"
_MAY = '{{"Effect": "Allow", "Action": "secretsmanager:{operation}", "Resource": "{arn}"}}'
_MAY_DECRYPT = '{{"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "KEY-ARN"}}'
_MAY_ENCRYPT = '{{"Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": "KEY-ARN"}}'

# The service by its name, or one of its actions; a role or a secret may have the word in its own name.
_ABOUT_KMS = re.compile(r"(?<![\w/+=.@:-])KMS(?![\w/+=@-])|\bkms:")

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
    }
)
_UNAUTHENTICATED = frozenset(
    {
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "ExpiredToken",
        "ExpiredTokenException",
        "RequestExpired",
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


def explain(code: str, status: int, message: str, address: SecretArn, operation: str = "GetSecretValue") -> HelseidFnError:
    """Return the error that AWS's response means for this secret.

    `code` and `message` are AWS's, `status` the HTTP status. The message only decides whether the KMS
    key or the secret itself is at fault, since both have the same codes.
    """
    party, said = Party.SECRET_MANAGER, quote(code, 60)
    if code in _THROTTLED or status == 429:
        detail = f"The secret manager asks for fewer requests ({said}). Try again, and check the account's quotas."
        return Unavailable(party, "rate_limited", detail)
    if code in _FAILED or is_transient(status):
        detail = f"The secret manager failed ({said}). Try again, and check AWS's status for {address.region}."
        return Unavailable(party, "server_error", detail)
    if code in _UNAUTHENTICATED:
        return Refused(party, "unauthenticated", _BAD_CREDENTIALS.format(code=said))
    reason, detail = _explain_refusal(code, message, address, operation)
    where = f"--region {address.region} --secret-id {address.arn}"
    return Refused(party, reason, detail.format(code=said, where=where, arn=address.arn, operation=operation))


def _explain_refusal(code: str, message: str, address: SecretArn, operation: str) -> tuple[str, str]:
    what = f"{address.arn} ({' '.join(address.version.values())})"
    if code == "ResourceNotFoundException":
        return "not_found", f"The secret manager has no {what}. Correct HELSEID_KEY, or add the key with: {_PUT}"
    about_kms = code in ("AccessDeniedException", "InvalidRequestException") and _ABOUT_KMS.search(message)
    if code in ("DecryptionFailure", "EncryptionFailure") or code.startswith("KMS") or about_kms:
        do, may = ("encrypt", _MAY_ENCRYPT) if operation == "PutSecretValue" else ("decrypt", _MAY_DECRYPT)
        remedy = f"Allow it in the role's policy and the key's with: {may} (which key, an enabled one: {_DESCRIBE})"
        return "denied", f"The function's role may not {do} {what} with its KMS key. {remedy}"
    if code == "InvalidRequestException":
        return (
            "disabled",
            f"The secret {what} is scheduled for deletion, or unreadable. Restore it with: {_RESTORE}",
        )
    if code in ("AccessDeniedException", "AccessDenied"):
        also = "check too for a Deny in the secret's own policy, the VPC endpoint's and the organization's"
        do = "read" if operation == "GetSecretValue" else f"do {operation} on"
        return "denied", f"The function's role may not {do} {what}. Allow it in the role's policy with: {_MAY} ({also})"
    return "bad_address", f"The secret manager responded with {{code}} to the address {what}. Correct HELSEID_KEY."
