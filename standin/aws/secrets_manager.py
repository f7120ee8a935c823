"""AWS Secrets Manager and its Lambda extension, on top of moto."""

import base64
import io
import json
import ssl
import uuid
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any
from unittest import mock
from urllib.parse import parse_qs

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.secretsmanager.exceptions import InvalidRequestException
from moto.secretsmanager.models import secretsmanager_backends

from standin.aws.server import App, Environ, Server, StartResponse, refuse, respond

REGION = "eu-north-1"
ACCOUNT = "123456789012"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:helseid-fn-rotation"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "ASIAHUSHHUSH", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMIhushK7MDENGhushbPxRfiCYhush"}
SESSION_TOKEN = "IQoJb3JpZ2luX2VjEHUSHhushHUSHhushHUSHhush0123456789+/=="

Invoke = Callable[[dict[str, Any]], bool]
"""Invokes a function with an event, and returns whether it succeeded."""


class SecretsManager(Server):
    """Secrets Manager in one region; only requests of the kinds in `operations` are counted and can fail."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._scheme = "https" if tls else "http"
        self._moto = DomainDispatcherApplication(create_backend_app)
        self.operations = {"GetSecretValue"}
        self.reads: list[dict[str, Any]] = []
        """The members of each counted request, in order."""
        super().__init__(self._moto, tls)

    @property
    def url(self) -> str:
        """The server's URL."""
        return f"{self._scheme}://127.0.0.1:{self.port}"

    @property
    def client(self) -> Any:
        """A boto3 client for tests, whose requests are not counted."""
        return boto3.client(
            "secretsmanager",
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(proxies={}),
        )

    def add(self, value: str | bytes) -> str:
        """Store a new secret and return its ARN."""
        member = {"SecretString": value} if isinstance(value, str) else {"SecretBinary": value}
        arn: str = self.client.create_secret(Name=f"helseid/key-{uuid.uuid4().hex}", **member)["ARN"]
        return arn

    def replace(self, arn: str, value: str) -> str:
        """Store a new version as AWSCURRENT and return its id; the old version becomes AWSPREVIOUS."""
        version_id: str = self.client.put_secret_value(SecretId=arn, SecretString=value)["VersionId"]
        return version_id

    def labels(self, arn: str) -> dict[str, list[str]]:
        """Return the staging labels by version, for each version that has some."""
        found: dict[str, list[str]] = self.client.describe_secret(SecretId=arn)["VersionIdsToStages"]
        return {version: sorted(set(labels)) for version, labels in found.items() if labels}

    def reserve(self, arn: str) -> str:
        """Reserve a version for a rotation and return its id, as RotateSecret does before it invokes a function."""
        secret: Any = secretsmanager_backends[ACCOUNT][REGION].secrets[arn]
        version_id = str(uuid.uuid4())
        secret.versions[version_id] = {"createdate": 0, "version_id": version_id, "version_stages": ["AWSPENDING"]}
        secret.rotation_requested = secret.rotation_enabled = True
        return version_id

    def current(self, arn: str) -> dict[str, Any]:
        """Return the response of GetSecretValue for AWSCURRENT; without a stage moto may return another version."""
        response: dict[str, Any] = self.client.get_secret_value(SecretId=arn, VersionStage="AWSCURRENT")
        return response

    def rotate(self, arn: str, invoke: Invoke) -> None:
        """Rotate a secret through RotateSecret, which passes each step to `invoke`.

        Raises `ClientError` at the first step for which `invoke` returns False; unlike AWS, moto does not retry.
        """
        with emulate_lambda(invoke):
            self.client.rotate_secret(SecretId=arn, RotationLambdaARN=FUNCTION, RotationRules={"AutomaticallyAfterDays": 30})

    def fail_after(self, requests: int, fault: App | None = None, *, handled: bool = False) -> None:
        """Let some counted requests through, then fail one; `handled` carries it out first and loses the response."""

        def fail(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
            if handled:
                list(self._moto(environ, lambda *_: None))
            return (fault or refuse(500, "InternalServiceError"))(environ, start_response)

        self.fail_next(self._moto, times=requests)
        self.fail_next(fail)

    def environment(self, address: str, **more: str) -> dict[str, str]:
        """Return the settings of a function that reads from here."""
        return {"HELSEID_KEY": address, "AWS_ENDPOINT_URL_SECRETS_MANAGER": self.url, **CREDENTIALS, **more}

    def is_counted(self, environ: Environ) -> bool:
        """Return whether a request is counted, and record its members if it is."""
        operation = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
        if operation not in self.operations or "Credential=test/" in environ.get("HTTP_AUTHORIZATION", ""):
            return False
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        environ["wsgi.input"] = io.BytesIO(body)
        self.reads.append(json.loads(body))
        return True


def emulate_lambda(invoke: Invoke) -> AbstractContextManager[object]:
    """Make moto's Secrets Manager call `invoke` in place of every function; False means that the function failed."""
    return mock.patch("moto.awslambda.utils.get_backend", return_value=_Lambda(invoke))


class _Lambda:
    """The part of Lambda that moto's Secrets Manager uses."""

    def __init__(self, invoke: Invoke) -> None:
        self._invoke = invoke

    def get_function(self, arn: str) -> str:
        """Return the function, which always exists."""
        return arn

    def invoke(self, *_: object, body: str, **__: object) -> None:
        """Invoke the function; raises an exception if it fails, which ends the rotation."""
        if not self._invoke(json.loads(body)):
            raise InvalidRequestException("The rotation's function failed.")


class Extension(Server):
    """The Parameters and Secrets Lambda Extension, which caches each response for its time to live.

    https://docs.aws.amazon.com/secretsmanager/latest/userguide/retrieving-secrets_lambda.html
    """

    def __init__(self, manager: SecretsManager, now: Callable[[], float], *, ttl_seconds: float = 300.0) -> None:
        self._manager = manager
        self._now = now
        self._ttl_seconds = ttl_seconds
        self._cache: dict[str, tuple[float, dict[str, Any]]] = {}
        self.session_token = SESSION_TOKEN
        self.reads: list[str] = []
        """The query of each request, in order."""
        super().__init__(self._respond)

    def environment(self, address: str, **more: str) -> dict[str, str]:
        """Return the settings of a function that reads from here first."""
        names = {
            "AWS_LAMBDA_FUNCTION_NAME": "on-lambda",
            "AWS_SESSION_TOKEN": self.session_token,
            "PARAMETERS_SECRETS_EXTENSION_HTTP_PORT": str(self.port),
        }
        return self._manager.environment(address, **names, **more)

    def is_counted(self, environ: Environ) -> bool:
        """Count every request."""
        self.reads.append(environ["QUERY_STRING"])
        return True

    def _respond(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("HTTP_X_AWS_PARAMETERS_SECRETS_TOKEN") != self.session_token:
            return respond(401, b"missing or incorrect token")(environ, start_response)
        if environ["PATH_INFO"] != "/secretsmanager/get":
            return respond(404, b"")(environ, start_response)
        query = environ["QUERY_STRING"]
        read_at, members = self._cache.get(query, (float("-inf"), {}))
        if self._now() - read_at >= self._ttl_seconds:
            arguments = {name[0].upper() + name[1:]: values[0] for name, values in parse_qs(query).items()}
            try:
                members = self._manager.client.get_secret_value(**arguments)
            except ClientError as error:
                return respond(400, error.response["Error"])(environ, start_response)
            self._cache[query] = (self._now(), members)
        return respond(200, _encode(members))(environ, start_response)


def _encode(members: dict[str, Any]) -> bytes:
    binary = members.get("SecretBinary")
    encodable = members if binary is None else {**members, "SecretBinary": base64.b64encode(binary).decode()}
    return json.dumps(encodable, default=str).encode()
