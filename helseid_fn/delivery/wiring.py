"""From an address to what stores there; a cloud's SDK is imported at the first use that needs it, and kept."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Generic, TypeVar

from helseid_fn.cloud_sdk import load_within_deadline
from helseid_fn.concurrency import SingleFlight
from helseid_fn.context import Context
from helseid_fn.delivery.address import Bucket, CursorAddress, Folder, Log, Queue, ResultAddress, Topic
from helseid_fn.delivery.cursor import CursorStore, Stored
from helseid_fn.delivery.log import LogDestination
from helseid_fn.delivery.result import Destination, Receipt, Result
from helseid_fn.error_codes import Party
from helseid_fn.errors import Refused

Sleep = Callable[[float], None]
Random = Callable[[], float]

_Loaded = TypeVar("_Loaded")


def open_destination(
    address: ResultAddress,
    *,
    sleep: Sleep = time.sleep,
    random: Random = random.random,
    environ: Mapping[str, str] = MappingProxyType({}),
) -> Destination:
    """Return what stores results at an address; nothing is imported or reached before its first use.

    Of the environment, only the addresses of Google's emulators are read.
    """
    if isinstance(address, Log):
        return LogDestination()
    return _LazyDestination(lambda: _load_destination(address, sleep, random, environ))


def open_cursor_store(
    address: CursorAddress,
    *,
    sleep: Sleep = time.sleep,
    random: Random = random.random,
    environ: Mapping[str, str] = MappingProxyType({}),
) -> CursorStore:
    """Return what keeps the cursor at an address; nothing is imported or reached before its first use.

    Of the environment, only the address of Google's emulator is read.
    """
    return _LazyCursor(lambda: _load_cursor(address, sleep, random, environ))


class _Lazy(Generic[_Loaded]):
    """Loads the real part once, at its first use."""

    def __init__(self, load: Callable[[], _Loaded]) -> None:
        self._load = load
        self._loaded: SingleFlight[_Loaded] = SingleFlight()

    def get(self, ctx: Context) -> _Loaded:
        def load() -> _Loaded:
            return load_within_deadline(self._import, ctx, name="delivery", party=Party.DELIVERY)

        return self._loaded.get(lambda _: True, load, ctx, Party.DELIVERY)

    def _import(self) -> _Loaded | Refused | ImportError:
        try:
            return self._load()
        except ModuleNotFoundError as error:
            detail = (
                f"This deployment cannot deliver to the kind of address in RESULT_TO or CURSOR_IN, because {error.name} is not "
                "installed. Install helseid-fn[google] for Google Cloud, helseid-fn[aws] for AWS."
            )
            return Refused(Party.DELIVERY, "not_set_up", detail)
        except ImportError as error:
            return error


class _LazyDestination(_Lazy[Destination]):
    def deliver(self, result: Result, ctx: Context) -> Receipt:
        return self.get(ctx).deliver(result, ctx)


class _LazyCursor(_Lazy[CursorStore]):
    def read(self, ctx: Context) -> Stored | None:
        return self.get(ctx).read(ctx)

    def write(self, text: bytes, version: str | None, ctx: Context) -> str | None:
        return self.get(ctx).write(text, version, ctx)


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


def _load_cursor(address: CursorAddress, sleep: Sleep, random: Random, environ: Mapping[str, str]) -> CursorStore:
    match address.place:
        case Folder():
            from helseid_fn.delivery.file_cursor import FileCursor  # noqa: PLC0415  # locks as POSIX has them

            return FileCursor(address, address.place)
        case Bucket(scheme="gs"):
            from helseid_fn.delivery.google.cursor import GoogleCursor  # noqa: PLC0415

            return GoogleCursor(address, address.place, sleep=sleep, random=random, environ=environ)
        case Bucket():
            from helseid_fn.delivery.aws.cursor import AwsCursor  # noqa: PLC0415

            return AwsCursor(address, address.place, sleep=sleep, random=random)
