"""The usual function on AWS Lambda: the key through boto3."""

from __future__ import annotations

from functools import cache
from typing import Any

import boto3
from sign_in import call_api, settings

_secrets = boto3.client("secretsmanager")


@cache
def _key_text() -> str:
    text: str = _secrets.get_secret_value(SecretId=settings.helseid_key)["SecretString"]
    return text


def lambda_handler(_event: Any, _context: Any) -> dict[str, Any]:
    """Do the job for one invocation."""
    return call_api(_key_text())
