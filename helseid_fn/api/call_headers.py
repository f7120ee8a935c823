"""The headers of one call to the API: its own, and those that the settings and the trace add to it; pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from helseid_fn.api.failure_ids import is_made_id
from helseid_fn.context import Context


@dataclass(frozen=True, slots=True)
class CallHeaders:
    """What the settings add to every call: API_HEADERS, and an id in the header that API_CORRELATION_HEADER names."""

    fixed: Mapping[str, str] = field(default_factory=dict, repr=False)
    correlation: str | None = None

    def build(self, own: Mapping[str, str], ctx: Context, new_uuid: Callable[[], str]) -> dict[str, str]:
        """Return the headers of a call, which are the same each time it is sent; those of the request itself win.

        The id is noted for the log, unless it is the caller's and could be about a person.
        """
        ids = {self.correlation: new_uuid()} if self.correlation else {}
        trace = {"traceparent": _continue_trace(ctx.traceparent, new_uuid())} if ctx.traceparent else {}
        layers = ({"Accept": "application/json"}, self.fixed, ids, trace, own)
        headers = {name.lower(): (name, value) for layer in layers for name, value in layer.items()}
        if self.correlation:
            sent = headers[self.correlation][1]
            ctx.note(correlation_id=sent if is_made_id(sent) else None)
        return dict(headers.values())


def _continue_trace(traceparent: str, span: str) -> str:
    """Return the same trace with another span, the end of a UUID; a W3C traceparent of version 00."""
    version, trace, _, flags = traceparent.split("-")
    return f"{version}-{trace}-{span.replace('-', '')[-16:]}-{flags}"
