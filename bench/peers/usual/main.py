"""The usual function on Google Cloud: the key through Google's Secret Manager client."""

from __future__ import annotations

from functools import cache
from typing import Any

import grpc
from google.cloud import secretmanager
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import SecretManagerServiceGrpcTransport
from sign_in import call_api, settings


def _make_client() -> secretmanager.SecretManagerServiceClient:
    endpoint = settings.secret_manager_endpoint
    if not endpoint.startswith("127.0.0.1:"):
        return secretmanager.SecretManagerServiceClient(client_options={"api_endpoint": endpoint})
    channel = grpc.insecure_channel(endpoint)
    return secretmanager.SecretManagerServiceClient(transport=SecretManagerServiceGrpcTransport(channel=channel))


@cache
def _key_text() -> str:
    text: str = _make_client().access_secret_version(name=settings.helseid_key).payload.data.decode()
    return text


def run(_request: Any) -> dict[str, Any]:
    """Do the job for one HTTP request."""
    return call_api(_key_text())
