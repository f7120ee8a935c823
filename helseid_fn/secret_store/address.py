"""The address of the private key, as HELSEID_KEY has it; pure.

A parser raises `ValueError` with words that follow the setting's name in a sentence, and never repeats the text, which may be
a key in the wrong place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from helseid_fn.secret_store.aws.arn import parse_secret_arn

_GOOGLE_KEY = re.compile(
    r"projects/(?P<project>[a-z0-9:.-]+)/(locations/[a-z0-9-]+/)?secrets/[A-Za-z0-9_-]+/versions/[A-Za-z0-9_-]+"
)
_SECRET_NAME = re.compile(r"projects/[a-z0-9:.-]+/(locations/[a-z0-9-]+/)?secrets/[A-Za-z0-9_-]+")
_KEY_BEGINS = ("{", "-----BEGIN", "eyJ", "LS0tLS1CRUdJTi")
_PATH = re.compile(r"(?!projects/)((~|\.{0,2})[/\\]|[A-Za-z]:\\|[^:]*\.(jwk|json|pem|key)$)")


_EXAMPLES = {
    "file": "file:/run/secrets/helseid-key.json",
    "arn": "arn:aws:secretsmanager:eu-north-1:123456789012:secret:helseid-key-AbCdEf",
    "projects": "projects/my-project/secrets/helseid-key/versions/latest",
}


def choose_example(text: str, environ: Mapping[str, str]) -> str:
    """Choose the example for a text that was to be an address: of the same kind, else of the cloud that the function is on."""
    if text.startswith("file:") or _PATH.match(text):
        return _EXAMPLES["file"]
    return _EXAMPLES["arn" if text.startswith("arn:") or "AWS_LAMBDA_FUNCTION_NAME" in environ else "projects"]


def parse_key_address(text: str) -> str:
    """Parse the address of the private key; a key in its place is refused, and not repeated."""
    if text.removeprefix("file:").lstrip("\ufeff \t\r\n'\"").startswith(_KEY_BEGINS):
        raise ValueError(
            "is a key and not the address of one; that key is now exposed: replace it, and keep the new one in a secret manager"
        )
    if text.startswith("file:"):
        _check_path(text.removeprefix("file:"))
    elif text.startswith("arn:"):
        if parse_secret_arn(text) is None:
            raise ValueError(
                "is not of the form arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME-SUFFIX, complete with the six characters "
                "that AWS adds, and with ::STAGE: or :::VERSION-ID after it for another version than AWSCURRENT"
            )
    elif _PATH.match(text):
        raise ValueError("is a path; write file: in front of it")
    elif _SECRET_NAME.fullmatch(text):
        raise ValueError("names a secret but no version of it; add /versions/latest")
    elif not _GOOGLE_KEY.fullmatch(text):
        raise ValueError(
            "is not of the form projects/P/secrets/S/versions/V (with locations/L for a regional one), "
            "arn:aws:secretsmanager:..., or file:PATH"
        )
    return text


def _check_path(path: str) -> None:
    if not path or "\0" in path:
        raise ValueError("has no path after file:")
    if path.startswith("//") and not path.startswith("///"):
        raise ValueError("has a host after file://; write file: and the path, as in file:/run/secrets/key.json")
    if path.startswith(("~", "$")):
        raise ValueError(f"has a path that begins with {path[0]}, which is not expanded; write the whole path")
    if path[0] in "'\"" or path[-1] in "'\"":
        raise ValueError("has quotes around its path; remove them")


def parse_secret_name(text: str) -> str:
    """Parse the name of a secret on Google Cloud, without a version."""
    if not _SECRET_NAME.fullmatch(text):
        raise ValueError("is not the name of a secret, projects/P/secrets/S, without a version")
    return text


def parse_google_project(key_address: str) -> str | None:
    """Return the project of a Google address; mostly it is the function's own, to which its traces belong."""
    parts = _GOOGLE_KEY.fullmatch(key_address)
    return parts["project"] if parts else None
