"""A refusal: the error that is sent, and the reason that only tests and the console see."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Refusal:
    """The refusal of one request.

    `error` and `description` are sent, in HelseID's words. `detail` is never sent: it tells a test which check refused,
    because HelseID responds to every invalid assertion with the same `invalid_client`.
    """

    error: str
    description: str | None
    detail: str
    status: int = 400
    headers: tuple[tuple[str, str], ...] = field(default=())


class RefusedError(Exception):
    """Raised by a check to refuse a request."""

    def __init__(self, refusal: Refusal) -> None:
        """Keep the refusal; the message is its detail."""
        super().__init__(refusal.detail)
        self.refusal = refusal
