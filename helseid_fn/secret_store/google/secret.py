"""One secret of Google Secret Manager: reading a version of it, and the versions that a rotation adds and retires."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from helseid_fn.context import Context
from helseid_fn.errors import Refused
from helseid_fn.http.retries import draw_jitter
from helseid_fn.keys.stored import StoredKey, decode_payload
from helseid_fn.secret_store.google.client import GoogleClient, build_payload, read_payload
from helseid_fn.secret_store.google.errors import Access, location_of


@dataclass(frozen=True, slots=True)
class SecretVersion:
    """One version of a secret: its full name, whether it can be read, and when it was made, in seconds since the epoch."""

    name: str
    is_enabled: bool
    made_at: float


class GoogleSecret:
    """A secret, `projects/P/secrets/S`, and the version of it that functions read; safe for threads."""

    def __init__(
        self,
        address: str,
        endpoint: str | None = None,
        *,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = draw_jitter,
    ) -> None:
        """Take the name of a secret, or of a version of it, `.../versions/V`; without one it is `latest`."""
        self._secret, _, version = address.partition("/versions/")
        self._version = version or "latest"
        self._client = GoogleClient(location_of(self._secret), endpoint, sleep=sleep, random=random)

    def read(self, ctx: Context, *, fresh: bool = False) -> StoredKey:
        """Read the version; there is no cache, so every read is `fresh`.

        Raises `Refused`, `Unavailable`, `InvalidResponse` or `DeadlineExceeded`, as do all of these.
        """
        del fresh
        return self.read_version(self._version, ctx)

    def read_version(self, version: str, ctx: Context) -> StoredKey:
        """Read a version by its full name, or by the last part of it, such as `latest`."""
        name = version if "/" in version else f"{self._secret}/versions/{version}"

        def access(client: Any, timeout: float) -> bytes:
            return read_payload(client.access_secret_version(name=name, retry=None, timeout=timeout))

        return StoredKey(decode_payload(self._client.request(access, name, ctx)))

    def list(self, ctx: Context) -> list[SecretVersion]:
        """List the versions that are not destroyed, the oldest first."""

        def list_all(client: Any, timeout: float) -> list[Any]:
            return list(client.list_secret_versions(parent=self._secret, retry=None, timeout=timeout))

        found = self._client.request(list_all, self._secret, ctx, access=Access.CHANGE)
        kept = [each for each in found if each.state.name in ("ENABLED", "DISABLED")]
        versions = [SecretVersion(each.name, each.state.name == "ENABLED", each.create_time.timestamp()) for each in kept]
        return sorted(versions, key=lambda version: int(version.name.rpartition("/")[2]))

    def add(self, text: str, ctx: Context) -> str:
        """Add a version and return its name; never retried, since an attempt that seemed to fail may have added it."""

        def add(client: Any, timeout: float) -> Any:
            request = {"parent": self._secret, "payload": build_payload(text.encode())}
            return client.add_secret_version(request=request, retry=None, timeout=timeout)

        return str(self._client.request(add, self._secret, ctx, access=Access.CHANGE, repeatable=False).name)

    def disable(self, version: SecretVersion, ctx: Context) -> None:
        """Disable a version; it can be enabled again by hand."""
        self._retire(lambda client: client.disable_secret_version, version, ctx)

    def destroy(self, version: SecretVersion, ctx: Context) -> None:
        """Destroy a version; its payload is gone for good."""
        self._retire(lambda client: client.destroy_secret_version, version, ctx)

    def _retire(self, choose: Callable[[Any], Any], version: SecretVersion, ctx: Context) -> None:
        """Do one of the two; a version already destroyed, by another run or a lost response, is as it should be."""

        def retire(client: Any, timeout: float) -> Any:
            return choose(client)(name=version.name, retry=None, timeout=timeout)

        try:
            self._client.request(retire, version.name, ctx, access=Access.CHANGE)
        except Refused as refusal:
            if refusal.reason != "disabled":
                raise
