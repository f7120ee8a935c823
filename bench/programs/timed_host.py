"""functions-framework with the function in the current folder, timed step by step from outside: the function has no timers.

Arguments: `cold` or `warm`, which steps are told apart; `seconds` or `megabytes`, what is measured; where it begins to
count; and a file, to which each call appends a line: the amounts of the steps since the line before, as JSON.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

REST = "rest"
"""What belongs to no step: the host's own work."""
BETWEEN = "the function, between these steps"


class Steps:
    """Charges what a clock counts to the innermost step, so that the steps add up to the whole."""

    def __init__(self, clock: Callable[[], float], begun_at: float) -> None:
        """Begin to count; `clock` may count anything that grows."""
        self._clock = clock
        self._at = begun_at
        self._open = [REST]
        self._thread = threading.get_ident()
        self.amounts: dict[str, float] = {}

    def begin(self, step: str) -> None:
        """Begin a step within the one that is open."""
        self._charge()
        self._open.append(step)

    def end(self) -> None:
        """End the innermost step."""
        self._charge()
        self._open.pop()

    def follow(self) -> None:
        """Count what the current thread does from now on, and nothing of any other."""
        self._thread = threading.get_ident()

    def take(self) -> dict[str, float]:
        """Return the amounts so far, and begin anew."""
        self._charge()
        amounts, self.amounts = self.amounts, {}
        return amounts

    def time(self, path: str, step: str) -> None:
        """Have a function or a method, as `module:name`, be a step wherever it is called."""
        module, _, name = path.partition(":")
        owner_name, _, attribute = name.rpartition(".")
        owner: Any = import_module(module)
        if owner_name:
            owner = getattr(owner, owner_name)
        function = getattr(owner, attribute)

        def timed(*args: Any, **kwargs: Any) -> Any:
            if threading.get_ident() != self._thread:
                return function(*args, **kwargs)
            self.begin(step)
            try:
                return function(*args, **kwargs)
            finally:
                self.end()

        if owner_name:
            setattr(owner, attribute, timed)
            return
        for each in [module for key, module in sys.modules.items() if key == "main" or key.startswith("helseid_fn")]:
            if getattr(each, attribute, None) is function:
                setattr(each, attribute, timed)

    def _charge(self) -> None:
        now = self._clock()
        step = self._open[-1]
        self.amounts[step] = self.amounts.get(step, 0.0) + now - self._at
        self._at = now


SETTINGS = "the settings are parsed, logging starts"
COLD = {
    "helseid_fn.function.app:start": SETTINGS,
    "helseid_fn.function.app:App.__init__": SETTINGS,
    "helseid_fn.secret_store.file:FileReader.read": "the key is read",
    "helseid_fn.keys.signing_key:parse_signing_key": "the key is parsed, and signs and verifies once",
    "helseid_fn.oauth.metadata:MetadataSource._fetch": "HelseID's metadata is fetched",
    "helseid_fn.oauth.token_request:fetch_token": "two token requests are sent",
    "helseid_fn.oauth.client_assertion:build_client_assertion": "two client assertions are signed",
    "helseid_fn.api.client:ApiClient._send": "the API is called",
    "helseid_fn.function.responses:build_report": "the response is checked, reported and logged",
    "helseid_fn.function.log:_StreamHandler.handle": "the response is checked, reported and logged",
}
WARM = {
    "helseid_fn.function.framework:read_body": "the request is read and parsed",
    "helseid_fn.function.invocation:parse_http": "the request is read and parsed",
    "helseid_fn.function.trace:read_header_facts": "the request is read and parsed",
    "helseid_fn.oauth.token_source:TokenSource.get": "the cached token is looked up",
    "helseid_fn.oauth.dpop:build_proof": "the proof is signed",
    "helseid_fn.http.adapter:_Adapter.ensure_connected": "the request to the API is prepared, the connection is checked",
    "helseid_fn.http.adapter:prepare": "the request to the API is prepared, the connection is checked",
    "helseid_fn.http.adapter:_Adapter.send": "it is sent, and the response is received",
    "helseid_fn.http.body:read_response": "it is sent, and the response is received",
    "helseid_fn.api.json_response:rejects_token": "the response is checked",
    "helseid_fn.http.dpop_nonce:asks_for_nonce": "the response is checked",
    "helseid_fn.api.failure_ids:read_failure_ids": "the response is checked",
    "helseid_fn.api.json_response:read_json_response": "the response is checked",
    "helseid_fn.function.responses:build_report": "the report is built",
    "helseid_fn.function.responses:describe_outcome": "the report is built",
    "helseid_fn.function.log:_StreamHandler.handle": "the log line is written",
}
LOADED = {
    "requests is loaded": ("requests",),
    "PyJWT and cryptography are loaded": ("jwt", "cryptography.hazmat.primitives.asymmetric.rsa"),
    "the function's own modules are loaded": ("helseid_fn.function.app", "helseid_fn.function.google"),
}
"""In this order; what was loaded before, or by the host, costs nothing."""


def main(which: str, counted: str, begun_at: str, path: str) -> None:
    """Serve until terminated."""
    steps = Steps(_megabytes if counted == "megabytes" else time.perf_counter, float(begun_at))
    from functions_framework._cli import _cli  # noqa: PLC0415
    from functions_framework._http import gunicorn  # noqa: F401, PLC0415

    for step, modules in LOADED.items():
        steps.begin(step)
        for module in modules:
            import_module(module)
        steps.end()
    from helseid_fn.function import google  # noqa: PLC0415

    for timed, step in (COLD if which == "cold" else WARM).items():
        steps.time(timed, step)
    handle, lines = google.handle_http, os.open(path, os.O_WRONLY | os.O_APPEND)

    def handle_http(*args: Any) -> Any:
        steps.follow()
        steps.begin(BETWEEN)
        try:
            return handle(*args)
        finally:
            steps.end()
            os.write(lines, json.dumps(steps.take()).encode() + b"\n")

    google.handle_http = handle_http  # type: ignore[assignment]  # which takes no other arguments
    _cli(["--target=run"])


def _megabytes() -> float:
    """Return what `bench.memory` does, of this process and gunicorn's master, but without using memory to find it."""
    both = {_MASTER: _read_rollup(_MASTER), os.getpid(): _read_rollup(os.getpid())}
    own = sum(each["Pss_Anon"] + each["Pss_Shmem"] for each in both.values())
    of_files = max(each["Rss"] - each["Anonymous"] for each in both.values())  # most of one's are the other's as well
    return (own + of_files) / 1024


def _read_rollup(pid: int) -> dict[str, int]:
    fields = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    return {words[0].rstrip(":"): int(words[1]) for words in map(str.split, fields)}


_MASTER = os.getpid()

if __name__ == "__main__":
    main(*sys.argv[1:])
