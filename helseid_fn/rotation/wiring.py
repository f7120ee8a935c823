"""Wires a rotation from the settings; nothing is opened or read yet."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from helseid_fn.api.client import ApiClient
from helseid_fn.context import Context
from helseid_fn.error_codes import Party
from helseid_fn.errors import RotationError
from helseid_fn.http.transport import Transport
from helseid_fn.keys.stored import StoredKey
from helseid_fn.oauth.token_source import TokenSource
from helseid_fn.rotation.aws import AwsRotation
from helseid_fn.rotation.file import FileRotation, pending_path
from helseid_fn.rotation.google import GoogleRotation
from helseid_fn.rotation.retention import Retention
from helseid_fn.rotation.selvbetjening import Selvbetjening
from helseid_fn.rotation.steps import Rotation
from helseid_fn.secret_store.aws.arn import SecretArn, parse_secret_arn
from helseid_fn.secret_store.google.errors import destroy_command
from helseid_fn.settings import Settings

_LATEST = "/versions/latest"


@dataclass(frozen=True, slots=True)
class _FixedKey:
    """A key that has been read already."""

    stored: StoredKey

    def read(self, ctx: Context, *, fresh: bool = False) -> StoredKey:
        """Return the key."""
        del ctx, fresh
        return self.stored


def wire_tokens(settings: Settings, stored: StoredKey, transport: Transport, now: Callable[[], float]) -> TokenSource:
    """Wire tokens that are obtained with this very key, whatever HELSEID_KEY has."""
    return TokenSource(
        issuer=settings.issuer,
        client_id=settings.client_id,
        key=_FixedKey(stored),
        transport=transport,
        token_endpoint_host=settings.token_endpoint_host,
        now=now,
    )


def wire_google_rotation(
    settings: Settings,
    transport: Transport,
    *,
    now: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> GoogleRotation:
    """Wire the rotation of a key in Google Secret Manager.

    Raises `RotationError` when the settings are not those of a rotating function.
    """
    secret, pending_secret = settings.key_address.removesuffix(_LATEST), settings.rotation.pending_secret
    if not settings.key_address.startswith("projects/") or secret == settings.key_address or pending_secret is None:
        detail = (
            f"HELSEID_KEY must end in {_LATEST}, and HELSEID_PENDING_KEY must name the secret where the next key waits. "
            "Set both for the rotating function."
        )
        raise RotationError("not_set_up", detail)
    if pending_secret == secret:
        raise RotationError(
            "not_set_up", "HELSEID_PENDING_KEY is the secret of HELSEID_KEY itself. Give the pending key a secret of its own."
        )
    from helseid_fn.secret_store.google.secret import GoogleSecret  # noqa: PLC0415  # loads Google's client

    remedy = f"Destroy its version, and the next run makes another: {destroy_command(pending_secret)}"
    rotation = settings.rotation
    return GoogleRotation(
        _wire_steps(settings, transport, now, sleep, remedy),
        GoogleSecret(secret, settings.secret_manager_endpoint, sleep=sleep),
        GoogleSecret(pending_secret, settings.secret_manager_endpoint, sleep=sleep),
        Retention(rotation.grace_hours * 3600, rotation.destroy_after_days * 86400),
        now,
    )


def wire_file_rotation(
    settings: Settings,
    transport: Transport,
    *,
    now: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> FileRotation:
    """Wire the rotation of a key file.

    Raises `RotationError` when the settings are not those of a rotation.
    """
    path = Path(settings.key_address.removeprefix("file:"))
    remedy = f"Delete {pending_path(path)}, and the next run makes another."
    return FileRotation(_wire_steps(settings, transport, now, sleep, remedy), path, now)


def find_rotated_secret(settings: Settings) -> SecretArn:
    """Return the address of the secret that AWS rotates.

    Raises `RotationError` when HELSEID_KEY is not the address of a secret whose AWSCURRENT version functions read.
    """
    address = parse_secret_arn(settings.key_address)
    if address is None or address.version != {"versionStage": "AWSCURRENT"}:
        detail = "HELSEID_KEY must be the ARN of the rotated secret, without a version. Set it for the rotating function."
        raise RotationError("not_set_up", detail)
    return address


def wire_aws_rotation(
    settings: Settings,
    transport: Transport,
    *,
    now: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> AwsRotation:
    """Wire the rotation of a key in AWS Secrets Manager.

    Raises `RotationError` when the settings are not those of a rotating function.
    """
    address = find_rotated_secret(settings)
    from helseid_fn.secret_store.aws.secret import AwsSecret  # noqa: PLC0415  # loads boto3

    remedy = (
        "Remove AWSPENDING from its version and rotate the secret again: aws secretsmanager update-secret-version-stage "
        f"--region {address.region} --secret-id {address.arn} --version-stage AWSPENDING --remove-from-version-id ID"
    )
    return AwsRotation(_wire_steps(settings, transport, now, sleep, remedy), AwsSecret(address, sleep=sleep), now)


def _wire_steps(
    settings: Settings,
    transport: Transport,
    now: Callable[[], float],
    sleep: Callable[[float], None],
    pending_remedy: str,
) -> Rotation:
    url = settings.rotation.selvbetjening_url
    if url is None:
        detail = "SELVBETJENING_URL is missing, so the next key cannot be registered. Set it for the rotating function."
        raise RotationError("not_set_up", detail)

    @cache
    def tokens_with(key: StoredKey) -> TokenSource:
        return wire_tokens(settings, key, transport, now)

    def open_selvbetjening(key: StoredKey) -> Selvbetjening:
        api = ApiClient(tokens_with(key), transport, party=Party.SELVBETJENING, now=now)
        return Selvbetjening(url, settings.organization, api)

    def obtain_token(key: StoredKey, ctx: Context) -> None:
        tokens_with(key).get(settings.organization, settings.scopes, ctx)

    rotation = settings.rotation
    return Rotation(
        open_selvbetjening,
        obtain_token,
        f"{settings.client_id} {settings.key_address}",
        rotation.alg,
        rotation.due_fraction,
        pending_remedy,
        now=now,
        sleep=sleep,
    )
