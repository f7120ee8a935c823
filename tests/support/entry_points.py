"""The entry points of `main.py` over an App with a test's options, which the `deploy` fixture sets before it loads this."""

from __future__ import annotations

from helseid_fn import App
from tests.support import deployment

app = App.from_environment(**deployment.options)

run, run_event, lambda_handler = app.http, app.cloud_event, app.lambda_handler
rotate, rotate_lambda = app.rotate, app.rotate_lambda
