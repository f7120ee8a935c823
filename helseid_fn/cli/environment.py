"""The settings of a terminal: the environment, and below it the file `.env`, which nothing else reads."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import click

from helseid_fn.setting_table import EXAMPLES

READ_BY_LIBRARIES = frozenset(
    {
        *EXAMPLES,
        *(name for each in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY") for name in (each, each.lower())),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", "AWS_CA_BUNDLE"),
        *("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_QUOTA_PROJECT"),
        *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"),
        *("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SECRETS_MANAGER", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_SQS"),
        *("AWS_EC2_METADATA_DISABLED", "STORAGE_EMULATOR_HOST", "PUBSUB_EMULATOR_HOST"),
    }
)
"""What an env file may set for this process and its children; another variable could make them run a program."""


def read_environment(path: str, environ: Mapping[str, str], *, must_exist: bool) -> Mapping[str, str]:
    """Return the variables of a file and of the environment, which takes precedence.

    Raises `click.ClickException` with the number of a line that is not `NAME=VALUE`, but never with its text.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        if must_exist:
            raise click.ClickException(
                f"{path} does not exist. Name the file of the settings, or leave --env-file out."
            ) from None
        return environ
    except UnicodeDecodeError:
        raise click.ClickException(f"{path} is not UTF-8 text. Save it as UTF-8.") from None
    except OSError as error:
        raise click.ClickException(f"{path} cannot be read ({error.strerror}). Check its permissions.") from None
    return MappingProxyType({**parse_variables(path, text), **environ})


def choose_for_libraries(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that an env file may set for the libraries of this process."""
    return {name: value for name, value in environ.items() if name in READ_BY_LIBRARIES}


def describe_absence(path: str) -> str | None:
    """Return what to do about an env file that is not there, None if it is."""
    return None if os.access(path, os.F_OK) else f"There is no {path} here. helseid-fn import writes one."


def parse_variables(path: str, text: str) -> dict[str, str]:
    """Parse lines of `NAME=VALUE`, with or without `export` and quotes; `#` begins a comment. `path` is for the error."""
    from io import StringIO  # noqa: PLC0415  # only where there is a file

    from dotenv.parser import parse_stream  # noqa: PLC0415  # the same

    variables: dict[str, str] = {}
    for binding in parse_stream(StringIO(text)):
        if binding.error or (binding.key is not None and not _can_be_set(binding.key, binding.value)):
            blank_lines = len(binding.original.string) - len(binding.original.string.lstrip("\r\n"))
            raise click.ClickException(f"Line {binding.original.line + blank_lines} of {path} is not NAME=VALUE. Correct it.")
        if binding.key is not None and binding.value is not None:
            variables[binding.key] = binding.value
    return variables


def _can_be_set(name: str, value: str | None) -> bool:
    """Return whether an environment can have the variable."""
    return name != "" and "=" not in name and value is not None and "\0" not in name + value
