"""From an address to what stores there; a cloud's SDK is imported at the first use that needs it, and kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import TypeVar

from helseid_fn.cloud_sdk import Lazy
from helseid_fn.context import Context
from helseid_fn.delivery.address import Bucket, Folder, Log, Queue, ResultAddress, Topic
from helseid_fn.delivery.cursor import CursorStore, Stored
from helseid_fn.delivery.log import LogDestination
from helseid_fn.delivery.result import Destination, Receipt, Result
from helseid_fn.error_codes import Party
from helseid_fn.errors import Refused
from helseid_fn.http.retries import draw_jitter

Sleep = Callable[[float], None]
Random = Callable[[], float]

OpenCursorStore = Callable[[str], CursorStore]

_Loaded = TypeVar("_Loaded")


def open_destination(
    address: ResultAddress,
    *,
    sleep: Sleep = time.sleep,
    random: Random = draw_jitter,
    environ: Mapping[str, str] = MappingProxyType({}),
) -> Destination:
    """Return what stores results at an address; nothing is imported or reached before its first use.

    Of the environment, only the addresses of Google's emulators are read.
    """
    if isinstance(address, Log):
        return LogDestination()
    return _LazyDestination(_make_lazy(lambda: _load_destination(address, sleep, random, environ)))


def open_cursor_stores(
    place: Bucket | Folder,
    *,
    sleep: Sleep = time.sleep,
    random: Random = draw_jitter,
    environ: Mapping[str, str] = MappingProxyType({}),
) -> OpenCursorStore:
    """Return what opens the cursor of each name there; nothing is imported or reached before the first use of one.

    They share a client. Of the environment, only the address of Google's emulator is read.
    """
    opener = _make_lazy(lambda: _load_cursor_stores(place, sleep, random, environ))
    return lambda name: _LazyCursor(opener, name)


class _LazyDestination:
    def __init__(self, destination: Lazy[Destination]) -> None:
        self._destination = destination

    def deliver(self, result: Result, ctx: Context) -> Receipt:
        return self._destination.get(ctx).deliver(result, ctx)


class _LazyCursor:
    def __init__(self, opener: Lazy[OpenCursorStore], name: str) -> None:
        self._opener = opener
        self._name = name

    def read(self, ctx: Context) -> Stored | None:
        return self._opener.get(ctx)(self._name).read(ctx)

    def write(self, text: bytes, version: str | None, ctx: Context) -> str | None:
        return self._opener.get(ctx)(self._name).write(text, version, ctx)


def _make_lazy(load: Callable[[], _Loaded]) -> Lazy[_Loaded]:
    return Lazy(load, _explain_missing, name="delivery", party=Party.DELIVERY)


def _explain_missing(module: str) -> Refused:
    detail = (
        f"This deployment cannot deliver to the kind of address in RESULT_TO or CURSOR_IN, because {module} is not "
        "installed. Install helseid-fn[google] for Google Cloud, helseid-fn[aws] for AWS."
    )
    return Refused(Party.DELIVERY, "not_set_up", detail)


def _load_destination(
    address: Bucket | Topic | Queue | Folder, sleep: Sleep, random: Random, environ: Mapping[str, str]
) -> Destination:
    # Each is imported when it is used: Cloud Storage's client takes 0.5 s, Pub/Sub's 0.6 s, boto3 0.4 s.
    match address:
        case Folder():
            from helseid_fn.delivery.file import FileDestination  # noqa: PLC0415

            return FileDestination(address)
        case Topic():
            from helseid_fn.delivery.google.pubsub import GoogleTopic  # noqa: PLC0415

            return GoogleTopic(address, sleep=sleep, random=random, environ=environ)
        case Queue():
            from helseid_fn.delivery.aws.sqs import AwsQueue  # noqa: PLC0415

            return AwsQueue(address, sleep=sleep, random=random)
        case Bucket(scheme="gs"):
            from helseid_fn.delivery.google.storage import GoogleBucket  # noqa: PLC0415

            return GoogleBucket(address, sleep=sleep, random=random, environ=environ)
        case Bucket():
            from helseid_fn.delivery.aws.s3 import AwsBucket  # noqa: PLC0415

            return AwsBucket(address, sleep=sleep, random=random)


def _load_cursor_stores(place: Bucket | Folder, sleep: Sleep, random: Random, environ: Mapping[str, str]) -> OpenCursorStore:
    match place:
        case Folder():
            from helseid_fn.delivery.file_cursor import FileCursor  # noqa: PLC0415  # locks as POSIX has them

            return partial(FileCursor, place)
        case Bucket(scheme="gs"):
            from helseid_fn.delivery.google.cursor import GoogleCursor  # noqa: PLC0415
            from helseid_fn.delivery.google.storage_sdk import open_storage  # noqa: PLC0415

            storage = open_storage(place, environ, sleep=sleep, random=random)
            return partial(GoogleCursor, place, storage=storage, sleep=sleep)
        case Bucket():
            from helseid_fn.aws_sdk.client import AwsClient  # noqa: PLC0415
            from helseid_fn.delivery.aws.cursor import AwsCursor  # noqa: PLC0415
            from helseid_fn.delivery.aws.s3 import S3  # noqa: PLC0415

            return partial(AwsCursor, place, client=AwsClient(S3, None, sleep=sleep, random=random))
