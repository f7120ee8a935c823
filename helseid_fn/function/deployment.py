"""What is done once when a host loads the function: the settings are read, and logging starts."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from importlib import import_module

from helseid_fn.errors import SettingsError
from helseid_fn.function import framework, log
from helseid_fn.http.adapter import load_trust_early
from helseid_fn.settings import Settings, find_warnings, parse_settings

# What functions-framework takes for true; with LOG_EXECUTION_ID it writes every logger's lines itself, as Lambda does.
_TRUE = ("y", "yes", "t", "true", "on", "1")

_logger = logging.getLogger(__name__)


def start(environ: Mapping[str, str]) -> Settings:
    """Parse the settings and start logging; a wrong deployment ends the process, with one line that names every fault."""
    is_on_lambda = "AWS_LAMBDA_RUNTIME_API" in environ
    host_writes = is_on_lambda or environ.get("LOG_EXECUTION_ID", "") in _TRUE
    try:
        settings = parse_settings(environ)
    except SettingsError as error:
        log.configure("CRITICAL", host_writes_others=host_writes, as_text=log.is_text(environ.get("LOG_FORMAT")))
        _logger.critical(str(error), extra={"fields": {"code": error.code, "faults": error.faults}})
        sys.exit(1)
    log.configure(settings.log_level, host_writes_others=host_writes, as_text=log.is_text(settings.log_format))
    for warning in find_warnings(environ):
        _logger.warning(warning)
    framework.install_hooks()
    # What every invocation needs is loaded now, when a host gives more processor time than later.
    import_module(f"helseid_fn.function.{'aws' if is_on_lambda else 'google'}")
    if is_on_lambda:
        load_trust_early(settings.issuer)
    return settings
