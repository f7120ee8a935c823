from __future__ import annotations

import io

import pytest

from helseid_fn.api.file_body import FileBody
from helseid_fn.context import Context
from helseid_fn.errors import DeadlineExceeded, InvalidInvocation
from tests.support.parts import make_context


def test_every_rewound_body_is_the_same() -> None:
    file = io.BytesIO(b"skipped,body")
    file.seek(8)
    body = FileBody(file)
    assert [b"".join(body.rewind(make_context())) for _ in range(2)] == [b"body", b"body"]


def test_a_body_is_read_in_blocks_up_to_its_length() -> None:
    file = io.BytesIO(b"body")
    body = FileBody(file).rewind(make_context())
    file.getbuffer().release()
    file.seek(0, io.SEEK_END)
    file.write(b"more")
    body.rewind(make_context())
    assert [body.read(3), body.read(3), body.read(3)] == [b"bod", b"y", b""]


def test_a_file_that_became_shorter_is_an_error() -> None:
    file = io.BytesIO(b"body")
    body = FileBody(file).rewind(make_context())
    file.truncate(2)
    with pytest.raises(InvalidInvocation, match="shorter"):
        body.read()


def test_a_file_that_cannot_be_read_is_an_error() -> None:
    class Broken(io.BytesIO):
        def read(self, _size: int | None = -1, /) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(InvalidInvocation, match="Input/output error"):
        FileBody(Broken(b"body")).rewind(make_context()).read()


def test_reading_ends_at_the_deadline() -> None:
    moments = iter([0.0, 0.5, 2.0])
    body = FileBody(io.BytesIO(b"body")).rewind(Context(1, monotonic=lambda: next(moments)))
    assert body.read(2) == b"bo"
    with pytest.raises(DeadlineExceeded):
        body.read(2)
