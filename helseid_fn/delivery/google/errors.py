"""What the refusals of Cloud Storage and Pub/Sub mean, with the role that helps; pure. Google's own text stays out."""

from __future__ import annotations

import re

from helseid_fn.delivery.address import Bucket, Topic
from helseid_fn.error_codes import Party
from helseid_fn.errors import HelseidFnError, InvalidResponse, Refused, Unavailable
from helseid_fn.http.grpc_status import describe_reason, find_reason
from helseid_fn.http.retries import is_transient

_PARTY = Party.DELIVERY

NO_CREDENTIALS = (
    "There are no usable Google credentials. Give the function a service account, "
    "or on a laptop run: gcloud auth application-default login"
)
NOT_STORAGE = "The response is not Cloud Storage's. Check for a proxy or gateway in between."
CHECKSUM = "What was stored does not match its checksum (CRC32C). Try again."

_MEMBER = "--member=serviceAccount:ACCOUNT"
_SETTINGS = "RESULT_TO or CURSOR_IN"
_TRY_AGAIN = "Try again, and check the function's egress and Google Cloud's status."
_WORD = re.compile(r"[A-Za-z][A-Za-z_]{2,62}")

# The `reason` in the error of a 403, where no role is missing: https://cloud.google.com/storage/docs/json_api/v1/status-codes.
_FORBIDS = {
    "retentionPolicyNotMet": "the bucket's retention policy forbids overwriting. Deliver into a bucket without one",
    "objectUnderActiveHold": "a hold on the object forbids overwriting. Release it",
    "accountDisabled": "the project's billing account is closed. Open it",
    "userProjectAccountProblem": "the project has a problem with its billing account. Solve it in the console",
}


def explain_storage(status: int, bucket: Bucket, reason: str = "") -> HelseidFnError:
    """Return the error that an HTTP status of Cloud Storage means; `reason` is the first of the error's own."""
    place = f"gs://{bucket.name}"
    said = f" ({reason})" if _WORD.fullmatch(reason) else ""
    if status == 429:
        return Unavailable(_PARTY, "rate_limited", f"Cloud Storage asks for fewer requests (429). {_TRY_AGAIN}", status=status)
    if is_transient(status):
        return Unavailable(_PARTY, "server_error", f"Cloud Storage failed ({status}). {_TRY_AGAIN}", status=status)
    if status < 400:
        return InvalidResponse(_PARTY, "http", NOT_STORAGE, status=status)
    if status == 401:
        return Refused(_PARTY, "unauthenticated", NO_CREDENTIALS, status=status)
    if status == 403 and reason in _FORBIDS:
        return Refused(_PARTY, "denied", f"Cloud Storage refused{said}: {_FORBIDS[reason]}.", status=status)
    if status == 403:
        role = f"gcloud storage buckets add-iam-policy-binding {place} --role=roles/storage.objectUser {_MEMBER}"
        detail = f"The function's service account may not read and write {place}{said}. Allow it with: {role}"
        return Refused(_PARTY, "denied", detail, status=status)
    if status == 404:
        return Refused(_PARTY, "not_found", f"There is no bucket {place}. Create it, or correct {_SETTINGS}.", status=status)
    detail = f"Cloud Storage refused with {status}{said}. Check the bucket {place} and {_SETTINGS}."
    return Refused(_PARTY, "other", detail, status=status)


def explain_pubsub(status: str, topic: Topic, *, words: str = "", reason: str = "") -> HelseidFnError:
    """Return the error that a gRPC status of Pub/Sub means; `reason` is that of Google's ErrorInfo.

    `words` came with the status; they are searched for what gRPC says about the connection.
    """
    if transient := find_reason(status, words):
        if transient in ("http", "too_large"):
            return InvalidResponse(_PARTY, "http", "The response is not Pub/Sub's. Check for a proxy or gateway in between.")
        return Unavailable(_PARTY, transient, f"Pub/Sub {describe_reason(transient)} ({status}). {_TRY_AGAIN}")
    said = f" ({reason})" if _WORD.fullmatch(reason) else ""
    _, project, _, name = topic.name.split("/")
    role = f"gcloud pubsub topics add-iam-policy-binding {name} --project={project} --role=roles/pubsub.publisher {_MEMBER}"
    refused, detail = {
        "NOT_FOUND": ("not_found", f"There is no topic {topic}. Create it, or correct RESULT_TO."),
        "PERMISSION_DENIED": (
            "denied",
            f"The function's service account may not publish to {topic}{said}. Allow it with: {role}",
        ),
        "UNAUTHENTICATED": ("unauthenticated", NO_CREDENTIALS),
    }.get(status, ("other", f"Pub/Sub refused with {status}{said}. Check the topic {topic} and RESULT_TO."))
    return Refused(_PARTY, refused, detail)
