"""boto3's clients share what they only read."""

from __future__ import annotations

import pytest

from helseid_fn.aws_sdk.session import Service, make_client
from helseid_fn.error_codes import Party

SERVICE = Service("s3", Party.DELIVERY, misfit="other")


def test_clients_share_aws_s_description_of_a_service(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    first, second = (make_client(SERVICE, "eu-north-1", 5.0) for _ in range(2))
    assert first is not second
    assert first.meta.service_model.metadata is second.meta.service_model.metadata
