"""Results in the log itself, for APIs whose data are about nobody."""

from __future__ import annotations

import hashlib
import json
import logging

from helseid_fn.context import Context
from helseid_fn.delivery.result import Receipt, Result
from helseid_fn.delivery.spool import collect
from helseid_fn.error_codes import Party
from helseid_fn.errors import Refused, Unavailable

MAX_LOGGED_BYTES = 200 * 1024
"""The limit of one result as it stands in the line, escaped as JSON; Cloud Logging and Lambda take lines of 256 KiB."""

_logger = logging.getLogger(__name__)


class LogDestination:
    """Writes each result as one line, with its text in the field `result`, in which the log redacts tokens and keys."""

    def deliver(self, result: Result, ctx: Context) -> Receipt:
        """Write the line. Raises `Refused` for what is too large for one, or is no text.

        Raises `Unavailable` if the line cannot be written, `DeadlineExceeded`, and what reading the body raises.
        """
        body = collect(result, ctx, MAX_LOGGED_BYTES, _too_large())
        try:
            text = body.decode()
        except UnicodeDecodeError:
            detail = "The result is not text, so it cannot be logged. Deliver into a bucket (RESULT_TO)."
            raise Refused(Party.DELIVERY, "other", detail) from None
        if len(json.dumps(text)) > MAX_LOGGED_BYTES:
            raise _too_large()
        receipt = Receipt(f"log#{result.name}", len(body), hashlib.sha256(body).hexdigest())
        # Nested, since the line has a `time` of its own.
        attributes = {**result.attributes, "content_type": result.content_type, "sha256": receipt.sha256}
        fields = {"invocation": ctx.invocation_id, "name": result.name, "attributes": attributes, "result": text}
        extra = {"fields": fields, "must_be_written": True}
        record = _logger.makeRecord(_logger.name, logging.INFO, __file__, 0, "A result.", (), None, extra=extra)
        try:
            _logger.handle(record)  # at a terminal's level too: what is said to be delivered must be there
        except (OSError, ValueError):
            detail = "The result could not be written to the log. Check where the function's output goes."
            raise Unavailable(Party.DELIVERY, "connect", detail) from None
        return receipt


def _too_large() -> Refused:
    what = f"The result is larger than the {MAX_LOGGED_BYTES // 1024} KiB that a line of the log takes."
    return Refused(Party.DELIVERY, "too_large", f"{what} Deliver into a bucket (RESULT_TO).")
