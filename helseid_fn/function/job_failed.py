"""The error of a job of the user's own that raised an exception of its own."""

from __future__ import annotations

from helseid_fn.errors import HelseidFnError


class JobFailed(HelseidFnError):
    """The user's own job raised an exception of its own, which is this error's cause."""

    http_status, title = 500, "The job failed"
    retryable = True

    def __init__(self, kind: str) -> None:
        """Take the name of the exception's type; its words may be about a person."""
        remedy = "Find the log line with this invocation's id, and correct the job where its stack trace ends."
        super().__init__("job.failed", f"The job raised {kind:.100}. {remedy}", reason="failed")
