"""The exit codes of the command line, one for each class of error."""

from __future__ import annotations

from helseid_fn import errors
from helseid_fn.function.job_failed import JobFailed

USAGE = 2
"""As click has it: an argument is wrong."""

_CODES: dict[type[errors.HelseidFnError], int] = {
    errors.InvalidInvocation: USAGE,
    errors.SettingsError: 3,
    errors.SigningKeyError: 4,
    errors.Refused: 5,
    errors.Unavailable: 6,
    errors.DeadlineExceeded: 7,
    errors.InvalidResponse: 8,
    errors.RotationError: 9,
    errors.InternalError: 10,
    JobFailed: 11,
}


def exit_code_of(error: errors.HelseidFnError) -> int:
    """Return the exit code of an error's class."""
    return next(_CODES[kind] for kind in type(error).__mro__ if kind in _CODES)
