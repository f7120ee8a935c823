"""The entry points of `main.py` over an App with a test's options, which the `deploy` fixture sets before it loads this."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from helseid_fn import App
from tests.support import deployment

if TYPE_CHECKING:
    import flask
    from cloudevents.http import CloudEvent

    from helseid_fn.function.aws import LambdaContext
    from helseid_fn.function.responses import HttpResponse

app = App.from_environment(**deployment.options)


def run(request: flask.Request) -> HttpResponse:
    return app.http(request)


def run_event(event: CloudEvent) -> None:
    app.cloud_event(event)


def lambda_handler(event: Any, context: LambdaContext) -> Any:
    return app.lambda_handler(event, context)


def rotate(trigger: flask.Request | CloudEvent) -> HttpResponse | None:
    return app.rotate(trigger)


def rotate_lambda(event: Any, context: LambdaContext) -> Any:
    return app.rotate_lambda(event, context)
