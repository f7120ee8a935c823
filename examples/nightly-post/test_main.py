"""The job without a cloud, HelseID or an API."""

from __future__ import annotations

import io
import os

import pytest

os.environ.setdefault("OUTBOX_BUCKET", "my-outbox")
os.environ.setdefault("OUTBOX_PREFIX", "outbox/")

from helseid_fn.errors import Refused
from helseid_fn.testing import run_job
from main import post_outbox


class Document:
    """Stands for an object of Cloud Storage."""

    name, generation, content_type = "outbox/a.xml", 7, "application/xml"
    is_removed = False

    def open(self, _mode: str, chunk_size: int) -> io.BytesIO:
        """Return the content."""
        return io.BytesIO(b"<a/>"[:chunk_size])

    def delete(self, if_generation_match: int) -> None:
        """Note that it is removed."""
        self.is_removed = if_generation_match == self.generation


@pytest.fixture
def document(monkeypatch: pytest.MonkeyPatch) -> Document:
    """Put one document into the outbox."""
    document = Document()

    class Client:
        def list_blobs(self, _bucket: str, prefix: str) -> list[Document]:
            return [document] if document.name.startswith(prefix) else []

    monkeypatch.setattr("main.Client", Client)
    return document


def test_a_document_is_removed_once_its_receipt_is_delivered(document: Document) -> None:
    run = run_job(post_outbox, api={"POST documents": {"id": 1}})
    (request,) = run.requested
    receipt = run.delivered[f"receipts/{request.headers['idempotency-key']}"]
    assert (request.content, receipt.json(), document.is_removed) == (b"<a/>", {"id": 1}, True)


def test_a_document_that_is_refused_stays(document: Document) -> None:
    with pytest.raises(Refused):
        run_job(post_outbox, api={"POST documents": 422})
    assert not document.is_removed
