"""One request on its way to its answer: treated for real when a fault lets it, and written down once."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus

from standin.messages import Answer
from standin.record import Exchange, Record, issued_in
from standin.refusals import Refusal, RefusedError

Change = Callable[[dict[str, object]], dict[str, object]]


class Treatment:
    """Keeps a refusal between the moment it is made and the moment its answer is sent."""

    def __init__(self, exchange: Exchange, record: Record) -> None:
        """Count the request from now on."""
        self._exchange = record.begin(exchange)
        self._record = record
        self._started = time.monotonic()
        self._refusal: Refusal | None = None
        self._finished = False

    def handle(self, real: Callable[[], Answer], refuse: Callable[[Refusal], Answer], change: Change) -> Answer:
        """Get the real answer, with the members changed that the script wants changed."""
        try:
            answer = _changed(real(), change)
        except RefusedError as error:
            self._refusal = error.refusal
            return refuse(error.refusal)
        self._record.keep_secrets(issued_in(answer))
        return answer

    def finish(self, answer: Answer | None) -> None:
        """Write down what was answered, or that nothing was; only the first time counts."""
        if self._finished:
            return
        self._finished = True
        self._record.finish(
            replace(
                self._exchange,
                status=answer.status if answer else None,
                answer_headers=answer.headers if answer else (),
                answer_body=answer.body if answer else b"",
                refusal=self._refusal,
                duration_seconds=time.monotonic() - self._started,
            )
        )


def _changed(answer: Answer, change: Change) -> Answer:
    if answer.status != HTTPStatus.OK:
        return answer
    members = json.loads(answer.body)
    changed = change(members)
    return answer if changed is members else replace(answer, body=json.dumps(changed, ensure_ascii=False).encode())
