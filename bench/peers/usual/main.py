"""The usual function on Google Cloud: the key through Google's Secret Manager client."""

from __future__ import annotations

from functools import cache
from typing import Any

import grpc
from google.cloud import secretmanager
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import SecretManagerServiceGrpcTransport
from sign_in import call_api, settings


@cache
def _key_text() -> str:
    channel = grpc.insecure_channel(settings.secret_manager_endpoint)
    client = secretmanager.SecretManagerServiceClient(transport=SecretManagerServiceGrpcTransport(channel=channel))
    text: str = client.access_secret_version(name=settings.helseid_key).payload.data.decode()
    return text


def run(_request: Any) -> dict[str, Any]:
    """Do the job for one HTTP request."""
    return call_api(_key_text())
