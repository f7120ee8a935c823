"""The versions of the two secrets that a rotation on Google Cloud moves keys between.

Functions read `versions/latest` of the one; the pending key waits in the other, which they cannot read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from helseid_fn.context import Journal
from helseid_fn.deadline import Deadline
from helseid_fn.errors import Refused
from helseid_fn.keys.stored import StoredKey, decode_payload
from helseid_fn.rotation.retention import Version
from helseid_fn.secret_store.google.client import GoogleSecrets, build_payload, read_payload
from helseid_fn.secret_store.google.errors import Access, location_of


class GoogleVersions:
    """The versions of one secret, `projects/P/secrets/S`; safe for threads."""

    def __init__(self, secret: str, endpoint: str | None = None) -> None:
        self._secret = secret
        self._secrets = GoogleSecrets(location_of(secret), endpoint)

    def read(self, version: str, deadline: Deadline, journal: Journal) -> StoredKey:
        """Read a version by its full name, or by a last part such as `latest`.

        Raises what reading a key raises.
        """
        name = version if "/" in version else f"{self._secret}/versions/{version}"
        payload = self._secrets.ask(
            lambda client, timeout: read_payload(client.access_secret_version(name=name, retry=None, timeout=timeout)),
            name,
            deadline,
            journal,
        )
        return StoredKey(decode_payload(payload))

    def list(self, deadline: Deadline, journal: Journal) -> list[Version]:
        """List the versions that are not destroyed, the oldest first."""

        def ask(client: Any, timeout: float) -> list[Any]:
            return list(client.list_secret_versions(parent=self._secret, retry=None, timeout=timeout))

        found = self._secrets.ask(ask, self._secret, deadline, journal, access=Access.CHANGE)
        kept = [each for each in found if each.state.name in ("ENABLED", "DISABLED")]
        versions = [Version(each.name, each.state.name == "ENABLED", each.create_time.timestamp()) for each in kept]
        return sorted(versions, key=lambda version: int(version.name.rpartition("/")[2]))

    def add(self, text: str, deadline: Deadline, journal: Journal) -> str:
        """Add a version and return its name; not tried twice, since a try that seemed to fail may have added it."""

        def ask(client: Any, timeout: float) -> Any:
            request = {"parent": self._secret, "payload": build_payload(text.encode())}
            return client.add_secret_version(request=request, retry=None, timeout=timeout)

        added = self._secrets.ask(ask, self._secret, deadline, journal, access=Access.CHANGE, repeatable=False)
        return str(added.name)

    def disable(self, version: Version, deadline: Deadline, journal: Journal) -> None:
        """Disable a version: it can be enabled again, by hand."""
        self._retire(lambda client: client.disable_secret_version, version, deadline, journal)

    def destroy(self, version: Version, deadline: Deadline, journal: Journal) -> None:
        """Destroy a version: its payload is gone for good."""
        self._retire(lambda client: client.destroy_secret_version, version, deadline, journal)

    def _retire(self, choose: Callable[[Any], Any], version: Version, deadline: Deadline, journal: Journal) -> None:
        """Do one of the two; a version that is destroyed already, by another run or a lost answer, is as it should be."""

        def ask(client: Any, timeout: float) -> Any:
            return choose(client)(name=version.name, retry=None, timeout=timeout)

        try:
            self._secrets.ask(ask, version.name, deadline, journal, access=Access.CHANGE)
        except Refused as refusal:
            if refusal.code != "secret_manager.refused.disabled":
                raise
