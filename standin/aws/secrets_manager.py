"""AWS Secrets Manager: moto, behind a front that counts."""

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

from standin.aws.server import App, Environ, Server, StartResponse, answer, refuse

REGION = "eu-north-1"
ACCOUNT = "123456789012"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:helseid-fn-rotation"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "ASIAHUSHHUSH", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMIhushK7MDENGhushbPxRfiCYhush"}
SESSION_TOKEN = "IQoJb3JpZ2luX2VjEHUSHhushHUSHhushHUSHhush0123456789+/=="

Invoke = Callable[[dict[str, Any]], bool]
"""Hands an event to a function, and tells whether that went well."""


class SecretsManager(Server):
    """Secrets Manager in one region; requests of other kinds than `operations` are neither counted nor failed."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._scheme = "https" if tls else "http"
        self._moto = DomainDispatcherApplication(create_backend_app)
        self.operations = {"GetSecretValue"}
        self.reads: list[dict[str, Any]] = []
        """What was asked for, in order: the members of each request that is counted."""
        super().__init__(self._moto, tls)

    @property
    def url(self) -> str:
        """Its address."""
        return f"{self._scheme}://127.0.0.1:{self.port}"

    @property
    def client(self) -> Any:
        """A client of its own, for the tests."""
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
        """Store a new version, which becomes AWSCURRENT as the old one becomes AWSPREVIOUS, and return its id."""
        version_id: str = self.client.put_secret_value(SecretId=arn, SecretString=value)["VersionId"]
        return version_id

    def labels(self, arn: str) -> dict[str, list[str]]:
        """Return the staging labels of each version that has any."""
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
        """Return the answer to GetSecretValue for the current version; without a stage, moto's would be another at times."""
        answer: dict[str, Any] = self.client.get_secret_value(SecretId=arn, VersionStage="AWSCURRENT")
        return answer

    def rotate(self, arn: str, invoke: Invoke) -> None:
        """Rotate a secret by RotateSecret, whose steps `invoke` is given one by one; where it returns False the rotation ends.

        Raises `ClientError` then; AWS would repeat the rotation by itself, and moto does not.
        """
        with play_lambda(invoke):
            self.client.rotate_secret(SecretId=arn, RotationLambdaARN=FUNCTION, RotationRules={"AutomaticallyAfterDays": 30})

    def fail_after(self, requests: int, fault: App | None = None, *, lose: bool = False) -> None:
        """Let so many requests pass, then fail one of those that are counted; `lose` carries it out, and loses the answer."""

        def fail(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
            if lose:
                list(self._moto(environ, lambda *_: None))
            return (fault or refuse(500, "InternalServiceError"))(environ, start_response)

        self.fail_next(self._moto, times=requests)
        self.fail_next(fail)

    def environment(self, address: str, **more: str) -> dict[str, str]:
        """Return the settings that make a function read from here."""
        return {"HELSEID_KEY": address, "AWS_ENDPOINT_URL_SECRETS_MANAGER": self.url, **CREDENTIALS, **more}

    def is_counted(self, environ: Environ) -> bool:
        """Tell whether a request is of a kind that is counted, and keep what it asks for."""
        operation = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
        if operation not in self.operations or "Credential=test/" in environ.get("HTTP_AUTHORIZATION", ""):
            return False
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        environ["wsgi.input"] = io.BytesIO(body)
        self.reads.append(json.loads(body))
        return True


def play_lambda(invoke: Invoke) -> AbstractContextManager[object]:
    """Let moto's Secrets Manager invoke every function by this one; where it returns False the function has failed."""
    return mock.patch("moto.awslambda.utils.get_backend", return_value=_Lambda(invoke))


class _Lambda:
    """What moto's Secrets Manager needs of Lambda."""

    def __init__(self, invoke: Invoke) -> None:
        self._invoke = invoke

    def get_function(self, arn: str) -> str:
        """Find every function."""
        return arn

    def invoke(self, *_: object, body: str, **__: object) -> None:
        """Invoke the function, and end the rotation when it fails."""
        if not self._invoke(json.loads(body)):
            raise InvalidRequestException("The rotation's function failed.")


class Extension(Server):
    """The Parameters and Secrets Lambda Extension, as documented: it answers from its cache until its time to live is over.

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
        super().__init__(self._answer)

    def environment(self, address: str, **more: str) -> dict[str, str]:
        """Return the settings that make a function read from here first."""
        names = {"AWS_SESSION_TOKEN": self.session_token, "PARAMETERS_SECRETS_EXTENSION_HTTP_PORT": str(self.port)}
        return self._manager.environment(address, **names, **more)

    def is_counted(self, environ: Environ) -> bool:
        """Count every request."""
        self.reads.append(environ["QUERY_STRING"])
        return True

    def _answer(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("HTTP_X_AWS_PARAMETERS_SECRETS_TOKEN") != self.session_token:
            return answer(401, b"missing or incorrect token")(environ, start_response)
        if environ["PATH_INFO"] != "/secretsmanager/get":
            return answer(404, b"")(environ, start_response)
        query = environ["QUERY_STRING"]
        read_at, members = self._cache.get(query, (float("-inf"), {}))
        if self._now() - read_at >= self._ttl_seconds:
            asked = {name[0].upper() + name[1:]: values[0] for name, values in parse_qs(query).items()}
            try:
                members = self._manager.client.get_secret_value(**asked)
            except ClientError as error:
                return answer(400, error.response["Error"])(environ, start_response)
            self._cache[query] = (self._now(), members)
        return answer(200, _encode(members))(environ, start_response)


def _encode(members: dict[str, Any]) -> bytes:
    binary = members.get("SecretBinary")
    shown = members if binary is None else {**members, "SecretBinary": base64.b64encode(binary).decode()}
    return json.dumps(shown, default=str).encode()
