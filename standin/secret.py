"""A secret of Google Secret Manager: its versions and their states, its labels, annotations and aliases."""

import json
import re
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal, NoReturn

_LABEL_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_LABEL_VALUE = re.compile(r"[a-z0-9_-]{0,63}")
_MAX_ANNOTATIONS_BYTES = 16384
_etags = count(1)

State = Literal["ENABLED", "DISABLED", "DESTROYED"]


class VaultError(Exception):
    """A refusal with the gRPC status that Secret Manager uses for it."""

    def __init__(self, code: str, details: str) -> None:
        """Keep the name of the status and its details."""
        super().__init__(details)
        self.code = code
        self.details = details


def refuse(code: str, details: str) -> NoReturn:
    """Raise `VaultError`."""
    raise VaultError(code, details)


def make_etag() -> str:
    """Return a new unique etag, including its quotation marks (AIP-154)."""
    return f'"{next(_etags):x}"'


@dataclass
class Version:
    """One version of a secret; its times are seconds since 1970."""

    name: str
    data: bytes
    created_at: float
    checksum_given: bool = False
    state: State = "ENABLED"
    destroyed_at: float | None = None
    etag: str = field(default_factory=make_etag)

    @property
    def jwk(self) -> dict[str, Any] | None:
        """The JWK that the version contains; None if the data is not a JSON object."""
        try:
            members = json.loads(self.data)
        except ValueError:
            return None
        return members if isinstance(members, dict) else None


@dataclass
class Secret:
    """A secret; its versions are numbered from one, and aliases name some of them."""

    name: str
    created_at: float
    versions: list[Version] = field(default_factory=list)
    version_aliases: dict[str, int] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    etag: str = field(default_factory=make_etag)

    def version(self, which: str) -> Version:
        """Return a version by number, alias or `latest`, which is the newest even when it is disabled."""
        number = len(self.versions) if which == "latest" else self.version_aliases.get(which, 0)
        if which.isascii() and which.isdigit():
            number = int(which)
        if not 1 <= number <= len(self.versions):
            refuse("NOT_FOUND", f"Secret Version [{self.name}/versions/{which}] not found.")
        return self.versions[number - 1]

    def change(self, members: dict[str, dict[str, Any]], etag: str = "") -> None:
        """Replace the aliases, labels or annotations that are given, and leave the others."""
        require_etag(etag, self.etag)
        for number in members.get("version_aliases", {}).values():
            self.version(str(number))
        for name, value in members.get("labels", {}).items():
            if not (_LABEL_NAME.fullmatch(name) and _LABEL_VALUE.fullmatch(value)):
                refuse("INVALID_ARGUMENT", f"[{name}={value}] is not a label: lower-case letters, digits, _ and - only.")
        if len(json.dumps(members.get("annotations", {}))) > _MAX_ANNOTATIONS_BYTES:
            refuse("INVALID_ARGUMENT", "The annotations are larger than 16384 bytes.")
        self.version_aliases = members.get("version_aliases", self.version_aliases)
        self.labels = members.get("labels", self.labels)
        self.annotations = members.get("annotations", self.annotations)
        self.etag = make_etag()


def require_etag(given: str, current: str) -> None:
    """Refuse a change of an older state; without an etag no change is refused."""
    if given and given != current:
        refuse("FAILED_PRECONDITION", "The etag provided does not match the current etag of the resource.")
