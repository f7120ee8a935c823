"""The headers that every call of the function has besides the caller's: fixed ones, a correlation id, the trace; pure."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from helseid_fn.context import Context


@dataclass(frozen=True, slots=True)
class CallHeaders:
    """What API_HEADERS and API_CORRELATION_HEADER say. `new_id` makes a UUID, `new_span` 16 hexadecimal digits."""

    fixed: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    correlation: str | None = None
    new_id: Callable[[], str] = lambda: str(uuid.uuid4())
    new_span: Callable[[], str] = lambda: secrets.token_hex(8)

    def add(self, headers: Mapping[str, str], ctx: Context) -> dict[str, str]:
        """Return the headers of one call, which stay the same when it is repeated.

        A fixed header replaces the caller's of the same name; the caller's own correlation id and `traceparent` stay.
        """
        fixed = {name.lower() for name in self.fixed}
        added = {name: value for name, value in headers.items() if name.lower() not in fixed} | dict(self.fixed)
        by_name = {name.lower(): value for name, value in added.items()}
        if self.correlation is not None:
            given = by_name.get(self.correlation.lower())
            value = added[self.correlation] = given or self.new_id()
            ctx.note(correlation_id=value)
        if ctx.trace_id is not None and "traceparent" not in by_name:
            # W3C Trace Context section 3.2; whether the trace is sampled is not known here.
            added["traceparent"] = f"00-{ctx.trace_id}-{self.new_span()}-00"
        return added
