"""The entry points that `helseid-fn serve` loads where there is no `main.py`; functions-framework takes functions alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from helseid_fn import App

if TYPE_CHECKING:
    import flask
    from cloudevents.http import CloudEvent

    from helseid_fn.function.responses import HttpResponse

app = App.from_environment()


def run(request: flask.Request) -> HttpResponse:
    """Do the job for one HTTP request."""
    return app.http(request)


def rotate(trigger: flask.Request | CloudEvent) -> HttpResponse | None:
    """Replace the key in Google Secret Manager if it is due."""
    return app.rotate(trigger)
