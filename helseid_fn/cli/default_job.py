"""The entry points that `helseid-fn serve` loads where there is no `main.py`."""

from __future__ import annotations

from helseid_fn import App

app = App.from_environment()

run, rotate = app.http, app.rotate
