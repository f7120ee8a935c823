"""The entry points that the hosts load, over one App. Importing this parses the settings and reaches no network.

Google Cloud: `functions-framework --target=run` (HTTP), or `--target=run_event --signature-type=cloudevent`.
AWS Lambda: the handler `main.lambda_handler`.
`rotate` (Google Cloud) and `rotate_lambda` (AWS) replace the private key, each deployed as a function of its own.
"""

from __future__ import annotations

from helseid_fn import App

app = App.from_environment()

run, run_event, lambda_handler = app.http, app.cloud_event, app.lambda_handler
rotate, rotate_lambda = app.rotate, app.rotate_lambda

if __name__ == "__main__":
    print("The settings are valid. Serve the function with: functions-framework --target=run --host=127.0.0.1")  # noqa: T201  # for a terminal
