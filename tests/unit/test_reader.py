from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from helseid_fn.cloud_sdk import retry_transient
from helseid_fn.context import Context
from helseid_fn.errors import DeadlineExceeded, HelseidFnError, InvalidResponse, Party, Refused, Unavailable
from helseid_fn.keys.stored import StoredKey
from helseid_fn.secret_store import reader
from helseid_fn.secret_store.aws.extension import ExtensionReader
from helseid_fn.secret_store.file import FileReader
from helseid_fn.secret_store.reader import LazyReader, open_reader
from tests.conftest import ROOT, MovableClock
from tests.support.parts import make_context

NAME = "projects/my-project/secrets/helseid-key/versions/7"
ARN = "arn:aws:secretsmanager:eu-north-1:123456789012:secret:helseid/key-AbCdEf"
BOTH_CLOUDS = pytest.mark.parametrize(("address", "load"), [(ARN, "_load_aws"), (NAME, "_load_google")], ids=["AWS", "Google"])


class FakeReader:
    """Reads a fixed key, and records whether a fresh one was requested."""

    def read(self, ctx: Context, *, fresh: bool = False) -> StoredKey:
        del ctx
        return StoredKey(f"fresh={fresh}")


@pytest.mark.parametrize(("address", "kind"), [("file:x", FileReader), (NAME, LazyReader), (ARN, ExtensionReader)])
def test_every_form_of_address_has_its_reader(address: str, kind: type) -> None:
    assert type(open_reader(address)) is kind


SDKS_AFTER = """
import json, sys
before = set(sys.modules)  # a virtual environment may declare the empty package google.cloud at start
from helseid_fn.context import Context
from helseid_fn.secret_store.reader import open_reader
reader = open_reader(sys.argv[1])
if sys.argv[1].startswith("file:"):
    reader.read(Context(5.0))
elif sys.argv[2:] == ["load"]:
    import helseid_fn.secret_store.google.secret
sdks = {"google", "grpc", "google_crc32c", "proto", "boto3", "botocore", "s3transfer"}
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules.keys() - before} & sdks)))
"""


@pytest.mark.parametrize(
    ("arguments", "sdks"),
    [(["file:KEY"], []), ([ARN], []), ([NAME], []), ([NAME, "load"], ["google", "google_crc32c", "grpc", "proto"])],
    ids=["a file, read", "AWS, not read yet", "Google, not read yet", "Google, loaded"],
)
def test_only_the_sdk_of_an_address_is_loaded(arguments: list[str], sdks: list[str], tmp_path: Path) -> None:
    (tmp_path / "key.json").write_text("x")
    command = [sys.executable, "-c", SDKS_AFTER, *(each.replace("KEY", str(tmp_path / "key.json")) for each in arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=30)
    assert json.loads(done.stdout) == sdks


@pytest.mark.parametrize(
    ("address", "library", "remedy"), [(ARN, "boto3", "aws.txt"), (NAME, "grpc", "requirements.txt")], ids=["AWS", "Google"]
)
def test_an_sdk_that_is_not_installed_is_named(
    address: str, library: str, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in [name for name in sys.modules if name.startswith(("helseid_fn.secret_store.", "helseid_fn.aws_sdk"))]:
        if ".aws" in module or ".google" in module or "aws_sdk" in module:
            monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(Refused, match=f"{library} is not installed.*{remedy}") as raised:
        open_reader(address).read(make_context())
    assert raised.value.code == "secret_manager.refused.bad_address"


@BOTH_CLOUDS
def test_an_sdk_is_loaded_once(address: str, load: str, monkeypatch: pytest.MonkeyPatch) -> None:
    loads = []

    def load_once(*_: object) -> FakeReader:
        loads.append(1)
        return FakeReader()

    monkeypatch.setattr(reader, load, load_once)
    opened = open_reader(address)
    assert loads == []
    assert [opened.read(make_context()).text, opened.read(make_context(), fresh=True).text] == ["fresh=False", "fresh=True"]
    assert loads == [1]


@BOTH_CLOUDS
def test_an_sdk_that_loads_slowly_is_used_once_it_is_there(address: str, load: str, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = threading.Event()

    def load_slowly(*_: object) -> FakeReader:
        assert loaded.wait(30)
        return FakeReader()

    monkeypatch.setattr(reader, load, load_slowly)
    opened = open_reader(address)
    with pytest.raises(DeadlineExceeded, match=r"^The secret manager "):
        opened.read(Context(0.05))
    loaded.set()
    assert opened.read(make_context()).text == "fresh=False"


def test_an_sdk_for_another_machine_is_a_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(*_: object) -> None:
        raise ImportError("wrong ELF class")

    monkeypatch.setattr(reader, "_load_aws", load)
    with pytest.raises(ImportError, match="wrong ELF class"):
        open_reader(ARN).read(make_context())


LOST = Unavailable(Party.SECRET_MANAGER, "connection_lost", "Gone.")
BROKEN = InvalidResponse(Party.SECRET_MANAGER, "checksum", "Odd.")
DENIED = Refused(Party.SECRET_MANAGER, "denied", "No.")


class Attempts:
    """Raises these errors in turn, then returns how often it was called."""

    def __init__(self, *errors: HelseidFnError) -> None:
        self._errors = list(errors)
        self.calls = 0

    def __call__(self) -> int:
        self.calls += 1
        if self._errors:
            raise self._errors.pop(0)
        return self.calls


def retry(attempts: Attempts, ctx: Context | None = None, pauses: list[float] | None = None, **options: Any) -> int:
    sleep = [].append if pauses is None else pauses.append  # type: ignore[var-annotated]
    return retry_transient(attempts, ctx or make_context(), sleep=sleep, random=lambda: 0.0, **options)


@pytest.mark.parametrize("error", [LOST, BROKEN], ids=["unavailable", "invalid"])
def test_a_transient_failure_is_retried_twice(error: HelseidFnError) -> None:
    pauses: list[float] = []
    assert (retry(Attempts(error, error), pauses=pauses), pauses) == (3, [0.1, 0.2])
    attempts = Attempts(error, error, error)
    with pytest.raises(type(error)):
        retry(attempts)
    assert attempts.calls == 3


@pytest.mark.parametrize(("error", "options"), [(DENIED, {}), (LOST, {"repeatable": False})], ids=["refused", "not repeatable"])
def test_anything_else_is_not_retried(error: HelseidFnError, options: dict[str, bool]) -> None:
    attempts = Attempts(error)
    with pytest.raises(type(error)):
        retry(attempts, **options)
    assert attempts.calls == 1


def test_no_retry_starts_after_the_deadline(clock: MovableClock) -> None:
    attempts, ctx = Attempts(LOST), Context(1.0, monotonic=clock)
    clock.move(0.95)
    with pytest.raises(Unavailable):
        retry(attempts, ctx)
    assert attempts.calls == 1
