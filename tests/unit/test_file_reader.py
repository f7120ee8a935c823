from __future__ import annotations

import errno
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from helseid_fn.context import Context
from helseid_fn.errors import DeadlineExceeded, HelseidFnError, InvalidResponse, Party, Refused, Unavailable
from helseid_fn.keys.stored import MAX_SECRET_BYTES, StoredKey, decode_payload
from helseid_fn.secret_store.file import FileReader
from tests.conftest import MovableClock
from tests.support.parts import make_context, make_key


def read(path: Path, ctx: Context | None = None) -> StoredKey:
    return FileReader(str(path)).read(ctx or make_context())


def bind(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


def test_reads_the_file_anew_at_every_call(tmp_path: Path) -> None:
    path = tmp_path / "key with spaces.json"
    path.write_text("hei på deg", encoding="utf-8")
    reader, ctx = FileReader(str(path)), make_context()
    first = reader.read(ctx)
    path.write_text("new")
    assert (first, reader.read(ctx, fresh=True)) == (StoredKey("hei på deg"), StoredKey("new"))
    assert (ctx.requests[Party.SECRET_MANAGER], ctx.outcomes[Party.SECRET_MANAGER]) == (2, ["ok", "ok"])


def test_a_file_was_stored_when_it_was_last_written(tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    path.write_text("key")
    os.utime(path, (1, 1_800_000_000.5))
    assert read(path).stored_at == 1_800_000_000


@pytest.mark.parametrize("name", ["missing.json", "file/key.json"], ids=["missing", "below a file"])
def test_a_file_that_is_not_there_is_not_found(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    ctx = make_context()
    with pytest.raises(Refused, match=r"There is no file .* \(HELSEID_KEY\)") as raised:
        read(tmp_path / name, ctx)
    assert (raised.value.code, ctx.outcomes[Party.SECRET_MANAGER]) == ("secret_manager.refused.not_found", ["not_found"])


def test_a_relative_path_says_relative_to_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Refused) as raised:
        read(Path("missing.json"))
    assert f"There is no file missing.json in {tmp_path}, where the function runs (HELSEID_KEY)." in str(raised.value)


def test_a_folder_is_named_as_one(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"\(HELSEID_KEY\) is a folder. Name the file in it.") as raised:
        read(tmp_path)
    assert raised.value.code == "secret_manager.refused.not_found"


@pytest.mark.parametrize(
    ("fault", "kind", "code", "words"),
    [
        pytest.param(PermissionError(13, "x"), Refused, "secret_manager.refused.denied", "chmod", id="no right to"),
        pytest.param(
            OSError(errno.EIO, "x"), Unavailable, "secret_manager.unavailable.connect", "Input/output error", id="a faulty disk"
        ),
        pytest.param(OSError("x"), Unavailable, "secret_manager.unavailable.connect", "no reason given", id="no reason"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(
    fault: OSError, kind: type[HelseidFnError], code: str, words: str, tmp_path: Path
) -> None:
    def fail(*_arguments: object) -> int:
        raise fault

    with pytest.raises(kind, match=words) as raised:
        FileReader(str(tmp_path / "key.json"), fail).read(make_context())
    assert raised.value.code == code


@pytest.mark.parametrize("make", [os.mkfifo, bind, lambda path: path.symlink_to("/dev/zero")], ids=["pipe", "socket", "device"])
def test_what_is_no_file_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], None]
) -> None:
    monkeypatch.chdir(tmp_path)  # the name of a socket has to be short
    make(Path("key.json"))
    with pytest.raises(Refused, match="is a pipe, a socket or a device") as raised:
        read(Path("key.json"))
    assert raised.value.code == "secret_manager.refused.not_found"


def test_a_mount_that_hangs_costs_one_deadline(tmp_path: Path) -> None:
    path, hangs = tmp_path / "key.json", threading.Event()
    path.write_text("key")
    path.chmod(0o600)
    ends = [hangs.wait, lambda: None]

    def open_file(name: Path, flags: int) -> int:
        ends.pop(0)()
        return os.open(name, flags)

    reader = FileReader(str(path), open_file)
    try:
        with pytest.raises(DeadlineExceeded) as raised:
            reader.read(Context(0.2))
        assert raised.value.code == "secret_manager.deadline_exceeded"
        assert reader.read(make_context()) == StoredKey("key")
    finally:
        hangs.set()


@pytest.mark.parametrize("mode", [0o666, 0o644, 0o620, 0o602])
def test_a_file_that_others_can_reach_is_warned_of_once(tmp_path: Path, caplog: pytest.LogCaptureFixture, mode: int) -> None:
    path = tmp_path / "key.json"
    path.write_text("key")
    path.chmod(mode)
    reader = FileReader(str(path))
    for _ in range(2):
        reader.read(make_context())
    (record,) = caplog.records
    assert (record.levelname, f"(mode {mode:04o}). Run: chmod 600 {path}" in record.getMessage()) == ("WARNING", True)


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o640])
def test_a_file_that_others_cannot_reach_is_no_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture, mode: int) -> None:
    path = tmp_path / "key.json"
    path.write_text("key")
    path.chmod(mode)
    read(path)
    assert caplog.records == []


def test_a_mode_on_a_read_only_mount_is_no_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cloud Run and Kubernetes mount secrets read-only, with modes that they choose."""
    path, of_mount = tmp_path / "key.json", os.fstatvfs

    def read_only(descriptor: int) -> os.statvfs_result:
        return os.statvfs_result([*of_mount(descriptor)[:8], os.ST_RDONLY, 255])

    path.write_text("key")
    path.chmod(0o444)
    monkeypatch.setattr(os, "fstatvfs", read_only)
    read(path)
    assert caplog.records == []


def test_no_time_left_means_no_read(tmp_path: Path, clock: MovableClock) -> None:
    ctx = Context(1.0, monotonic=clock)
    clock.move(1)
    with pytest.raises(DeadlineExceeded, match=r"^The secret manager "):
        read(tmp_path / "key.json", ctx)
    assert ctx.requests[Party.SECRET_MANAGER] == 0


@pytest.mark.parametrize("payload", [b"", b"x", "æ\U0001f511".encode(), b"x" * MAX_SECRET_BYTES], ids=len)
def test_decodes_utf_8(payload: bytes) -> None:
    assert decode_payload(payload).encode() == payload


def test_a_payload_that_is_too_large_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    path.write_bytes(b"x" * (MAX_SECRET_BYTES + 1))
    with pytest.raises(Refused, match="64 KiB") as raised:
        read(path)
    assert raised.value.code == "secret_manager.refused.too_large"


@pytest.mark.parametrize("payload", [b"\xff\xfe{", b"\xc3", b'{"d":"\xe6"}'])
def test_a_payload_that_is_not_utf_8_is_invalid(payload: bytes) -> None:
    with pytest.raises(InvalidResponse, match="not UTF-8") as raised:
        decode_payload(payload)
    assert (raised.value.code, raised.value.__context__) == ("secret_manager.invalid_response.encoding", None)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_a_text_of_powershell_is_decoded(encoding: str) -> None:
    assert decode_payload("nøkkel".encode(encoding)).removeprefix("\ufeff") == "nøkkel"


@pytest.mark.parametrize("alg", ["PS256", "ES256", "ES512"])
@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL], ids=["PKCS#8", "traditional"])
def test_a_key_in_der_is_named(alg: str, form: PrivateFormat) -> None:
    octets = make_key(alg)._private.private_bytes(Encoding.DER, form, NoEncryption())
    with pytest.raises(InvalidResponse, match=r"is binary \(DER or PKCS#12\). Convert it with"):
        decode_payload(octets)


def test_a_stored_key_does_not_show_its_text() -> None:
    assert "HUSH" not in repr(StoredKey("HUSH"))
