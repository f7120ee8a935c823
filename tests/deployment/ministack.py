"""AWS on loopback, as far as a deployment needs it: ministack, and moto for alarms, which ministack stores only in part.

IAM is enforced: the key `test` is the account's root, and everybody else may do what policies allow.
"""

from __future__ import annotations

import socket
import sys
import tempfile
from pathlib import Path
from typing import Any, Self

import boto3
from botocore.config import Config
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from demo.processes import Process, accepts
from standin.aws.server import Environ, Server
from tests.deployment.workspace import TerraformUnavailable

PROGRAM = Path(sys.prefix) / "ministack" / "bin" / "ministack"
ACCOUNT = "000000000000"
REGION = "eu-north-1"
ROOT = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}

_SERVICES = ("cloudwatchlogs", "events", "iam", "kms", "lambda", "s3", "scheduler", "secretsmanager", "sns", "sqs", "sts")


class _Moto(Server):
    """CloudWatch's alarms."""

    def __init__(self) -> None:
        super().__init__(DomainDispatcherApplication(create_backend_app))

    def is_counted(self, environ: Environ) -> bool:
        """Count none."""
        del environ
        return False


class Aws:
    """One account in one region, for as long as this context lasts."""

    def __enter__(self) -> Self:
        if not PROGRAM.exists():
            raise TerraformUnavailable("ministack is not installed; run: make .venv/ministack/ready")
        self._moto = _Moto()
        self._home = tempfile.TemporaryDirectory()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        # It passes its own environment on to the function, so nothing of ours may be in it.
        environment = {
            "AUTH": "true",
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(port),
            "HOME": self._home.name,
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "MINISTACK_REGION": REGION,
            "PATH": "/usr/bin:/bin",
            "PYTHONUNBUFFERED": "1",
            "TMPDIR": self._home.name,
        }
        self.process = Process("ministack", [str(PROGRAM)], environment, Path(self._home.name))
        try:
            self.process.wait_for(lambda: accepts(port))
            self._moto.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._moto.stop()
        self.process.stop()
        self._home.cleanup()

    def client(self, service: str, credentials: dict[str, str] = ROOT) -> Any:
        """Return a client, with the root's credentials unless others are given."""
        url = f"http://127.0.0.1:{self._moto.port}" if service == "cloudwatch" else self.url
        return boto3.client(service, region_name=REGION, endpoint_url=url, config=Config(proxies={}), **credentials)

    def provider(self) -> str:
        """Return the configuration of an AWS provider that deploys here."""
        endpoints = {**dict.fromkeys(_SERVICES, self.url), "cloudwatch": f"http://127.0.0.1:{self._moto.port}"}
        lines = [f'    {name} = "{url}"' for name, url in endpoints.items()]
        return "\n".join(
            [
                'provider "aws" {',
                f'  region = "{REGION}"',
                '  access_key = "test"',
                '  secret_key = "test"',
                "  skip_credentials_validation = true",
                "  skip_metadata_api_check = true",
                "  s3_use_path_style = true",  # no host has the bucket's name
                "  endpoints {",
                *lines,
                "  }",
                "}",
                "",
            ]
        )
