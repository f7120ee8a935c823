"""The versions of the secret that Secrets Manager rotates, told apart by its staging labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from helseid_fn.context import Journal
from helseid_fn.deadline import Deadline
from helseid_fn.errors import Refused
from helseid_fn.keys.stored import StoredKey, decode_payload
from helseid_fn.secret_store.aws.arn import AwsAddress
from helseid_fn.secret_store.aws.client import AwsSecrets
from helseid_fn.secret_store.aws.reader import read_value


@dataclass(frozen=True, slots=True)
class Description:
    """Whether a secret's rotation is on, and the staging labels of each version's id."""

    rotation_enabled: bool
    labels: dict[str, list[str]]

    def holder(self, label: str) -> str | None:
        """Return the id of the version that bears a label; None when none does."""
        return next((version for version, labels in self.labels.items() if label in labels), None)


class AwsVersions:
    """The versions of one secret; safe for threads."""

    def __init__(self, address: AwsAddress) -> None:
        self._secrets = AwsSecrets(address)

    def describe(self, deadline: Deadline, journal: Journal) -> Description:
        """Ask what versions there are.

        Raises what reading a key raises, as all of these do.
        """

        def read(members: dict[str, Any]) -> Description | None:
            labels = members.get("VersionIdsToStages", {})  # left out of a secret that has no version yet
            return Description(bool(members.get("RotationEnabled")), labels) if isinstance(labels, dict) else None

        return self._secrets.ask("DescribeSecret", {}, read, deadline, journal)

    def read(self, deadline: Deadline, journal: Journal, **version: str) -> StoredKey:
        """Read the version of this `VersionId` or `VersionStage`."""
        payload, expires_at = self._secrets.ask("GetSecretValue", version, read_value, deadline, journal)
        return StoredKey(decode_payload(payload), expires_at)

    def read_pending(self, version_id: str, deadline: Deadline, journal: Journal) -> StoredKey | None:
        """Read the version of this id; None when Secrets Manager has only reserved the id."""
        try:
            return self.read(deadline, journal, VersionId=version_id, VersionStage="AWSPENDING")
        except Refused as refusal:
            if refusal.code != "secret_manager.refused.not_found":
                raise
            return None

    def put(self, version_id: str, text: str, label: str, deadline: Deadline, journal: Journal) -> None:
        """Store a version under an id, with a label; storing the same once more changes nothing."""
        members = {"ClientRequestToken": version_id, "SecretString": text, "VersionStages": [label]}
        self._secrets.ask("PutSecretValue", members, lambda answer: answer, deadline, journal)

    def move_label(
        self, label: str, deadline: Deadline, journal: Journal, *, removed_from: str | None = None, to: str | None = None
    ) -> None:
        """Take a label from the version that bears it, give it to one, or both.

        What is done already, by another run or a try whose answer was lost, Secrets Manager refuses; it is as it should be.
        """
        members = {"VersionStage": label, "RemoveFromVersionId": removed_from, "MoveToVersionId": to}
        given = {name: value for name, value in members.items() if value is not None}
        try:
            self._secrets.ask("UpdateSecretVersionStage", given, lambda answer: answer, deadline, journal)
        except Refused:
            labels = self.describe(deadline, journal).labels
            if label in labels.get(removed_from or "", []) or (to is not None and label not in labels.get(to, [])):
                raise
