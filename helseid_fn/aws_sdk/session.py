"""Makes boto3's clients: without retries of their own, with a limit for each wait, and quiet.

At DEBUG boto3 logs what it receives.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.loaders import Loader

from helseid_fn.aws_sdk.errors import NO_CREDENTIALS
from helseid_fn.error_codes import Party
from helseid_fn.errors import Refused
from helseid_fn.http.url import find_url_fault

_MODELS = Loader()
"""AWS's descriptions of its services. By itself each session reads them anew, which takes 12 MiB for each client."""


@dataclass(frozen=True, slots=True)
class Service:
    """One of AWS's services, by boto3's name for it; `misfit` is the reason of a refusal for settings that do not fit it."""

    name: str
    party: Party
    misfit: str

    @property
    def endpoint_variable(self) -> str:
        """The variable by which boto3 takes another endpoint."""
        return {"secretsmanager": "AWS_ENDPOINT_URL_SECRETS_MANAGER"}.get(self.name, f"AWS_ENDPOINT_URL_{self.name.upper()}")


def make_client(service: Service, region: str | None, timeout_seconds: float) -> Any:
    """Return a client whose every wait ends after the timeout, or the `Refused` that says why there is none.

    Raises what boto3 raises.
    """
    session = _open_session()
    credentials = session.get_credentials()
    if credentials is None:
        return Refused(service.party, "unauthenticated", NO_CREDENTIALS)
    credentials.get_frozen_credentials()  # fetches them now, if they come from elsewhere
    config = Config(
        connect_timeout=timeout_seconds, read_timeout=timeout_seconds, retries={"total_max_attempts": 1, "mode": "standard"}
    )
    client = session.client(service.name, region_name=region, config=config)
    fault = find_url_fault(client.meta.endpoint_url)
    if fault is not None:
        return Refused(service.party, service.misfit, f"The AWS endpoint {fault}. Correct {service.endpoint_variable}.")
    if client.meta.endpoint_url.startswith("http:"):
        # Without TLS it is this machine, whose traffic must not go through a proxy, and which has no name for each bucket.
        local = config.merge(Config(proxies={}, s3={"addressing_style": "path"}))
        client = session.client(service.name, region_name=region, config=local)
    _keep_quiet()
    return client


def _open_session() -> Any:
    core = botocore.session.get_session()
    core.register_component("data_loader", _MODELS)
    return boto3.session.Session(botocore_session=core)


def _keep_quiet() -> None:
    """Silence boto3's loggers below WARNING, whatever their level: at DEBUG they log responses and session tokens."""
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] in ("boto3", "botocore"):
            logging.getLogger(name).addFilter(_is_warning)


def _is_warning(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING


_keep_quiet()
