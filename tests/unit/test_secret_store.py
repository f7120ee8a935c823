from __future__ import annotations

import errno
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from helseid_fn.context import Journal
from helseid_fn.deadline import Deadline
from helseid_fn.errors import DeadlineExceeded, Garbled, HelseidFnError, Party, Refused, Unreachable
from helseid_fn.keys.stored import MAX_SECRET_BYTES, decode_payload
from helseid_fn.secret_store import reader as reader_module
from helseid_fn.secret_store.file import FileReader
from helseid_fn.secret_store.google.errors import NO_CREDENTIALS, destroy_command, explain
from helseid_fn.secret_store.reader import open_reader
from tests.conftest import ROOT, MovableClock
from tests.support.parts import make_deadline


def read(path: Path, journal: Journal | None = None) -> str:
    return FileReader(str(path))(make_deadline(), journal or Journal()).text


def test_reads_the_file_s_text(tmp_path: Path) -> None:
    path = tmp_path / "key with spaces.json"
    path.write_text("hei på deg", encoding="utf-8")
    assert read(path) == "hei på deg"


def test_reads_the_file_anew_at_every_call(tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    path.write_text("old")
    reader = open_reader(f"file:{path}")
    texts = [reader(make_deadline(), Journal()).text]
    path.write_text("new")
    assert [*texts, reader(make_deadline(), Journal()).text] == ["old", "new"]


def test_a_read_is_one_request_in_the_journal(tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    path.write_text("x")
    journal = Journal()
    read(path, journal)
    assert (journal.requests[Party.SECRET_MANAGER], journal.outcomes[Party.SECRET_MANAGER]) == (1, ["ok"])


def test_a_file_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"There is no file .*missing\.json \(HELSEID_KEY\); mount the secret") as raised:
        read(tmp_path / "missing.json")
    assert raised.value.code == "secret_manager.refused.not_found"


def test_a_file_in_a_folder_that_is_a_file_is_not_found(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(Refused, match="There is no file"):
        read(tmp_path / "file" / "key.json")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="There is no file"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("fault", "kind", "code", "words"),
    [
        pytest.param(PermissionError(13, "x"), Refused, "secret_manager.refused.denied", "may not be read", id="no right to"),
        pytest.param(
            OSError(errno.EIO, "x"), Unreachable, "secret_manager.unreachable.connect", "Input/output error", id="a faulty disk"
        ),
        pytest.param(OSError("x"), Unreachable, "secret_manager.unreachable.connect", "no reason given", id="no reason"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(
    fault: OSError, kind: type[HelseidFnError], code: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object) -> None:
        raise fault

    monkeypatch.setattr(Path, "open", fail)
    with pytest.raises(kind, match=words) as raised:
        read(tmp_path / "key.json")
    assert raised.value.code == code


def test_a_read_that_failed_is_noted_in_the_journal(tmp_path: Path) -> None:
    journal = Journal()
    with pytest.raises(Refused):
        read(tmp_path / "missing.json", journal)
    assert journal.outcomes[Party.SECRET_MANAGER] == ["not_found"]


def test_no_time_left_means_no_read(tmp_path: Path, clock: MovableClock) -> None:
    deadline = Deadline(1.0, monotonic=clock)
    clock.move(1)
    with pytest.raises(DeadlineExceeded, match="The secret manager took longer"):
        FileReader(str(tmp_path / "key.json"))(deadline, Journal())


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    path.write_bytes(b"x" * (MAX_SECRET_BYTES + 1))
    with pytest.raises(Refused, match="larger than any key"):
        read(path)


@pytest.mark.parametrize("payload", [b"", b"x", "æ\U0001f511".encode(), b"x" * MAX_SECRET_BYTES], ids=len)
def test_decodes_utf_8(payload: bytes) -> None:
    assert decode_payload(payload).encode() == payload


def test_a_payload_that_is_too_large_is_refused() -> None:
    with pytest.raises(Refused, match="64 KiB") as raised:
        decode_payload(b"x" * (MAX_SECRET_BYTES + 1))
    assert raised.value.code == "secret_manager.refused.too_large"


@pytest.mark.parametrize("payload", ["{}".encode("utf-16"), b"\xff\xfe", b"\xc3", b'{"d":"\xe6"}'])
def test_a_payload_that_is_not_utf_8_is_garbled(payload: bytes) -> None:
    with pytest.raises(Garbled, match="not text in UTF-8") as raised:
        decode_payload(payload)
    assert (raised.value.code, raised.value.__context__) == ("secret_manager.garbled.encoding", None)


NAME = "projects/my-project/secrets/helseid-key/versions/7"
REGIONAL = "projects/my-project/locations/europe-north1/secrets/helseid-key/versions/latest"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("UNAVAILABLE", "secret_manager.unreachable.connect"),
        ("DEADLINE_EXCEEDED", "secret_manager.unreachable.timeout"),
        ("RESOURCE_EXHAUSTED", "secret_manager.unreachable.rate_limited"),
        ("INTERNAL", "secret_manager.unreachable.server_error"),
        ("ABORTED", "secret_manager.unreachable.server_error"),
        ("UNKNOWN", "secret_manager.unreachable.server_error"),
        ("CANCELLED", "secret_manager.unreachable.connection_lost"),
        ("NOT_FOUND", "secret_manager.refused.not_found"),
        ("PERMISSION_DENIED", "secret_manager.refused.denied"),
        ("FAILED_PRECONDITION", "secret_manager.refused.disabled"),
        ("UNAUTHENTICATED", "secret_manager.refused.unauthenticated"),
        ("INVALID_ARGUMENT", "secret_manager.refused.bad_address"),
        ("OUT_OF_RANGE", "secret_manager.refused.bad_address"),
        ("UNIMPLEMENTED", "secret_manager.refused.bad_address"),
        ("DATA_LOSS", "secret_manager.refused.bad_address"),
        ("ALREADY_EXISTS", "secret_manager.refused.bad_address"),
    ],
)
def test_every_status_of_google_s_has_a_meaning(status: str, code: str) -> None:
    assert explain(status, NAME).code == code


@pytest.mark.parametrize(
    ("status", "command"),
    [
        ("NOT_FOUND", "gcloud secrets versions add helseid-key --project=my-project{location} --data-file="),
        ("PERMISSION_DENIED", "gcloud secrets add-iam-policy-binding helseid-key --project=my-project{location} --role="),
        ("FAILED_PRECONDITION", "gcloud secrets versions list helseid-key --project=my-project{location} "),
    ],
)
@pytest.mark.parametrize(
    ("name", "location"), [(NAME, ""), (REGIONAL, " --location=europe-north1")], ids=["global", "regional"]
)
def test_a_refusal_of_google_s_names_the_command_that_cures_it(status: str, command: str, name: str, location: str) -> None:
    sentence = str(explain(status, name))
    assert (name in sentence, command.format(location=location) in sentence) == (True, True)


def test_words_of_google_s_own_do_not_turn_a_refusal_into_something_else() -> None:
    assert explain("PERMISSION_DENIED", NAME, words="Handshake failed").code == "secret_manager.refused.denied"


def test_a_proxy_that_is_in_the_way_is_told_as_such() -> None:
    words = "failed to connect to all addresses; last error: UNAVAILABLE: HTTP proxy returned response code 403"
    assert explain("UNAVAILABLE", NAME, words=words).code == "secret_manager.unreachable.proxy"


def test_missing_credentials_name_both_cures() -> None:
    assert str(explain("UNAUTHENTICATED", NAME)) == NO_CREDENTIALS


def test_an_odd_address_still_makes_a_sentence() -> None:
    assert "{" not in str(explain("NOT_FOUND", "odd"))


def run_python(program: str, *arguments: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], cwd=ROOT, capture_output=True, text=True, check=True, timeout=30
    )
    return json.loads(done.stdout)


MODULES_AFTER = """
import json, sys
before = set(sys.modules)  # a virtual environment may declare the empty package google.cloud at start
from helseid_fn.deadline import Deadline
from helseid_fn.context import Journal
from helseid_fn.secret_store.reader import open_reader
reader = open_reader(sys.argv[1])
if sys.argv[1].startswith("file:"):
    reader(Deadline(5.0), Journal())
loaded = sys.modules.keys() - before
print(json.dumps(sorted(name for name in loaded if name.partition(".")[0] in ("google", "grpc", "google_crc32c", "proto"))))
"""


def test_a_file_key_never_touches_google(tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    path.write_text("x")
    assert run_python(MODULES_AFTER, f"file:{path}") == []


def test_opening_a_google_address_touches_nothing_of_google_yet() -> None:
    assert run_python(MODULES_AFTER, NAME) == []


ARN = "arn:aws:secretsmanager:eu-north-1:123456789012:secret:helseid/key-AbCdEf"
WHICH_SDKS = """
import json, sys
from helseid_fn.deadline import Deadline
from helseid_fn.context import Journal
from helseid_fn.secret_store.reader import open_reader
reader = open_reader(sys.argv[1])
if sys.argv[1].startswith("file:"):
    reader(Deadline(5.0), Journal())
elif sys.argv[1].startswith("projects/"):
    import helseid_fn.secret_store.google.reader
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules} & {"boto3", "botocore", "s3transfer"})))
"""


@pytest.mark.parametrize("address", [NAME, ARN], ids=["Google", "AWS, not read yet"])
def test_an_address_that_is_not_read_from_aws_never_imports_boto3(address: str) -> None:
    assert run_python(WHICH_SDKS, address) == []


def test_a_file_key_never_imports_boto3(tmp_path: Path) -> None:
    (tmp_path / "key.json").write_text("x")
    assert run_python(WHICH_SDKS, f"file:{tmp_path / 'key.json'}") == []


@pytest.mark.parametrize(
    ("address", "library", "remedy"), [(ARN, "boto3", "requirements-aws.txt"), (NAME, "grpc", "projects/")]
)
def test_a_cloud_s_client_that_is_not_installed_is_told_as_such(
    address: str, library: str, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("aws.reader", "aws.client", "google.reader", "google.client"):
        monkeypatch.delitem(sys.modules, f"helseid_fn.secret_store.{module}", raising=False)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(Refused, match=f"{library} is not installed.*{remedy}") as raised:
        open_reader(address)(make_deadline(), Journal())
    assert raised.value.code == "secret_manager.refused.bad_address"


@pytest.mark.parametrize(("address", "loads"), [(ARN, "_load_aws"), (NAME, "_load_google")])
def test_a_cloud_s_client_that_takes_too_long_to_load_is_left_in_time_and_used_once_it_is_there(
    address: str, loads: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = threading.Event()

    def load(*_: object) -> Callable[..., str]:
        assert loaded.wait(30)
        return lambda *_: "the key"

    monkeypatch.setattr(reader_module, loads, load)
    reader = open_reader(address)
    with pytest.raises(DeadlineExceeded, match="The secret manager took longer"):
        reader(Deadline(0.05), Journal())
    loaded.set()
    assert reader(make_deadline(), Journal()) == "the key"


def test_a_cloud_s_client_that_is_for_another_machine_is_a_defect_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(*_: object) -> None:
        raise ImportError("wrong ELF class")

    monkeypatch.setattr(reader_module, "_load_aws", load)
    with pytest.raises(ImportError, match="wrong ELF class"):
        open_reader(ARN)(make_deadline(), Journal())


@pytest.mark.parametrize(("address", "expected"), [("file:x", True), (NAME, True), (ARN, False)])
def test_only_an_aws_address_has_a_cache_before_it(address: str, *, expected: bool) -> None:
    assert (open_reader(address).read_past_cache is None) is expected


def test_the_command_that_destroys_a_regional_version_says_where_it_is() -> None:
    where = "--project=p --location=europe-north1"
    command = destroy_command("projects/p/locations/europe-north1/secrets/s")
    assert command.startswith(f"gcloud secrets versions destroy VERSION --secret=s {where} ")
    assert f"gcloud secrets versions list s {where})" in command
