"""The default job: one call to the API, whose response is returned or delivered."""

from __future__ import annotations

from helseid_fn.api.response import ApiResponse
from helseid_fn.errors import HelseidFnError, InvalidInvocation
from helseid_fn.function.job import Job


def call_api(job: Job) -> ApiResponse:
    """Make the call that the invocation asks for."""
    if job.input is not None:
        raise InvalidInvocation("member", "input is for a job of your own, and this is the default job. Use request.")
    response = job.api.send(job.request, stream=job.wants_delivery)
    if job.wants_delivery and response.status != 304:
        _deliver(response, job)
    return response


def _deliver(response: ApiResponse, job: Job) -> None:
    """Deliver the response; after a request that must not be sent twice, a failure is final, so that no platform does."""
    try:
        job.deliver(response)
    except HelseidFnError as failure:
        if job.request.is_idempotent or not failure.retryable:
            raise
        raise _make_final(failure) from None


def _make_final(failure: HelseidFnError) -> HelseidFnError:
    """Return the same failure as one that nobody repeats."""
    final = failure.without_traceback()
    final.retryable, final.http_status, final.retry_after_seconds = False, 502, None
    final.detail = f"The API has processed the request, but its response was not delivered, so look there. {failure.detail}"
    final.args, final.caller_detail = (final.detail,), final.detail
    return final
