from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from helseid_fn.context import Context
from helseid_fn.delivery.address import Folder
from helseid_fn.delivery.cursor import MAX_CURSOR_BYTES, Cursor
from helseid_fn.delivery.file_cursor import FileCursor
from helseid_fn.errors import DeadlineExceeded, HelseidFnError, Refused
from tests.conftest import ROOT
from tests.support.deployment import at_once
from tests.unit.test_cursor import UNREADABLE


def open_store(folder: Path) -> FileCursor:
    place = Folder(f"{folder}/")
    return FileCursor(place, "cursor.json")


def open_cursor(folder: Path) -> Cursor:
    return Cursor(open_store(folder), f"file:{folder}/cursor.json", Context(25), now=lambda: 0.0)


def test_a_cursor_is_stored_where_there_was_none(tmp_path: Path) -> None:
    assert open_cursor(tmp_path / "new").value is None
    open_cursor(tmp_path / "new").advance(7)
    assert open_cursor(tmp_path / "new").value == 7
    assert stat.S_IMODE((tmp_path / "new/cursor.json").stat().st_mode) == 0o600


def test_the_file_is_replaced_only_at_the_version_read(tmp_path: Path) -> None:
    store, ctx = open_store(tmp_path), Context(25)
    first = store.write(b"1", None, ctx)
    assert store.write(b"2", None, ctx) is None
    second = store.write(b"2", first, ctx)
    assert store.write(b"3", first, ctx) is None
    stored = store.read(ctx)
    assert stored is not None
    assert (stored.text, stored.version) == (b"2", second)


def test_of_eight_overlapping_writers_one_wins_each_round(tmp_path: Path) -> None:
    for number in range(5):
        cursors = [open_cursor(tmp_path) for _ in range(8)]
        assert {cursor.value for cursor in cursors} == {number - 1 if number else None}
        outcomes = at_once(8, partial(advance, cursors, number))
        assert sorted(outcomes) == ["ok"] + ["overtaken"] * 7


def advance(cursors: list[Cursor], value: int) -> str:
    try:
        cursors.pop().advance(value)
    except HelseidFnError as error:
        return error.reason
    return "ok"


def test_two_processes_never_lose_a_step(tmp_path: Path) -> None:
    program = f"""
import sys; sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from helseid_fn.errors import Refused
from tests.unit.test_file_cursor import open_cursor
done = 0
while done < 25:
    cursor = open_cursor(Path(sys.argv[1]))
    try:
        cursor.advance((cursor.value or 0) + 1)
    except Refused:
        continue
    done += 1
"""
    runs = [subprocess.Popen([sys.executable, "-c", program, str(tmp_path)]) for _ in range(2)]
    assert [run.wait(60) for run in runs] == [0, 0]
    assert open_cursor(tmp_path).value == 50


KILLED = """
import os, pathlib, signal, sys
from helseid_fn.context import Context
from helseid_fn.delivery.address import Folder
from helseid_fn.delivery.file_cursor import FileCursor
pathlib.Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
store = FileCursor(Folder(sys.argv[1]), "cursor.json")
store.write(b"new", store.read(Context(25)).version, Context(25))
"""


def test_a_kill_before_the_rename_leaves_the_old_cursor(tmp_path: Path) -> None:
    open_cursor(tmp_path).advance(1)
    killed = subprocess.run([sys.executable, "-c", KILLED, f"{tmp_path}/"], cwd=ROOT, check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    cursor = open_cursor(tmp_path)
    assert cursor.value == 1
    cursor.advance(2)  # the lock of a killed process is free
    assert open_cursor(tmp_path).value == 2


def test_a_deleted_cursor_is_overtaken_at_the_next_step(tmp_path: Path) -> None:
    open_cursor(tmp_path).advance(1)
    cursor = open_cursor(tmp_path)
    assert cursor.value == 1
    (tmp_path / "cursor.json").unlink()
    with pytest.raises(Refused) as raised:
        cursor.advance(2)
    assert (raised.value.reason, (tmp_path / "cursor.json").exists()) == ("overtaken", False)


@pytest.mark.parametrize("text", UNREADABLE)
def test_an_unreadable_file_is_named_and_kept(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "cursor.json"
    path.write_bytes(text)
    with pytest.raises(HelseidFnError, match=str(path)) as raised:
        open_cursor(tmp_path).advance(1)
    assert (raised.value.code, path.read_bytes()) == ("delivery.invalid_response.cursor", text)


def test_no_more_than_a_cursor_is_read(tmp_path: Path) -> None:
    (tmp_path / "cursor.json").write_bytes(b" " * 10 * MAX_CURSOR_BYTES)
    stored = open_store(tmp_path).read(Context(25))
    assert stored is not None
    assert len(stored.text) == MAX_CURSOR_BYTES + 1


def test_a_link_in_place_of_the_lock_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".cursor.json.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Refused) as raised:
        open_cursor(tmp_path).advance(1)
    assert (raised.value.reason, (tmp_path / "elsewhere").exists()) == ("not_found", False)


def test_a_pipe_in_the_way_does_not_outlast_the_deadline(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "cursor.json")
    with pytest.raises(DeadlineExceeded):
        open_store(tmp_path).read(Context(0.3))
