"""From an address to the text of the private key. Each cloud's SDK is imported only when an address of its kind is read."""

from __future__ import annotations

from collections.abc import Callable

from helseid_fn.deadline import Deadline
from helseid_fn.journal import Journal
from helseid_fn.secret_store.local import FileReader

Reader = Callable[[Deadline, Journal], str]
"""Reads the secret anew at every call."""


def open_reader(address: str, *, google_endpoint: str | None = None) -> Reader:
    """Return a reader for `file:PATH` or `projects/...`; nothing is imported or reached before its first call.

    `google_endpoint` is the `host:port` of another Secret Manager endpoint than Google's own.
    """
    if address.startswith("file:"):
        return FileReader(address.removeprefix("file:"))
    google: Reader | None = None

    def read_google(deadline: Deadline, journal: Journal) -> str:
        nonlocal google
        if google is None:
            from helseid_fn.secret_store.google import GoogleReader  # noqa: PLC0415  # 0.3 s that a file address need not pay

            google = GoogleReader(address, google_endpoint)
        return google(deadline, journal)

    return read_google
