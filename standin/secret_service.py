"""The methods of Google Secret Manager, each from its request message to its response message."""

import datetime as dt
from collections.abc import Callable
from typing import Any

from google.cloud.secretmanager_v1 import types

from standin.crc32c import crc32c
from standin.jose import PRIVATE_MEMBERS
from standin.record import Record
from standin.secret import Secret, State, Version, refuse
from standin.secret_listing import select_page
from standin.vault import Vault

NAME = "google.cloud.secretmanager.v1.SecretManagerService"
_WRITABLE = {"labels", "annotations", "version_aliases"}
_STATES: Any = types.SecretVersion.State

Method = tuple[Callable[[Any], Any], Any, Any]
"""The function that responds, and the classes of its request and its response."""


class SecretService:
    """Serves a vault, and records the private keys that are stored in it as secrets."""

    def __init__(self, vault: Vault, record: Record) -> None:
        """Serve this vault."""
        self._vault = vault
        self._record = record

    def methods(self) -> dict[str, Method]:
        """Return every method by its name."""
        return {
            "AccessSecretVersion": (self._access, types.AccessSecretVersionRequest, types.AccessSecretVersionResponse),
            "AddSecretVersion": (self._add, types.AddSecretVersionRequest, types.SecretVersion),
            "GetSecretVersion": (self._get, types.GetSecretVersionRequest, types.SecretVersion),
            "ListSecretVersions": (self._list, types.ListSecretVersionsRequest, types.ListSecretVersionsResponse),
            "EnableSecretVersion": (self._set_state("ENABLED"), types.EnableSecretVersionRequest, types.SecretVersion),
            "DisableSecretVersion": (self._set_state("DISABLED"), types.DisableSecretVersionRequest, types.SecretVersion),
            "DestroySecretVersion": (self._set_state("DESTROYED"), types.DestroySecretVersionRequest, types.SecretVersion),
            "GetSecret": (self._get_secret, types.GetSecretRequest, types.Secret),
            "CreateSecret": (self._create_secret, types.CreateSecretRequest, types.Secret),
            "UpdateSecret": (self._update_secret, types.UpdateSecretRequest, types.Secret),
        }

    def add(self, secret: str, data: bytes, *, checksum_given: bool = False) -> Version:
        """Add a version, and record the private members of its key so that tests can search for leaks."""
        version = self._vault.add(secret, data, checksum_given=checksum_given)
        members = version.jwk or {}
        self._record.keep_secrets(str(members[name]) for name in PRIVATE_MEMBERS & set(members))
        return version

    def _access(self, request: Any) -> Any:
        version = self._vault.access(request.name)
        payload = types.SecretPayload(data=version.data, data_crc32c=crc32c(version.data))
        return types.AccessSecretVersionResponse(name=version.name, payload=payload)

    def _add(self, request: Any) -> Any:
        payload = request.payload
        checksum_given = "data_crc32c" in payload
        if checksum_given and payload.data_crc32c != crc32c(payload.data):
            refuse("INVALID_ARGUMENT", "The payload does not match its checksum.")
        return _version(self.add(request.parent, payload.data, checksum_given=checksum_given))

    def _get(self, request: Any) -> Any:
        return _version(self._vault.version(request.name))

    def _list(self, request: Any) -> Any:
        page = select_page(self._vault.secret(request.parent).versions, request)
        return types.ListSecretVersionsResponse(
            versions=[_version(version) for version in page.versions],
            next_page_token=page.next_token,
            total_size=page.total_size,
        )

    def _set_state(self, state: State) -> Callable[[Any], Any]:
        return lambda request: _version(self._vault.change_state(request.name, state, request.etag))

    def _get_secret(self, request: Any) -> Any:
        return _secret(self._vault.secret(request.name))

    def _create_secret(self, request: Any) -> Any:
        name = f"{request.parent}/secrets/{request.secret_id}"
        return _secret(self._vault.create(name, _read_members(request.secret, {"labels", "annotations"})))

    def _update_secret(self, request: Any) -> Any:
        fields = set(request.update_mask.paths)
        if not fields or not fields <= _WRITABLE:
            refuse("INVALID_ARGUMENT", f"The update_mask must name one or more of {', '.join(sorted(_WRITABLE))}.")
        secret = request.secret
        return _secret(self._vault.change(secret.name, _read_members(secret, fields), secret.etag))


def _read_members(secret: Any, names: set[str]) -> dict[str, dict[str, Any]]:
    return {name: dict(getattr(secret, name)) for name in names}


def _secret(secret: Secret) -> Any:
    return types.Secret(
        name=secret.name,
        replication={"automatic": {}},
        create_time=_time(secret.created_at),
        version_aliases=secret.version_aliases,
        labels=secret.labels,
        annotations=secret.annotations,
        etag=secret.etag,
    )


def _version(version: Version) -> Any:
    return types.SecretVersion(
        name=version.name,
        state=_STATES[version.state],
        create_time=_time(version.created_at),
        destroy_time=None if version.destroyed_at is None else _time(version.destroyed_at),
        replication_status={"automatic": {}},
        etag=version.etag,
        client_specified_payload_checksum=version.checksum_given,
    )


def _time(seconds: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)
