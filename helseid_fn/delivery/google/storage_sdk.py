"""Cloud Storage's client, for one bucket."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

import google.auth
from google.api_core.exceptions import GoogleAPICallError
from google.auth.credentials import AnonymousCredentials
from google.auth.transport.requests import AuthorizedSession
from google.cloud import storage
from google.cloud.storage.exceptions import DataCorruption
from google.cloud.storage.exceptions import InvalidResponse as UnusableResponse

from helseid_fn.delivery.address import Bucket
from helseid_fn.delivery.google.errors import CHECKSUM, explain_storage
from helseid_fn.delivery.google.sdk import GoogleSdk, find_emulator
from helseid_fn.error_codes import Party
from helseid_fn.errors import HelseidFnError, InvalidResponse, Unavailable
from helseid_fn.http.failures import Failure, classify_failure, describe_failure

# Below WARNING it logs names of objects.
logging.getLogger("google.cloud.storage").setLevel(logging.WARNING)

_PARTY = Party.DELIVERY
_ANONYMOUS: Any = AnonymousCredentials  # as mypy has it, neither has types
_AUTHORIZED_SESSION: Any = AuthorizedSession
# What a response raises that is JSON, but not Cloud Storage's.
_UNREADABLE = (ValueError, TypeError, AttributeError, LookupError, RecursionError)
_RAISED = (GoogleAPICallError, DataCorruption, UnusableResponse, OSError, *_UNREADABLE)
_ORIGIN = "https://storage.googleapis.com"


class StorageClient:
    """Google's client, and the session below it, which sends what the client has no method for."""

    def __init__(self, emulator_url: str | None) -> None:
        """Find credentials, unless it is for an emulator. Raises what google.auth raises."""
        credentials = _ANONYMOUS() if emulator_url else google.auth.default(scopes=storage.Client.SCOPE)[0]
        self.session = _AUTHORIZED_SESSION(credentials)
        self._client = storage.Client(
            project=None,
            credentials=credentials,
            client_options={"api_endpoint": emulator_url or _ORIGIN},  # else it takes any host that the environment names
            _http=self.session,
        )
        # By itself the client asks in the background for the bucket's location, for traces that nobody takes: a request that
        # our role does not allow, so that Google's audit log would fill with denials.
        self._client._bucket_metadata_cache = None  # noqa: SLF001  # else it would be an environment variable

    def object(self, bucket: Bucket, name: str) -> storage.Blob:
        """Return an object of a bucket; nothing is sent."""
        return self._client.bucket(bucket.name).blob(f"{bucket.prefix}{name}")

    def find_bucket(self, bucket: Bucket, timeout_seconds: float) -> None:
        """List at most one object, which takes the same right as to be told that one is missing. Raises what Google's does."""
        found = self._client.list_blobs(bucket.name, max_results=1, fields="kind", timeout=timeout_seconds, retry=None)
        next(iter(found), None)


def open_storage(
    bucket: Bucket, environ: Mapping[str, str], *, sleep: Callable[[float], None], random: Callable[[], float]
) -> GoogleSdk[StorageClient]:
    """Return what sends requests about a bucket; STORAGE_EMULATOR_HOST is honoured."""

    def make() -> StorageClient:
        return StorageClient(find_emulator(environ, "STORAGE_EMULATOR_HOST"))

    def explain(error: Exception, waited_seconds: float) -> HelseidFnError:
        return _explain(error, bucket, waited_seconds)

    return GoogleSdk(make, _RAISED, explain, sleep=sleep, random=random)


def _explain(error: Exception, bucket: Bucket, waited_seconds: float) -> HelseidFnError:
    if isinstance(error, GoogleAPICallError) and error.code is not None:
        return explain_storage(int(error.code), bucket, _reason_of(error))
    if isinstance(error, DataCorruption):
        return InvalidResponse(_PARTY, "checksum", CHECKSUM)
    failure = Failure("http", processed=True)  # bytes, but not those that Cloud Storage sends
    if isinstance(error, OSError) and not isinstance(error, ValueError):
        failure = classify_failure(error, phases_known=False)
    detail = " ".join(describe_failure(failure, _PARTY, _ORIGIN, waited_seconds))
    if failure.reason == "http":
        return InvalidResponse(_PARTY, "http", detail)
    return Unavailable(_PARTY, failure.reason, detail)


def _reason_of(error: GoogleAPICallError) -> str:
    """Return the reason that the first of the response's errors gives, such as `retentionPolicyNotMet`."""
    first = next(iter(error.errors), None)
    return str(first.get("reason", "")) if isinstance(first, dict) else ""
