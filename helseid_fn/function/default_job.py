"""The default job: one call to the API, whose response is returned or delivered."""

from __future__ import annotations

from helseid_fn.api.response import ApiResponse
from helseid_fn.errors import InvalidInvocation
from helseid_fn.function.job import Job


def call_api(job: Job) -> ApiResponse:
    """Make the call that the invocation asks for."""
    if job.input is not None:
        raise InvalidInvocation("member", "input is for a job of your own, and this is the default job. Use request.")
    response = job.api.send(job.request, stream=job.wants_delivery)
    if job.wants_delivery and response.status != 304:
        job.deliver(response)
    return response
