"""Signs in to HelseID as a machine and calls an API that HelseID protects.

The public names are those of `__all__`; everything else may change with any release.
"""

from helseid_fn.error_codes import Party
from helseid_fn.errors import (
    DeadlineExceeded,
    HelseidFnError,
    InternalError,
    InvalidInvocation,
    InvalidResponse,
    Refused,
    RotationError,
    SettingsError,
    SigningKeyError,
    Unavailable,
)
from helseid_fn.function.app import App
from helseid_fn.oauth.organization import Organization

__all__ = [
    "App",
    "DeadlineExceeded",
    "HelseidFnError",
    "InternalError",
    "InvalidInvocation",
    "InvalidResponse",
    "Organization",
    "Party",
    "Refused",
    "RotationError",
    "SettingsError",
    "SigningKeyError",
    "Unavailable",
]
