"""The entry points that the hosts load, over one App. Importing this parses the settings and reaches no network.

Google Cloud: `functions-framework --target=run` (HTTP), or `--target=run_event --signature-type=cloudevent`.
AWS Lambda: the handler `main.lambda_handler`.
`rotate` (Google Cloud) and `rotate_lambda` (AWS) replace the private key, each deployed as a function of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from helseid_fn import App

if TYPE_CHECKING:
    import flask
    from cloudevents.http import CloudEvent

    from helseid_fn.function.aws import LambdaContext
    from helseid_fn.function.responses import HttpResponse

app = App.from_environment()


def run(request: flask.Request) -> HttpResponse:
    """Do the job for one HTTP request."""
    return app.http(request)


def run_event(event: CloudEvent) -> None:
    """Do the job for one CloudEvent, such as a Pub/Sub message."""
    app.cloud_event(event)


def lambda_handler(event: Any, context: LambdaContext) -> Any:
    """Do the job for one invocation of AWS Lambda."""
    return app.lambda_handler(event, context)


def rotate(trigger: flask.Request | CloudEvent) -> HttpResponse | None:
    """Replace the key in Google Secret Manager if it is due."""
    return app.rotate(trigger)


def rotate_lambda(event: Any, context: LambdaContext) -> Any:
    """Do one step of a rotation by AWS Secrets Manager."""
    return app.rotate_lambda(event, context)


if __name__ == "__main__":
    print("The settings are valid. Serve the function with: functions-framework --target=run --host=127.0.0.1")  # noqa: T201  # for a terminal
