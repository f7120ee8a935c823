"""The rotation on AWS: Secrets Manager's own protocol, one step an invocation, any of which it may repeat.

It reserves a version for the new key, labels it AWSPENDING, and invokes the function with createSecret, setSecret, testSecret
and finishSecret. A key that is not due yet is carried over into the new version, and nothing is registered.

Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from helseid_fn.context import Journal
from helseid_fn.deadline import Deadline
from helseid_fn.errors import Refused, RotationError
from helseid_fn.keys.expiry import build_label, is_label, log_fields
from helseid_fn.keys.generate import with_expiry
from helseid_fn.keys.signing_key import SigningKey, parse_signing_key
from helseid_fn.keys.stored import StoredKey
from helseid_fn.rotation.steps import Rotation
from helseid_fn.secret_store.aws.arn import AwsAddress

if TYPE_CHECKING:
    from helseid_fn.secret_store.aws.secret import AwsVersions, Description

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")


@dataclass(frozen=True, slots=True)
class RotationStep:
    """What Secrets Manager asks for: a step, for the version that it has reserved."""

    name: str
    version_id: str


def parse_rotation_step(event: object, address: AwsAddress) -> RotationStep:
    """Parse the event that Secrets Manager invokes a rotation with.

    Raises `RotationError` when it is not one, or is for another secret than the function's.
    """
    members: dict[str, Any] = event if isinstance(event, dict) else {}
    step, secret, version_id = (members.get(name) for name in ("Step", "SecretId", "ClientRequestToken"))
    if step not in STEPS or not isinstance(version_id, str) or not version_id:
        detail = f"The event is not one of Secrets Manager's rotation steps ({', '.join(STEPS)}); rotate the secret there."
        raise RotationError("event", detail)
    if secret not in (address.arn, _name_of(address)):
        detail = "The event is for another secret than HELSEID_KEY names; give each secret a rotating function of its own."
        raise RotationError("event", detail)
    return RotationStep(step, version_id)


@dataclass(frozen=True, slots=True)
class AwsRotation:
    """The rotation of one secret; `now` is the wall clock."""

    rotation: Rotation
    versions: AwsVersions
    now: Callable[[], float]

    def run(self, step: RotationStep, deadline: Deadline, journal: Journal) -> str:
        """Do one step, and return `created`, `not_due`, `registered`, `tested`, `rotated`, or `done` when it was already.

        Raises `RotationError`, `SigningKeyError`, `Unreachable`, `DeadlineExceeded`, `Refused` or `Garbled`; Secrets Manager
        then repeats the rotation, and each step goes on from there.
        """
        description = self.versions.describe(deadline, journal)
        labels = _check_state(description, step)
        if "AWSCURRENT" in labels:
            self._tidy_labels(step, deadline, journal)
            return "done"
        if step.name == "createSecret":
            return self._create(step, deadline, journal)
        if step.name == "setSecret":
            return self._set(step, deadline, journal)
        if step.name == "testSecret":
            self.rotation.test(self._read_pending(step, deadline, journal), deadline, journal)
            return "tested"
        return self._finish(step, description, deadline, journal)

    def _create(self, step: RotationStep, deadline: Deadline, journal: Journal) -> str:
        if self.versions.read_pending(step.version_id, deadline, journal) is not None:
            return "created"
        in_use = self.versions.read(deadline, journal, VersionStage="AWSCURRENT")
        is_due = self.rotation.is_due(in_use)
        self._note(in_use, journal)
        text = self.rotation.create() if is_due else with_expiry(in_use.text, in_use.expires_at)
        try:
            self.versions.put(step.version_id, text, "AWSPENDING", deadline, journal)
        except Refused:
            # The same step may run twice at once; whichever came first has stored the key to go on with.
            if self.versions.read_pending(step.version_id, deadline, journal) is None:
                raise
        return "created" if is_due else "not_due"

    def _set(self, step: RotationStep, deadline: Deadline, journal: Journal) -> str:
        pending = self._read_pending(step, deadline, journal)
        in_use = self.versions.read(deadline, journal, VersionStage="AWSCURRENT")
        if self.rotation.thumbprint_of(pending) == self._note(in_use, journal).thumbprint:
            return "not_due"
        registration = self.rotation.register(in_use, pending, deadline, journal)
        if registration.expires_at is not None and pending.expires_at != registration.expires_at:
            label = build_label(registration.expires_at)
            holder = self.versions.describe(deadline, journal).holder(label)
            if holder != step.version_id:
                self.versions.move_label(label, deadline, journal, removed_from=holder, to=step.version_id)
        return "registered"

    def _finish(self, step: RotationStep, description: Description, deadline: Deadline, journal: Journal) -> str:
        pending = self._read_pending(step, deadline, journal)
        in_use = self.versions.read(deadline, journal, VersionStage="AWSCURRENT")
        is_new = self.rotation.thumbprint_of(pending) != parse_signing_key(in_use.text).thumbprint
        if is_new:
            # Nothing tells that testSecret has run: whoever may invoke the function could leave it out.
            self.rotation.test(pending, deadline, journal)
        replaced = description.holder("AWSCURRENT")
        self.versions.move_label("AWSCURRENT", deadline, journal, removed_from=replaced, to=step.version_id)
        self._tidy_labels(step, deadline, journal)
        self._note(pending, journal)
        return "rotated" if is_new else "not_due"

    def _note(self, stored: StoredKey, journal: Journal) -> SigningKey:
        key = parse_signing_key(stored.text, expires_at=stored.expires_at)
        journal.note(kid=key.kid, **log_fields(key.expires_at, self.now()))
        return key

    def _read_pending(self, step: RotationStep, deadline: Deadline, journal: Journal) -> StoredKey:
        pending = self.versions.read_pending(step.version_id, deadline, journal)
        if pending is None:
            detail = "There is no pending key to go on with, since createSecret has not stored one; rotate the secret again."
            raise RotationError("event", detail)
        return pending

    def _tidy_labels(self, step: RotationStep, deadline: Deadline, journal: Journal) -> None:
        """Take AWSPENDING from the version that is current now, and from replaced ones what would keep them for ever.

        A key that is pending keeps its expiry: the step may be a late repetition, of a rotation before.
        """
        for version_id, labels in self.versions.describe(deadline, journal).labels.items():
            is_current, is_pending = version_id == step.version_id, "AWSPENDING" in labels
            for label in labels:
                if (label == "AWSPENDING") if is_current else (is_label(label) and not is_pending):
                    self.versions.move_label(label, deadline, journal, removed_from=version_id)


def _check_state(description: Description, step: RotationStep) -> list[str]:
    """Return the version's labels, or refuse what AWS's own template refuses."""
    labels = description.labels.get(step.version_id)
    if not description.rotation_enabled:
        raise RotationError("event", "The secret is not set up for rotation; turn it on in Secrets Manager first.")
    if labels is None:
        raise RotationError("event", "The secret has no version of the event's ClientRequestToken; rotate the secret again.")
    if "AWSCURRENT" not in labels and "AWSPENDING" not in labels:
        detail = "The version of the event's ClientRequestToken is not labelled AWSPENDING; rotate the secret again."
        raise RotationError("event", detail)
    return labels


def _name_of(address: AwsAddress) -> str:
    return address.arn.partition(":secret:")[2][:-7]
