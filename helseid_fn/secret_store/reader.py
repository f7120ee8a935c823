"""From the address in HELSEID_KEY to a reader of the private key; a cloud's SDK is imported at the first read that needs it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from types import MappingProxyType

from helseid_fn.cloud_sdk import Lazy
from helseid_fn.context import Context
from helseid_fn.error_codes import Party
from helseid_fn.errors import Refused
from helseid_fn.http.retries import draw_jitter
from helseid_fn.keys.stored import KeyReader, StoredKey
from helseid_fn.secret_store.aws.arn import SecretArn, parse_secret_arn
from helseid_fn.secret_store.aws.extension import ExtensionReader
from helseid_fn.secret_store.file import FileReader

Sleep = Callable[[float], None]
Random = Callable[[], float]


def open_reader(
    address: str,
    *,
    google_endpoint: str | None = None,
    environ: Mapping[str, str] = MappingProxyType({}),
    sleep: Sleep = time.sleep,
    random: Random = draw_jitter,
) -> KeyReader:
    """Return a reader for `file:PATH`, `projects/...` or `arn:...`; nothing is imported or reached before its first read.

    `google_endpoint` is the `host:port` of another Secret Manager endpoint than Google's own. `environ` is where AWS's Lambda
    extension is configured: `AWS_SESSION_TOKEN`, looked up at every read, and `PARAMETERS_SECRETS_EXTENSION_HTTP_PORT`.
    """
    if address.startswith("file:"):
        return FileReader(address.removeprefix("file:"))
    arn = parse_secret_arn(address)
    if arn is None:
        return LazyReader(lambda: _load_google(address, google_endpoint, sleep, random))
    return ExtensionReader(arn, LazyReader(lambda: _load_aws(arn, sleep, random)), environ, sleep=sleep)


class LazyReader:
    """Loads the real reader once, at its first read."""

    def __init__(self, load: Callable[[], KeyReader]) -> None:
        self._reader = Lazy(load, _explain_missing, name="secret-store", party=Party.SECRET_MANAGER)

    def read(self, ctx: Context, *, fresh: bool = False) -> StoredKey:
        """Read the key."""
        return self._reader.get(ctx).read(ctx, fresh=fresh)


def _explain_missing(module: str) -> Refused:
    detail = (
        f"This deployment cannot read the kind of address in HELSEID_KEY, because {module} is not installed. "
        "An arn: address needs requirements/aws.txt, a projects/ address requirements.txt."
    )
    return Refused(Party.SECRET_MANAGER, "bad_address", detail)


def _load_google(address: str, endpoint: str | None, sleep: Sleep, random: Random) -> KeyReader:
    from helseid_fn.secret_store.google.secret import GoogleSecret  # noqa: PLC0415  # 0.3 s that other addresses do not need

    return GoogleSecret(address, endpoint, sleep=sleep, random=random)


def _load_aws(arn: SecretArn, sleep: Sleep, random: Random) -> KeyReader:
    from helseid_fn.secret_store.aws.secret import AwsSecret  # noqa: PLC0415  # 0.4 s that others, and the extension, do not need

    return AwsSecret(arn, sleep=sleep, random=random)
