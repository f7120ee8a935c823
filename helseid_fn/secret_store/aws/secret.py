"""One secret of AWS Secrets Manager: reading it, and the versions that a rotation stores and labels."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from helseid_fn.aws_sdk.client import AwsClient, Operation
from helseid_fn.aws_sdk.session import Service
from helseid_fn.context import Context
from helseid_fn.error_codes import Party
from helseid_fn.errors import HelseidFnError, Refused
from helseid_fn.http.retries import draw_jitter
from helseid_fn.keys.stored import StoredKey, decode_payload
from helseid_fn.secret_store.aws.arn import SecretArn
from helseid_fn.secret_store.aws.errors import explain
from helseid_fn.secret_store.aws.labels import read_created, read_expiry

_SERVICE = Service("secretsmanager", Party.SECRET_MANAGER, misfit="bad_address")

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Description:
    """Whether a secret's rotation is on, and the staging labels of each version's id."""

    rotation_enabled: bool
    labels: dict[str, list[str]]

    def holder(self, label: str) -> str | None:
        """Return the id of the version that has a label; None when no version has it."""
        return next((version for version, labels in self.labels.items() if label in labels), None)


class AwsSecret:
    """A secret and the version of it that functions read; safe for threads."""

    def __init__(
        self,
        arn: SecretArn,
        *,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = draw_jitter,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._arn = arn
        self._version = {name[0].upper() + name[1:]: value for name, value in arn.version.items()}
        self._client = AwsClient(_SERVICE, arn.region, sleep=sleep, random=random, now=now)

    def read(self, ctx: Context, *, fresh: bool = False) -> StoredKey:
        """Read the version that the address names; there is no cache, so every read is `fresh`.

        Raises `Refused`, `Unavailable`, `InvalidResponse` or `DeadlineExceeded`, as do all of these.
        """
        del fresh
        return self.read_version(ctx, **self._version)

    def read_version(self, ctx: Context, **version: str) -> StoredKey:
        """Read the version with this `VersionId` or `VersionStage`."""
        payload, expires_at, stored_at = self._request("GetSecretValue", version, _read_value, ctx)
        return StoredKey(decode_payload(payload), expires_at, stored_at)

    def read_pending(self, version_id: str, ctx: Context) -> StoredKey | None:
        """Read the version of this id; None when Secrets Manager has only reserved the id."""
        try:
            return self.read_version(ctx, VersionId=version_id, VersionStage="AWSPENDING")
        except Refused as refusal:
            if refusal.reason != "not_found":
                raise
            return None

    def describe(self, ctx: Context) -> Description:
        """Fetch which versions there are."""

        def read(members: dict[str, Any]) -> Description | None:
            labels = members.get("VersionIdsToStages", {})  # absent from a secret that has no version yet
            return Description(bool(members.get("RotationEnabled")), labels) if isinstance(labels, dict) else None

        return self._request("DescribeSecret", {}, read, ctx)

    def put(self, version_id: str, text: str, label: str, ctx: Context) -> None:
        """Store a version under an id, with a label; storing the same again changes nothing."""
        members = {"ClientRequestToken": version_id, "SecretString": text, "VersionStages": [label]}
        self._request("PutSecretValue", members, lambda response: response, ctx)

    def move_label(self, label: str, ctx: Context, *, removed_from: str | None = None, to: str | None = None) -> None:
        """Remove a label from the version that has it, give it to another, or both.

        Secrets Manager refuses what another run, or an attempt whose response was lost, has done already; that is no failure.
        """
        members = {"VersionStage": label, "RemoveFromVersionId": removed_from, "MoveToVersionId": to}
        given = {name: value for name, value in members.items() if value is not None}
        try:
            self._request("UpdateSecretVersionStage", given, lambda response: response, ctx)
        except Refused:
            labels = self.describe(ctx).labels
            if label in labels.get(removed_from or "", []) or (to is not None and label not in labels.get(to, [])):
                raise

    def _request(
        self, name: str, members: Mapping[str, Any], read: Callable[[dict[str, Any]], Result | None], ctx: Context
    ) -> Result:
        """Do one operation on the secret, which bears repetition: versions have our ids, and labels go to a named version."""

        def explain_refusal(code: str, status: int, message: str) -> HelseidFnError:
            return explain(code, status, message, self._arn, name)

        operation = Operation(name, lambda _: {"SecretId": self._arn.arn, **members}, read, explain_refusal)
        return self._client.request(operation, ctx)


def _read_value(members: Mapping[str, Any]) -> tuple[bytes, int | None, int | None] | None:
    """Return the response's `SecretString` or `SecretBinary`, the expiry in a label and when it was stored.

    None when it has neither of the two.
    """
    text, payload = members.get("SecretString"), members.get("SecretBinary")
    if isinstance(text, str):
        payload = text.encode("utf-8", "surrogatepass")
    if not isinstance(payload, bytes):
        return None
    return payload, read_expiry(members.get("VersionStages")), read_created(members.get("CreatedDate"))
