"""The rotating function, put together from the settings; nothing is opened or read yet."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from helseid_fn.api.client import Api
from helseid_fn.api.job import Job
from helseid_fn.context import Journal
from helseid_fn.deadline import Deadline
from helseid_fn.errors import Party, RotationError
from helseid_fn.http.transport import Transport
from helseid_fn.keys.stored import StoredKey
from helseid_fn.oauth.token_source import TokenSource
from helseid_fn.rotation.aws import AwsRotation
from helseid_fn.rotation.google import GoogleRotation
from helseid_fn.rotation.retention import Aging
from helseid_fn.rotation.selvbetjening import Selvbetjening
from helseid_fn.rotation.steps import Rotation
from helseid_fn.secret_store.aws.arn import AwsAddress, parse_aws_address
from helseid_fn.secret_store.google.errors import destroy_command
from helseid_fn.settings import Settings

_LATEST = "/versions/latest"


def wire_google_rotation(settings: Settings, transport: Transport, now: Callable[[], float]) -> GoogleRotation:
    """Put together the rotation of a key in Google Secret Manager.

    Raises `RotationError` when the settings are not those of a rotating function.
    """
    secret, pending_secret = settings.key_address.removesuffix(_LATEST), settings.rotation.pending_secret
    if not settings.key_address.startswith("projects/") or secret == settings.key_address or pending_secret is None:
        detail = (
            f"HELSEID_KEY must be an address that ends in {_LATEST}, and HELSEID_PENDING_KEY the secret where the next key "
            "waits; set both for the rotating function."
        )
        raise RotationError("not_set_up", detail)
    if pending_secret == secret:
        raise RotationError("not_set_up", "HELSEID_PENDING_KEY must be another secret than HELSEID_KEY's; give it its own.")
    from helseid_fn.secret_store.google.secret import GoogleVersions  # noqa: PLC0415  # only here is Google's client loaded

    remedy = f"destroy its version, and the next run makes another: {destroy_command(pending_secret)}"
    rotation = settings.rotation
    return GoogleRotation(
        _wire_steps(settings, transport, now, remedy),
        GoogleVersions(secret, settings.secret_manager_endpoint),
        GoogleVersions(pending_secret, settings.secret_manager_endpoint),
        Aging(rotation.grace_hours * 3600, rotation.destroy_after_days * 86400),
        now,
    )


def find_rotated_secret(settings: Settings) -> AwsAddress:
    """Return the address of the secret that AWS rotates.

    Raises `RotationError` when HELSEID_KEY is not the address of a secret whose AWSCURRENT version functions read.
    """
    address = parse_aws_address(settings.key_address)
    if address is None or address.version != {"versionStage": "AWSCURRENT"}:
        detail = (
            "HELSEID_KEY must be the ARN of the secret that is rotated, without a version; set it for the rotating function."
        )
        raise RotationError("not_set_up", detail)
    return address


def wire_aws_rotation(settings: Settings, transport: Transport, now: Callable[[], float]) -> AwsRotation:
    """Put together the rotation of a key in AWS Secrets Manager.

    Raises `RotationError` when the settings are not those of a rotating function.
    """
    address = find_rotated_secret(settings)
    from helseid_fn.secret_store.aws.secret import AwsVersions  # noqa: PLC0415  # only here is boto3 loaded

    remedy = (
        "take AWSPENDING from its version and rotate the secret again: aws secretsmanager update-secret-version-stage "
        f"--region {address.region} --secret-id {address.arn} --version-stage AWSPENDING --remove-from-version-id ID"
    )
    return AwsRotation(_wire_steps(settings, transport, now, remedy), AwsVersions(address), now)


def _wire_steps(settings: Settings, transport: Transport, now: Callable[[], float], pending_remedy: str) -> Rotation:
    url = settings.rotation.selvbetjening_url
    if url is None:
        detail = "SELVBETJENING_URL is missing, where the next key is registered; set it for the rotating function."
        raise RotationError("not_set_up", detail)

    @cache
    def tokens_of(key: StoredKey) -> TokenSource:
        return TokenSource(
            issuer=settings.issuer, client_id=settings.client_id, read_key=lambda *_: key, transport=transport, now=now
        )

    def open_selvbetjening(key: StoredKey) -> Selvbetjening:
        return Selvbetjening(
            url, settings.organization, Job(tokens_of(key), Api(transport, party=Party.SELVBETJENING, now=now))
        )

    def earn_token(key: StoredKey, deadline: Deadline, journal: Journal) -> None:
        tokens_of(key).get(settings.organization, settings.scopes, deadline, journal)

    rotation = settings.rotation
    return Rotation(open_selvbetjening, earn_token, rotation.alg, rotation.due_share, pending_remedy, now=now)
