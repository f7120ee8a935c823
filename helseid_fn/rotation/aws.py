"""The rotation on AWS: Secrets Manager's own protocol, one step per invocation, each of which it may repeat.

It reserves a version for the new key, labels it AWSPENDING, and invokes the function with createSecret, setSecret, testSecret
and finishSecret. A key that is not due yet is carried over into the new version, and nothing is registered.

Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from helseid_fn.context import Context
from helseid_fn.errors import Refused, RotationError
from helseid_fn.keys.generate import with_expiry
from helseid_fn.keys.signing_key import SigningKey, parse_signing_key
from helseid_fn.keys.stored import StoredKey
from helseid_fn.rotation.steps import Rotation
from helseid_fn.secret_store.aws.arn import SecretArn
from helseid_fn.secret_store.aws.labels import build_label, is_label

if TYPE_CHECKING:
    from helseid_fn.secret_store.aws.secret import AwsSecret, Description

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")


@dataclass(frozen=True, slots=True)
class RotationStep:
    """A step that Secrets Manager asks for, and the id of the version that it has reserved."""

    name: str
    version_id: str


def parse_rotation_step(event: object, address: SecretArn) -> RotationStep:
    """Parse the event that Secrets Manager invokes a rotation with.

    Raises `RotationError` when it is not one, or is for another secret than the function's.
    """
    members: dict[str, Any] = event if isinstance(event, dict) else {}
    step, secret, version_id = (members.get(name) for name in ("Step", "SecretId", "ClientRequestToken"))
    if step not in STEPS or not isinstance(version_id, str) or not version_id:
        detail = f"The event is none of Secrets Manager's rotation steps ({', '.join(STEPS)}). Rotate the secret there."
        raise RotationError("event", detail)
    if secret not in (address.arn, _name_of(address)):
        detail = "The event is for another secret than HELSEID_KEY. Give each secret a rotating function of its own."
        raise RotationError("event", detail)
    return RotationStep(step, version_id)


@dataclass(frozen=True, slots=True)
class AwsRotation:
    """The rotation of one secret; `now` is the wall clock."""

    rotation: Rotation
    secret: AwsSecret
    now: Callable[[], float]

    def run(self, step: RotationStep, ctx: Context) -> str:
        """Do one step, and return what was done.

        That is `created`, `not_due`, `registered`, `tested`, `rotated`, `done` if it had been done, or `ready` for the test of
        a version without a key, which Secrets Manager makes when its rotation is turned on.

        Raises `RotationError`, `SigningKeyError`, `Unavailable`, `DeadlineExceeded`, `Refused` or `InvalidResponse`; Secrets
        Manager then repeats the rotation, and each step continues from there.
        """
        description = self.secret.describe(ctx)
        labels = _check_state(description, step)
        if "AWSCURRENT" in labels:
            self._tidy_labels(step, ctx)
            return "done"
        if step.name == "createSecret":
            return self._create(step, ctx)
        if step.name == "setSecret":
            return self._set(step, ctx)
        if step.name == "testSecret":
            return self._test(step, ctx)
        return self._finish(step, description, ctx)

    def _create(self, step: RotationStep, ctx: Context) -> str:
        if self.secret.read_pending(step.version_id, ctx) is not None:
            return "created"
        in_use = self.secret.read_version(ctx, VersionStage="AWSCURRENT")
        is_due = self.rotation.is_due(in_use)
        if is_due:
            text = self.rotation.create(in_use)
        else:
            # Carried over with its expiry, which only Selvbetjening may know so far.
            asked = self.rotation.ask_expiry(in_use, ctx)
            in_use = in_use if asked is None else replace(in_use, expires_at=asked)
            text = with_expiry(in_use.text, in_use.expires_at)
        self._note(in_use, ctx)
        try:
            self.secret.put(step.version_id, text, "AWSPENDING", ctx)
        except Refused:
            # The same step may run twice at once; the first has stored the key to continue with.
            if self.secret.read_pending(step.version_id, ctx) is None:
                raise
        return "created" if is_due else "not_due"

    def _set(self, step: RotationStep, ctx: Context) -> str:
        pending = self._read_pending(step, ctx)
        in_use = self.secret.read_version(ctx, VersionStage="AWSCURRENT")
        if self.rotation.thumbprint_of(pending) == self._note(in_use, ctx).thumbprint:
            return "not_due"
        registration = self.rotation.register(in_use, pending, ctx)
        if registration.expires_at is not None and pending.expires_at != registration.expires_at:
            label = build_label(registration.expires_at)
            holder = self.secret.describe(ctx).holder(label)
            if holder != step.version_id:
                self.secret.move_label(label, ctx, removed_from=holder, to=step.version_id)
        return "registered"

    def _test(self, step: RotationStep, ctx: Context) -> str:
        pending = self.secret.read_pending(step.version_id, ctx)
        if pending is None:
            return "ready"
        self.rotation.test(pending, ctx)
        return "tested"

    def _finish(self, step: RotationStep, description: Description, ctx: Context) -> str:
        pending = self._read_pending(step, ctx)
        in_use = self.secret.read_version(ctx, VersionStage="AWSCURRENT")
        is_new = self.rotation.thumbprint_of(pending) != parse_signing_key(in_use.text).thumbprint
        if is_new:
            # AWSCURRENT may have been replaced by hand since createSecret, and a carried-over key must not undo that.
            self.rotation.check_endorsement(in_use, pending)
            # Nothing shows that testSecret has run: anybody who may invoke the function could leave it out.
            self.rotation.test(pending, ctx)
        replaced = description.holder("AWSCURRENT")
        self.secret.move_label("AWSCURRENT", ctx, removed_from=replaced, to=step.version_id)
        self._tidy_labels(step, ctx)
        self._note(pending, ctx)
        return "rotated" if is_new else "not_due"

    def _note(self, stored: StoredKey, ctx: Context) -> SigningKey:
        key = parse_signing_key(stored.text, expires_at=stored.expires_at, stored_at=stored.stored_at)
        ctx.note(kid=key.kid)
        ctx.note_key_expiry(key.expiry, self.now())
        return key

    def _read_pending(self, step: RotationStep, ctx: Context) -> StoredKey:
        pending = self.secret.read_pending(step.version_id, ctx)
        if pending is None:
            detail = "There is no pending key, since createSecret has not stored one. Rotate the secret again."
            raise RotationError("event", detail)
        return pending

    def _tidy_labels(self, step: RotationStep, ctx: Context) -> None:
        """Remove AWSPENDING from the version that is current now, and the labels that would keep replaced versions for ever.

        A pending key keeps its expiry: the step may be a late repetition of an earlier rotation.
        """
        for version_id, labels in self.secret.describe(ctx).labels.items():
            is_current, is_pending = version_id == step.version_id, "AWSPENDING" in labels
            for label in labels:
                if (label == "AWSPENDING") if is_current else (is_label(label) and not is_pending):
                    self.secret.move_label(label, ctx, removed_from=version_id)


def _check_state(description: Description, step: RotationStep) -> list[str]:
    """Return the version's labels, or refuse what AWS's own template refuses."""
    labels = description.labels.get(step.version_id)
    if not description.rotation_enabled:
        raise RotationError("event", "The secret is not set up for rotation. Turn it on in Secrets Manager first.")
    if labels is None:
        raise RotationError("event", "The secret has no version with the event's ClientRequestToken. Rotate the secret again.")
    if "AWSCURRENT" not in labels and "AWSPENDING" not in labels:
        detail = "The version with the event's ClientRequestToken is not labelled AWSPENDING. Rotate the secret again."
        raise RotationError("event", detail)
    return labels


def _name_of(address: SecretArn) -> str:
    return address.arn.partition(":secret:")[2][:-7]
