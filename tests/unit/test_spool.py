"""A body outside memory before it is sent."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from helseid_fn.delivery.spool import spool
from helseid_fn.errors import Unavailable
from tests.support.parts import make_context
from tests.support.results import make_result


@pytest.fixture
def limit_files() -> Iterator[None]:
    """Let this process write no file of more than 4 KiB, as if the disk were full."""
    resource = pytest.importorskip("resource")
    signal = pytest.importorskip("signal")
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


def test_a_body_can_be_read_again_for_each_attempt() -> None:
    with spool(make_result(iter([b"a" * 70_000, b"b"])), make_context()) as body:
        readers = [body.open(), body.open()]
        assert [each.read(1) for each in readers] == [b"a", b"a"]
        assert [each.read() for each in readers] == [b"a" * 69_999 + b"b"] * 2
        assert body.size_bytes == 70_001


def test_an_attempt_that_is_still_reading_gets_an_error_at_the_end() -> None:
    with spool(make_result(iter([b"a"])), make_context()) as body:
        late = body.open()
    with pytest.raises(OSError, match="no longer kept"):
        late.read()


@pytest.mark.usefixtures("limit_files")
def test_a_full_temporary_folder_is_worth_another_try() -> None:
    with (
        pytest.raises(Unavailable, match="temporary folder") as raised,
        spool(make_result(iter([b"a" * 5000])), make_context()),
    ):
        pass
    assert raised.value.code == "delivery.unavailable.connect"


def test_no_temporary_folder_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(Unavailable, match="No such file"), spool(make_result(iter([b"a"])), make_context()):
        pass
