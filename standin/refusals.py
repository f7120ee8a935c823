"""A refusal and its three texts: what is sent, how it is worded, and the reason only tests and the console see."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Refusal:
    """One answer of no.

    `error` and `description` go out as HelseID would word them. `detail` never goes out with them: HelseID answers a
    bad assertion with a bare `invalid_client`, and a test still has to know which check spoke.
    """

    error: str
    description: str | None
    detail: str
    status: int = 400
    headers: tuple[tuple[str, str], ...] = field(default=())


class RefusedError(Exception):
    """Carries a refusal from the check that made it to the server that sends it."""

    def __init__(self, refusal: Refusal) -> None:
        """Keep the refusal; the message is its private detail."""
        super().__init__(refusal.detail)
        self.refusal = refusal
