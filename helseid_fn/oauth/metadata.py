"""HelseID's metadata: where its token endpoint is (OpenID Connect Discovery 1.0; HelseID's requirement FK2)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from helseid_fn.context import Journal
from helseid_fn.deadline import Deadline
from helseid_fn.errors import Garbled, Party
from helseid_fn.http.messages import Answer, Message
from helseid_fn.http.retries import check_available
from helseid_fn.http.transport import Transport
from helseid_fn.http.url import find_fault
from helseid_fn.single_flight import Held

HELD_SECONDS = 24 * 60 * 60
"""HelseID recommends a day (FK2)."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """What is used of the metadata, and when it was fetched (wall clock)."""

    issuer: str
    token_endpoint: str
    fetched_at: float


class MetadataSource:
    """Fetches the metadata of one issuer when it is first needed, and then once a day."""

    def __init__(self, issuer: str, transport: Transport, *, now: Callable[[], float] = time.time) -> None:
        self._issuer = issuer
        self._transport = transport
        self._now = now
        self._held: Held[Metadata] = Held()

    def get(self, deadline: Deadline, journal: Journal) -> Metadata:
        """Return the metadata; fetches it when none is held or what is held is a day old.

        Raises `Unreachable`, `DeadlineExceeded` or `Garbled`.
        """

        def is_fresh(metadata: Metadata) -> bool:
            return 0 <= self._now() - metadata.fetched_at < HELD_SECONDS

        return self._held.get(is_fresh, lambda: self._fetch(deadline, journal), deadline, Party.HELSEID)

    def _fetch(self, deadline: Deadline, journal: Journal) -> Metadata:
        # Appended, not inserted as RFC 8414 would have it: the issuer of HelseID's conformance tests has a path.
        url = f"{self._issuer}/.well-known/openid-configuration"
        answer = self._transport.send(
            Party.HELSEID,
            "GET",
            url,
            lambda _url, _nonce: Message({"Accept": "application/json"}),
            deadline=deadline,
            journal=journal,
            answer_timeout_seconds=deadline.share_seconds,
        )
        check_available(Party.HELSEID, answer, self._now())
        return parse_metadata(answer, self._issuer, self._now())


def parse_metadata(answer: Answer, issuer: str, now: float) -> Metadata:
    """Parse the answer, and check that it speaks for the issuer that the settings name.

    Raises `Garbled`.
    """
    members = answer.json_members()
    if answer.status != 200 or not members:
        raise Garbled(
            Party.HELSEID,
            "redirect" if 300 <= answer.status < 400 else "metadata",
            f"HelseID's metadata could not be read: {issuer}/.well-known/openid-configuration answered with status "
            f"{answer.status} and {'JSON' if members else 'no JSON object'}; check HELSEID_ISSUER.",
        )
    named = members.get("issuer")
    if named != issuer:
        other = f"the issuer {named}" if isinstance(named, str) and find_fault(named) is None else "another issuer"
        detail = f"HelseID's metadata names {other}, not HELSEID_ISSUER ({issuer}); correct HELSEID_ISSUER, to the letter."
        raise Garbled(Party.HELSEID, "issuer_mismatch", detail)
    token_endpoint = members.get("token_endpoint")
    if not isinstance(token_endpoint, str):
        raise _bad_token_endpoint("is missing")
    fault = find_fault(token_endpoint)
    if fault is None and issuer.startswith("https:") and not token_endpoint.startswith("https:"):
        fault = "is not https, although the issuer is"
    if fault is not None:
        raise _bad_token_endpoint(fault)
    return Metadata(issuer, token_endpoint, fetched_at=now)


def _bad_token_endpoint(fault: str) -> Garbled:
    return Garbled(Party.HELSEID, "metadata", f"The token_endpoint in HelseID's metadata {fault}; check HELSEID_ISSUER.")
