"""Results in the log itself, for APIs whose data are about nobody."""

from __future__ import annotations

import hashlib
import logging

from helseid_fn.context import Context
from helseid_fn.delivery.result import Receipt, Result
from helseid_fn.error_codes import Party
from helseid_fn.errors import Refused

MAX_LOGGED_BYTES = 100 * 1024
"""Of one result; Cloud Logging takes lines of 256 KiB, CloudWatch too, and JSON's escapes need room."""

_logger = logging.getLogger(__name__)


class LogDestination:
    """Writes each result as one line: its text, or the text's absence if it has none, is in the field `result`."""

    def deliver(self, result: Result, ctx: Context) -> Receipt:
        """Write the line. Raises `Refused` for what is too large for one, or is no text."""
        ctx.check(Party.DELIVERY)
        body = bytearray()
        for block in (result.body,) if isinstance(result.body, bytes) else result.body:
            body += block
            if len(body) > MAX_LOGGED_BYTES:
                limit = MAX_LOGGED_BYTES // 1024
                what = f"The result is larger than the {limit} KiB that a line of the log takes."
                raise Refused(Party.DELIVERY, "too_large", f"{what} Deliver into a bucket (RESULT_TO).")
        try:
            text = body.decode()
        except UnicodeDecodeError:
            detail = "The result is not text, so it cannot be logged. Deliver into a bucket (RESULT_TO)."
            raise Refused(Party.DELIVERY, "other", detail) from None
        receipt = Receipt(f"log#{result.name}", len(body), hashlib.sha256(body).hexdigest())
        fields = {**result.attributes, "name": result.name, "sha256": receipt.sha256, "result": text}
        _logger.log(max(logging.INFO, _logger.getEffectiveLevel()), "A result.", extra={"fields": fields})
        return receipt
