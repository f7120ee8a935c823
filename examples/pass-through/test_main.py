"""The job without a cloud, HelseID or an API."""

from __future__ import annotations

from helseid_fn import ApiResponse
from helseid_fn.testing import run_job
from main import relay


def test_a_failure_of_the_api_comes_back_too() -> None:
    returned = run_job(relay, api={"": (404, b"nothing here")}).returned
    assert isinstance(returned, ApiResponse)
    assert (returned.status, returned.content) == (404, b"nothing here")
