"""The addresses of results and of the cursor, as RESULT_TO and CURSOR_IN have them; pure.

A parser raises `ValueError` with words that follow the setting's name in a sentence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, NamedTuple

from helseid_fn.oauth.organization import Organization

_BUCKET = re.compile(r"(gs|s3)://([a-z0-9][a-z0-9._-]{1,220}[a-z0-9])(?:/(.*))?")
_PREFIX = re.compile(r"[A-Za-z0-9!_.*'()=@+,-]+(/[A-Za-z0-9!_.*'()=@+,-]+)*")
_TOPIC = re.compile(r"projects/[a-z0-9:.-]+/topics/[A-Za-z][A-Za-z0-9._~+%-]{2,254}")
_QUEUE = re.compile(r"arn:(aws[a-z-]*):sqs:([a-z0-9-]+):([0-9]{12}):([A-Za-z0-9_-]{1,80}(?:\.fifo)?)")

CURSOR_NAME = "cursor.json"
"""The name of the cursor beside the results, which no result may have."""

_STEM, _EXTENSION = CURSOR_NAME.split(".")
_OF_CURSOR = re.compile(rf"\.?{_STEM}(-[^/]*)?\.{_EXTENSION}(?![^./])", re.IGNORECASE)
"""A cursor of whichever organization; in any case, since some disks ignore it."""


def is_cursor_name(name: str) -> bool:
    """Return whether a name below the results' prefix is kept for a cursor, a folder in its place, or the lock of one."""
    return _OF_CURSOR.match(name) is not None


class Bucket(NamedTuple):
    """The objects below a prefix, which is empty or ends with a slash, of a bucket in Cloud Storage or S3."""

    scheme: Literal["gs", "s3"]
    name: str
    prefix: str = ""

    def __str__(self) -> str:
        return f"{self.scheme}://{self.name}/{self.prefix}"


class Topic(NamedTuple):
    """A topic of Pub/Sub, by its full name."""

    name: str

    def __str__(self) -> str:
        return self.name


class Queue(NamedTuple):
    """A queue of SQS."""

    arn: str
    region: str
    account: str
    name: str

    @property
    def is_fifo(self) -> bool:
        """Whether the queue keeps the order, and removes what it got twice."""
        return self.name.endswith(".fifo")

    def __str__(self) -> str:
        return self.arn


class Folder(NamedTuple):
    """A folder of this machine; its path is empty or ends with a slash."""

    path: str

    def __str__(self) -> str:
        return f"file:{self.path}"


@dataclass(frozen=True, slots=True)
class Log:
    """The log itself."""

    def __str__(self) -> str:
        return "log"


class CursorAddress(NamedTuple):
    """One object of a bucket, or one file in a folder, for each organization."""

    place: Bucket | Folder
    name: str

    def __str__(self) -> str:
        return f"{self.place}{self.name}"

    def is_among(self, results: ResultAddress | None) -> bool:
        """Return whether a result might get the same address: it is below theirs, and not under a name that none may have."""
        if not isinstance(results, Bucket | Folder) or not str(self).startswith(str(results)):
            return False
        return not is_cursor_name(str(self).removeprefix(str(results)))

    def for_organization(self, organization: Organization) -> CursorAddress:
        """Return where another organization's cursor is kept: the same name with its numbers and its journal, before a dot."""
        parts = (organization.parent, organization.child, organization.sfm_journal_id)
        numbers = "".join(f"-{each}" for each in parts if each)
        stem, dot, extension = self.name.rpartition(".")
        return self._replace(name=f"{stem}{numbers}{dot}{extension}" if stem else f"{self.name}{numbers}")


ResultAddress = Bucket | Topic | Queue | Folder | Log


def parse_result_address(text: str) -> ResultAddress:
    """Parse the address of results."""
    if text == "log":
        return Log()
    if text.startswith("file:"):
        return Folder(f"{_path(text).rstrip('/')}/")
    if _TOPIC.fullmatch(text):
        return Topic(text)
    if queue := _QUEUE.fullmatch(text):
        return Queue(text, queue[2], queue[3], queue[4])
    if not text.startswith(("gs://", "s3://")):
        forms = "log, gs://BUCKET/PREFIX, s3://BUCKET/PREFIX, projects/P/topics/T, an SQS queue's ARN and file:FOLDER"
        raise ValueError(f"is none of {forms}")
    bucket, path = _bucket(text)
    return Bucket(bucket.scheme, bucket.name, f"{path.rstrip('/')}/" if path.rstrip("/") else "")


def parse_cursor_address(text: str) -> CursorAddress:
    """Parse the address of the cursor."""
    if text.startswith("file:"):
        folder, slash, name = _path(text).rpartition("/")
        if not name:
            raise ValueError("names a folder; add the name of a file in it")
        return CursorAddress(Folder(f"{folder}{slash}"), name)
    if not text.startswith(("gs://", "s3://")):
        raise ValueError("is none of gs://BUCKET/OBJECT, s3://BUCKET/KEY and file:PATH")
    bucket, path = _bucket(text)
    if not path or path.endswith("/"):
        raise ValueError("names no object in the bucket; add one, such as cursor.json")
    folder, slash, name = path.rpartition("/")
    return CursorAddress(bucket._replace(prefix=f"{folder}{slash}"), name)


def place_cursor(results: ResultAddress | None) -> CursorAddress | None:
    """Return the cursor's address beside the results, or None if they go where none can be kept."""
    return CursorAddress(results, CURSOR_NAME) if isinstance(results, Bucket | Folder) else None


def _bucket(text: str) -> tuple[Bucket, str]:
    """Parse a bucket and what follows it."""
    parts = _BUCKET.fullmatch(text)
    if parts is None:
        raise ValueError(
            "has no bucket name after //; it is 3 or more lower-case letters, digits, dots, hyphens and underscores"
        )
    path = parts[3] or ""
    if path and {"", ".", ".."} & set(path.rstrip("/").split("/")):
        raise ValueError("has an empty, . or .. segment, which a bucket does not resolve; remove it")
    if path.rstrip("/") and not _PREFIX.fullmatch(path.rstrip("/")):
        raise ValueError("has a character after the bucket that is not a letter, a digit or one of !_.*'()=@+,-")
    return Bucket("gs" if parts[1] == "gs" else "s3", parts[2]), path


def _path(text: str) -> str:
    path = text.removeprefix("file:")
    if not path or "\0" in path:
        raise ValueError("has no path after file:")
    if path.startswith(("~", "$")):
        raise ValueError(f"has a path that begins with {path[0]}, which is not expanded; write the whole path")
    return path
