"""From an address to the private key as it is stored. Each cloud's SDK is imported only when an address of its kind is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from helseid_fn.concurrency import finish_in_time
from helseid_fn.context import Journal
from helseid_fn.deadline import Deadline
from helseid_fn.errors import DeadlineExceeded, Party, Refused
from helseid_fn.keys.stored import StoredKey
from helseid_fn.secret_store.aws.arn import AwsAddress, parse_aws_address
from helseid_fn.secret_store.aws.extension import ExtensionFirst
from helseid_fn.secret_store.file import FileReader
from helseid_fn.single_flight import Held

Read = Callable[[Deadline, Journal], StoredKey]


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads a secret anew at every call."""

    read: Read
    read_past_cache: Callable[[Deadline, Journal], StoredKey | None] | None = None
    """For a store with a cache before it: reads past it; None when the last one did not come from it."""

    def __call__(self, deadline: Deadline, journal: Journal) -> StoredKey:
        """Read the key."""
        return self.read(deadline, journal)


def open_reader(
    address: str, *, google_endpoint: str | None = None, environ: Mapping[str, str] = MappingProxyType({})
) -> Reader:
    """Return a reader for `file:PATH`, `projects/...` or `arn:...`; nothing is imported or reached before its first call.

    `google_endpoint` is the `host:port` of another Secret Manager endpoint than Google's own. `environ` is where AWS's Lambda
    extension is told of: `AWS_SESSION_TOKEN`, looked up at every read, and `PARAMETERS_SECRETS_EXTENSION_HTTP_PORT`.
    """
    if address.startswith("file:"):
        return Reader(FileReader(address.removeprefix("file:")))
    aws_address = parse_aws_address(address)
    if aws_address is None:
        return Reader(_on_first_read(lambda: _load_google(address, google_endpoint)))
    extension = ExtensionFirst(aws_address, _on_first_read(lambda: _load_aws(aws_address)), environ)
    return Reader(extension, extension.read_past_cache)


def _load_google(name: str, endpoint: str | None) -> Read:
    from helseid_fn.secret_store.google.reader import GoogleReader  # noqa: PLC0415  # 0.3 s that other addresses need not pay

    return GoogleReader(name, endpoint)


def _load_aws(address: AwsAddress) -> Read:
    from helseid_fn.secret_store.aws.reader import AwsReader  # noqa: PLC0415  # 0.4 s that others, and the extension, need not pay

    return AwsReader(address)


def _on_first_read(load: Callable[[], Read]) -> Read:
    """Return a reader that loads the real one, once, when it is first called."""
    held: Held[Read] = Held()

    def read(deadline: Deadline, journal: Journal) -> StoredKey:
        loaded = held.get(lambda _: True, lambda: _load_in_time(load, deadline), deadline, Party.SECRET_MANAGER)
        return loaded(deadline, journal)

    return read


def _load_in_time(load: Callable[[], Read], deadline: Deadline) -> Read:
    """Load in a thread of its own: with the share of a processor that a small instance has, an SDK can take seconds."""
    try:
        outcome = finish_in_time(lambda: _load(load), deadline.check(Party.SECRET_MANAGER), name="secret-store")
    except TimeoutError:
        raise DeadlineExceeded(Party.SECRET_MANAGER, deadline.total_seconds) from None
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def _load(load: Callable[[], Read]) -> Read | ImportError | Refused:
    try:
        return load()
    except ModuleNotFoundError as error:
        detail = (
            f"This deployment cannot read the kind of address that HELSEID_KEY is, since {error.name} is not installed; "
            "an arn: address needs requirements-aws.txt, a projects/ one requirements.txt."
        )
        return Refused(Party.SECRET_MANAGER, "bad_address", detail)
    except ImportError as error:
        return error
