"""From an address to what stores there, without loading a cloud's SDK before its first use."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from helseid_fn.context import Context
from helseid_fn.delivery.address import parse_cursor_address
from helseid_fn.delivery.wiring import open_cursor_stores
from tests.conftest import ROOT

LOADED = """
import sys
from helseid_fn.delivery.address import parse_cursor_address, parse_result_address
from helseid_fn.delivery.wiring import open_cursor_stores, open_destination
for text in ("log", "file:x", "s3://bucket", "gs://bucket", "projects/p/topics/top", "arn:aws:sqs:eu-north-1:123456789012:q"):
    open_destination(parse_result_address(text))
for text in ("file:x/y", "s3://bucket/y", "gs://bucket/y"):
    open_cursor_stores(parse_cursor_address(text).place)
sdks = ("boto3", "botocore", "google.auth", "google.cloud.storage", "google.cloud.pubsub_v1", "grpc")
print([name for name in sdks if name in sys.modules])
"""

WITHOUT_BOTO3 = """
import sys
sys.modules["boto3"] = None
from helseid_fn.context import Context
from helseid_fn.delivery.address import parse_result_address
from helseid_fn.delivery.wiring import open_destination
from helseid_fn.errors import Refused
from tests.support.results import make_result
try:
    open_destination(parse_result_address(sys.argv[1])).deliver(make_result(), Context(25))
except Refused as refusal:
    print(refusal.code, refusal)
"""


def test_opening_a_place_loads_no_sdk() -> None:
    run = subprocess.run([sys.executable, "-c", LOADED], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize("address", ["s3://bucket/p", "arn:aws:sqs:eu-north-1:123456789012:q"])
def test_a_deployment_without_boto3_says_what_to_install(address: str) -> None:
    run = subprocess.run([sys.executable, "-c", WITHOUT_BOTO3, address], cwd=ROOT, capture_output=True, text=True, check=True)
    code, _, sentence = run.stdout.partition(" ")
    assert code == "delivery.refused.not_set_up"
    assert re.search(r"boto3 is not installed.*helseid-fn\[aws\]", sentence)


def test_a_cursor_is_read_through_its_address(tmp_path: Path) -> None:
    store = open_cursor_stores(parse_cursor_address(f"file:{tmp_path}/cursor.json").place)("cursor.json")
    version = store.write(b"1", None, Context(25))
    stored = store.read(Context(25))
    assert stored is not None
    assert (stored.text, stored.version) == (b"1", version)
