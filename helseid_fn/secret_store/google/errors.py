"""What Google Secret Manager's refusals mean, with the command or the role that helps; pure."""

from __future__ import annotations

import re
from enum import Enum

from helseid_fn.error_codes import Party
from helseid_fn.errors import HelseidFnError, InvalidResponse, Refused, Unavailable
from helseid_fn.http.grpc_status import describe_reason, find_reason

_NAME = re.compile(
    r"projects/(?P<project>[^/]+)/(locations/(?P<location>[^/]+)/)?secrets/(?P<secret>[^/]+)(/versions/(?P<version>[^/]+))?"
)

NO_CREDENTIALS = (
    "There are no Google credentials that the secret manager accepts. Give the function a service account, "
    "or on a laptop run: gcloud auth application-default login"
)
_ADD = "gcloud secrets versions add {secret} {where} --data-file=KEY.json (a new secret first: gcloud secrets create)"
_CREATE = "gcloud secrets create {secret} {where} (the function adds its versions)"
_LIST = "gcloud secrets versions list {secret} {where} (then: gcloud secrets versions enable N --secret={secret} {where})"
_ALLOW = (
    "gcloud secrets add-iam-policy-binding {secret} {where} --role={role} "
    "--member=serviceAccount:ACCOUNT (or, if the service is off: gcloud services enable secretmanager.googleapis.com)"
)


class Access(Enum):
    """What is done with a secret: the verb for sentences, and the role that allows it."""

    READ = ("read", "roles/secretmanager.secretAccessor")
    CHANGE = ("change the versions of", "roles/secretmanager.secretVersionManager")


# The `reason` of Google's ErrorInfo (https://cloud.google.com/apis/design/errors#error_info), where no role is missing.
_CAUSES = {
    "SECURITY_POLICY_VIOLATED": "a service perimeter keeps the function out. Add an ingress rule for it, or run it inside",
    "USER_PROJECT_DENIED": "the quota project may not be used. Grant roles/serviceusage.serviceUsageConsumer on it",
    "BILLING_DISABLED": "billing is off for the project. Turn it on",
    "SERVICE_DISABLED": "the API is off. Turn it on with: gcloud services enable secretmanager.googleapis.com",
    "CONSUMER_INVALID": "there is no such project, or it is being deleted. Correct HELSEID_KEY",
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": "the credentials lack the scope cloud-platform. Use a service account that has it",
}
_INFO_REASON = re.compile(r"[A-Z][A-Z0-9_]{2,62}")

TOO_LARGE = "The secret at HELSEID_KEY exceeds 64 KiB, so it is not a JWK. Point HELSEID_KEY at the private JWK."
NO_RESPONSE = (
    "The response is not Google Secret Manager's. Check SECRET_MANAGER_ENDPOINT, and for a proxy or gateway in between."
)


def location_of(name: str) -> str | None:
    """Return the location of a regional secret or version; None for a global one."""
    parts = _NAME.fullmatch(name)
    return parts["location"] if parts else None


def destroy_command(secret: str) -> str:
    """Return the commands that list the versions of a secret and destroy one."""
    name, where = _place(secret)
    return (
        f"gcloud secrets versions destroy VERSION --secret={name} {where} "
        f"(which one: gcloud secrets versions list {name} {where})"
    )


def _place(name: str) -> tuple[str, str]:
    """Return a secret's short name and the flags with which gcloud finds it; a regional one needs them."""
    parts = _NAME.fullmatch(name)
    if parts is None:
        return "SECRET", "--project=PROJECT"
    location = f" --location={parts['location']}" if parts["location"] else ""
    return parts["secret"], f"--project={parts['project']}{location}"


def explain(status: str, name: str, access: Access = Access.READ, *, words: str = "", info_reason: str = "") -> HelseidFnError:
    """Return the error that a gRPC status means for this secret or version.

    `words` came with the status; they are searched for what gRPC says about the connection, and stay out of the sentence.
    `info_reason` is the `reason` of Google's ErrorInfo, if there was one.
    """
    party = Party.SECRET_MANAGER
    if transient := find_reason(status, words):
        if transient == "http":
            return InvalidResponse(party, "http", NO_RESPONSE)
        if transient == "too_large":
            return Refused(party, "too_large", TOO_LARGE)
        what = describe_reason(transient)
        detail = f"The secret manager {what} ({status}). Try again, and check the function's egress and Google Cloud's status."
        return Unavailable(party, transient, detail)
    info_reason = info_reason if _INFO_REASON.fullmatch(info_reason) else ""
    if status in ("PERMISSION_DENIED", "FAILED_PRECONDITION") and info_reason in _CAUSES:
        return Refused(party, "denied", f"The secret manager refused ({info_reason}): {_CAUSES[info_reason]}.")
    secret, where = _place(name)
    verb, role = access.value
    absent = {
        Access.READ: f"Correct HELSEID_KEY, or add the key with: {_ADD}",
        Access.CHANGE: f"Correct HELSEID_PENDING_KEY or HELSEID_KEY, or create the secret with: {_CREATE}",
    }
    reason, detail = {
        "NOT_FOUND": ("not_found", f"The secret manager has no {name}. {absent[access]}"),
        "PERMISSION_DENIED": (
            "denied",
            (
                f"The function's service account may not {verb} {name}, or there is no such secret{_also(info_reason)}. "
                f"Allow it with: {_ALLOW}"
            ),
        ),
        "FAILED_PRECONDITION": (
            "disabled",
            (
                f"The secret version {name} is disabled or destroyed{_also(info_reason)}. "
                f"List the versions and their states with: {_LIST}"
            ),
        ),
        "UNAUTHENTICATED": ("unauthenticated", NO_CREDENTIALS),
    }.get(status, ("bad_address", f"The secret manager responded with {status} to the address {name}. Correct HELSEID_KEY."))
    return Refused(party, reason, detail.format(secret=secret, where=where, role=role))


def _also(info_reason: str) -> str:
    return f" (Google says {info_reason})" if info_reason else ""
