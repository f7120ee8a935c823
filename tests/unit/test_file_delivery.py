from __future__ import annotations

import hashlib
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from helseid_fn.context import Context
from helseid_fn.delivery import file
from helseid_fn.delivery.address import Folder
from helseid_fn.delivery.file import FileDestination, explain
from helseid_fn.delivery.result import Receipt, Result
from helseid_fn.error_codes import Party
from helseid_fn.errors import DeadlineExceeded, Refused
from tests.conftest import ROOT
from tests.support.results import BrokenBodyError, break_off, make_result


def deliver(folder: Path, result: Result, ctx: Context | None = None) -> Receipt:
    return FileDestination(Folder(f"{folder}/")).deliver(result, ctx or Context(25))


def names_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("blocks", [(b'{"a": ', b"1}"), (b"",), (), (b"\0\xff",)])
def test_a_file_has_exactly_the_bytes(tmp_path: Path, blocks: tuple[bytes, ...]) -> None:
    body = b"".join(blocks)
    receipts = {deliver(tmp_path, make_result(body)), deliver(tmp_path, make_result(iter(blocks)))}
    path = tmp_path / "day/1.json"
    assert path.read_bytes() == body
    assert receipts == {Receipt(f"file:{path}", len(body), hashlib.sha256(body).hexdigest())}


def test_only_this_user_reads_what_is_delivered(tmp_path: Path) -> None:
    deliver(tmp_path, make_result())
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("day", "day/1.json")]
    assert modes == [0o700, 0o600]


def test_the_same_name_overwrites(tmp_path: Path) -> None:
    deliver(tmp_path, make_result(b"first, and longer"))
    deliver(tmp_path, make_result(b"second"))
    assert ((tmp_path / "day/1.json").read_bytes(), names_in(tmp_path)) == (b"second", ["day/1.json"])


def test_a_body_that_breaks_off_leaves_the_old_file(tmp_path: Path) -> None:
    deliver(tmp_path, make_result(b"old"))
    with pytest.raises(BrokenBodyError):
        deliver(tmp_path, make_result(break_off(b"new")))
    assert ((tmp_path / "day/1.json").read_bytes(), names_in(tmp_path)) == (b"old", ["day/1.json"])


KILLED = """
import os, pathlib, signal, sys
from helseid_fn.context import Context
from helseid_fn.delivery.address import Folder
from helseid_fn.delivery.file import FileDestination
from helseid_fn.delivery.result import Result
pathlib.Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
FileDestination(Folder(sys.argv[1])).deliver(Result("day/1.json", "a/b", b"new", {}), Context(25))
"""


def test_a_kill_before_the_rename_leaves_the_old_file(tmp_path: Path) -> None:
    deliver(tmp_path, make_result(b"old"))
    killed = subprocess.run([sys.executable, "-c", KILLED, f"{tmp_path}/"], cwd=ROOT, check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert (tmp_path / "day/1.json").read_bytes() == b"old"
    deliver(tmp_path, make_result(b"new"))
    assert (tmp_path / "day/1.json").read_bytes() == b"new"


def test_a_link_in_the_way_is_replaced_not_followed(tmp_path: Path) -> None:
    (tmp_path / "day").mkdir()
    (tmp_path / "elsewhere").write_bytes(b"theirs")
    (tmp_path / "day/1.json").symlink_to(tmp_path / "elsewhere")
    deliver(tmp_path, make_result(b"ours"))
    assert (tmp_path / "elsewhere").read_bytes() == b"theirs"
    assert ((tmp_path / "day/1.json").is_symlink(), (tmp_path / "day/1.json").read_bytes()) == (False, b"ours")


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "results/day").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Refused):
        deliver(tmp_path / "results", make_result())
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_folder_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "day/1.json").mkdir(parents=True)
    with pytest.raises(Refused) as raised:
        deliver(tmp_path, make_result())
    assert (raised.value.code, names_in(tmp_path)) == ("delivery.refused.not_found", [])


def test_a_file_where_a_folder_must_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "day").touch()
    with pytest.raises(Refused) as raised:
        deliver(tmp_path, make_result())
    assert raised.value.code == "delivery.refused.not_found"


def test_a_name_longer_than_the_file_system_takes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused) as raised:
        deliver(tmp_path, make_result(name="x" * 300))
    assert (raised.value.code, names_in(tmp_path)) == ("delivery.refused.name", [])


def test_a_folder_without_right_to_write_is_named() -> None:
    error = explain(PermissionError(13, "no"), Path("/results/day/1.json"))
    assert (error.code, "/results/day cannot be written" in str(error)) == ("delivery.refused.denied", True)


def test_a_full_disk_is_worth_another_try() -> None:
    error = explain(OSError(28, "no space"), Path("/results/1.json"))
    assert (error.code, error.retryable) == ("delivery.unavailable.connect", True)


def test_a_hanging_mount_does_not_outlast_the_deadline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    monkeypatch.setattr(file, "write_file", lambda *_: released.wait(20))
    began_at = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        deliver(tmp_path, make_result(), Context(0.3))
    released.set()
    assert time.monotonic() - began_at < 5


def test_a_delivered_file_is_counted(tmp_path: Path) -> None:
    ctx = Context(25)
    deliver(tmp_path, make_result(), ctx)
    assert (ctx.requests[Party.DELIVERY], ctx.outcomes[Party.DELIVERY]) == (1, ["ok"])
