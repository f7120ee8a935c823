"""The methods of Google Secret Manager, each from its request message to its answer message."""

import json
from collections.abc import Callable
from typing import Any

from google.cloud.secretmanager_v1 import types

from tests.standin.crc32c import crc32c
from tests.standin.jose import PRIVATE_MEMBERS
from tests.standin.record import Record
from tests.standin.vault import State, Vault, VaultError, Version

NAME = "google.cloud.secretmanager.v1.SecretManagerService"
_STATES: Any = types.SecretVersion.State

Method = tuple[Callable[[Any], Any], Any, Any]
"""What answers, and the classes of its request and its answer."""


class SecretService:
    """Answers from a vault; private keys that enter it are remembered as secrets."""

    def __init__(self, vault: Vault, record: Record) -> None:
        """Serve this vault."""
        self._vault = vault
        self._record = record

    def methods(self) -> dict[str, Method]:
        """Name every method there is."""
        return {
            "AccessSecretVersion": (self._access, types.AccessSecretVersionRequest, types.AccessSecretVersionResponse),
            "AddSecretVersion": (self._add, types.AddSecretVersionRequest, types.SecretVersion),
            "GetSecretVersion": (self._get, types.GetSecretVersionRequest, types.SecretVersion),
            "ListSecretVersions": (self._list, types.ListSecretVersionsRequest, types.ListSecretVersionsResponse),
            "EnableSecretVersion": (self._become("ENABLED"), types.EnableSecretVersionRequest, types.SecretVersion),
            "DisableSecretVersion": (self._become("DISABLED"), types.DisableSecretVersionRequest, types.SecretVersion),
            "DestroySecretVersion": (self._become("DESTROYED"), types.DestroySecretVersionRequest, types.SecretVersion),
            "GetSecret": (self._get_secret, types.GetSecretRequest, types.Secret),
            "CreateSecret": (self._create_secret, types.CreateSecretRequest, types.Secret),
            "UpdateSecret": (self._update_secret, types.UpdateSecretRequest, types.Secret),
        }

    def keep(self, secret: str, data: bytes) -> str:
        """Add a version, and remember the private parts of a key so that tests can look for leaks of them."""
        try:
            members = json.loads(data)
        except ValueError:
            members = None
        if isinstance(members, dict):
            self._record.keep_secrets(str(members[name]) for name in PRIVATE_MEMBERS & set(members))
        return self._vault.add(secret, data).name

    def _access(self, request: Any) -> Any:
        version = self._vault.access(request.name)
        payload = types.SecretPayload(data=version.data, data_crc32c=crc32c(version.data))
        return types.AccessSecretVersionResponse(name=version.name, payload=payload)

    def _add(self, request: Any) -> Any:
        payload = request.payload
        if "data_crc32c" in payload and payload.data_crc32c != crc32c(payload.data):
            code, details = "INVALID_ARGUMENT", "The payload does not have the checksum that came with it."
            raise VaultError(code, details)
        return _version(self._vault.version(self.keep(request.parent, payload.data)))

    def _get(self, request: Any) -> Any:
        return _version(self._vault.version(request.name))

    def _list(self, request: Any) -> Any:
        versions = [_version(version) for version in reversed(self._vault.secret(request.parent).versions)]
        return types.ListSecretVersionsResponse(versions=versions, total_size=len(versions))

    def _become(self, state: State) -> Callable[[Any], Any]:
        return lambda request: _version(self._vault.change_state(request.name, state))

    def _get_secret(self, request: Any) -> Any:
        return self._secret(request.name)

    def _create_secret(self, request: Any) -> Any:
        return self._secret(self._vault.create(f"{request.parent}/secrets/{request.secret_id}").name)

    def _update_secret(self, request: Any) -> Any:
        secret = self._vault.secret(request.secret.name)
        aliases = dict(request.secret.version_aliases)
        for number in aliases.values():
            secret.version(str(number))
        secret.aliases = aliases
        return self._secret(secret.name)

    def _secret(self, name: str) -> Any:
        secret = self._vault.secret(name)
        return types.Secret(name=secret.name, version_aliases=secret.aliases)


def _version(version: Version) -> Any:
    return types.SecretVersion(name=version.name, state=_STATES[version.state])
