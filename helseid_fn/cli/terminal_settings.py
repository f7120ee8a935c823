"""The settings of a command, with a warning for what is suspicious in them."""

from __future__ import annotations

from collections.abc import Mapping

import click

from helseid_fn.settings import Settings, find_warnings, parse_settings


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Parse the settings, and warn on standard error of misspelt names and trimmed values. Raises `SettingsError`."""
    settings = parse_settings(environ)
    for warning in find_warnings(environ):
        click.echo(f"Warning: {warning}", err=True)
    return settings
