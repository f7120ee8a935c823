"""Let a backend service call the function as if it were the API: it needs no token, no proof and no key of its own.

Any path below API_URL, with the methods of API_METHODS and the headers of API_CALLER_HEADERS. The API's status, body and
headers come back as they are; whom the token is for, the settings say.
"""

from __future__ import annotations

from helseid_fn import ApiResponse, App, Job

app = App.from_environment()

EVERY_FAILURE = range(400, 600)


@app.pass_through
def relay(job: Job) -> ApiResponse:
    """Send the request on to the API, and its response back."""
    return job.api.send(job.request, allow=EVERY_FAILURE)


run, run_event, lambda_handler = app.http, app.cloud_event, app.lambda_handler
