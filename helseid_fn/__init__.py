"""Signs in to HelseID as a machine and calls an API that HelseID protects.

The public names are those of `__all__`; everything else may change with any release. Each is loaded when it is first used, so
that a program pays for what it uses alone.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from helseid_fn.api.response import ApiResponse
    from helseid_fn.auth import HelseIdAuth
    from helseid_fn.client import Client
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
    from helseid_fn.function.job import Job
    from helseid_fn.httpx_auth import HelseIdHttpxAuth
    from helseid_fn.oauth.organization import Organization

__all__ = [
    "ApiResponse",
    "App",
    "Client",
    "DeadlineExceeded",
    "HelseIdAuth",
    "HelseIdHttpxAuth",
    "HelseidFnError",
    "InternalError",
    "InvalidInvocation",
    "InvalidResponse",
    "Job",
    "Organization",
    "Party",
    "Refused",
    "RotationError",
    "SettingsError",
    "SigningKeyError",
    "Unavailable",
]

_MODULES = {
    "ApiResponse": "api.response",
    "App": "function.app",
    "Client": "client",
    "HelseIdAuth": "auth",
    "HelseIdHttpxAuth": "httpx_auth",
    "Job": "function.job",
    "Organization": "oauth.organization",
    "Party": "error_codes",
}
"""Where a public name is defined, if not in `errors`."""


def __getattr__(name: str) -> object:
    """Import a public name from the module that defines it (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES.get(name, 'errors')}"), name)


def __dir__() -> list[str]:
    """Return the public names."""
    return __all__
