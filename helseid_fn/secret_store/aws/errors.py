"""What AWS Secrets Manager's refusals mean, with the command or the policy statement that helps; pure.

The codes are those of Secrets Manager's operations and of every AWS API: https://docs.aws.amazon.com/secretsmanager/latest/apireference/
API_GetSecretValue.html and CommonErrors.html beside it. AWS's own text stays out of the sentences.
"""

from __future__ import annotations

from helseid_fn.aws_sdk.errors import ABOUT_KMS, explain_common
from helseid_fn.error_codes import Party
from helseid_fn.errors import HelseidFnError, Refused
from helseid_fn.redaction import quote
from helseid_fn.secret_store.aws.arn import SecretArn

_PUT = "aws secretsmanager put-secret-value {where} --secret-string file://KEY.json (a new secret: create-secret)"
_RESTORE = "aws secretsmanager restore-secret {where} (its versions: list-secret-version-ids)"
_DESCRIBE = "aws secretsmanager describe-secret {where} --query KmsKeyId"
_MAY = '{{"Effect": "Allow", "Action": "secretsmanager:{operation}", "Resource": "{arn}"}}'
_MAY_DECRYPT = '{{"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "KEY-ARN"}}'
_MAY_ENCRYPT = '{{"Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": "KEY-ARN"}}'


def explain(code: str, status: int, message: str, address: SecretArn, operation: str = "GetSecretValue") -> HelseidFnError:
    """Return the error that AWS's response means for this secret.

    `code` and `message` are AWS's, `status` the HTTP status. The message only decides whether the KMS
    key or the secret itself is at fault, since both have the same codes.
    """
    party = Party.SECRET_MANAGER
    common = explain_common(code, status, party, f" for {address.region}")
    if common is not None:
        return common
    reason, detail = _explain_refusal(code, message, address, operation)
    where = f"--region {address.region} --secret-id {address.arn}"
    return Refused(party, reason, detail.format(code=quote(code, 60), where=where, arn=address.arn, operation=operation))


def _explain_refusal(code: str, message: str, address: SecretArn, operation: str) -> tuple[str, str]:
    what = f"{address.arn} ({' '.join(address.version.values())})"
    if code == "ResourceNotFoundException":
        return "not_found", f"The secret manager has no {what}. Correct HELSEID_KEY, or add the key with: {_PUT}"
    about_kms = code in ("AccessDeniedException", "InvalidRequestException") and ABOUT_KMS.search(message)
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
