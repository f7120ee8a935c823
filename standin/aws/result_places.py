"""S3 and SQS, where results go, on top of moto."""

import io
import ssl
import threading
import uuid
from contextlib import nullcontext
from typing import Any

import boto3
from botocore.config import Config
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from standin.aws.secrets_manager import CREDENTIALS, REGION
from standin.aws.server import App, Environ, Server, StartResponse, respond


class ResultPlaces(Server):
    """S3 and SQS in one region; requests with other credentials than those of `client` are counted and can fail."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._scheme = "https" if tls else "http"
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._swapping = threading.Lock()
        self.requests: list[str] = []
        """The method and path of each counted request to S3, the operation of each to SQS, in order."""
        super().__init__(self.process, tls)

    @property
    def url(self) -> str:
        """The server's URL."""
        return f"{self._scheme}://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which boto3 finds this server."""
        return {"AWS_ENDPOINT_URL_S3": self.url, "AWS_ENDPOINT_URL_SQS": self.url, **CREDENTIALS}

    def client(self, service: str) -> Any:
        """Return a boto3 client for tests, whose requests are not counted."""
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(proxies={}, s3={"addressing_style": "path"}),
        )

    def add_bucket(self) -> str:
        """Make a bucket and return its name."""
        name = f"results-{uuid.uuid4().hex}"
        self.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        return name

    def add_queue(self, **attributes: str) -> str:
        """Make a queue and return its ARN."""
        client, suffix = self.client("sqs"), ".fifo" if "FifoQueue" in attributes else ""
        url = client.create_queue(QueueName=f"results-{uuid.uuid4().hex}{suffix}", Attributes=attributes)["QueueUrl"]
        arn: str = client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        return arn

    def messages(self, arn: str) -> list[dict[str, Any]]:
        """Receive every message of a queue."""
        client = self.client("sqs")
        url = client.get_queue_url(QueueName=arn.rpartition(":")[2])["QueueUrl"]
        found: list[dict[str, Any]] = []
        while batch := client.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"], MessageAttributeNames=["All"]
        ).get("Messages"):
            found += batch
        return found

    def process(self, environ: Environ, start_response: StartResponse) -> Any:
        """Process a request, whatever is planned; conditional ones in turn, since moto first compares and then swaps."""
        is_conditional = "HTTP_IF_MATCH" in environ or "HTTP_IF_NONE_MATCH" in environ
        with self._swapping if is_conditional else nullcontext():
            return self._moto(environ, start_response)

    def lose_response(self, fault: App) -> App:
        """Return a fault that carries the request out before it responds as another fault does."""

        def app(environ: Environ, start_response: StartResponse) -> Any:
            list(self.process(environ, lambda *_: lambda _: None))
            return fault(environ, start_response)

        return app

    def is_counted(self, environ: Environ) -> bool:
        """Return whether a request is counted, and note it if it is."""
        if "Credential=test/" in environ.get("HTTP_AUTHORIZATION", ""):
            return False
        operation = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
        self.requests.append(operation or f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}")
        if self._faults or self._lasting_fault:  # a fault reads no body, and hanging up on it would hide the response
            environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
        return True


def refuse_s3(status: int, code: str, message: str = "AWS's own words") -> App:
    """Return a fault that refuses as S3 does."""
    text = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return respond(status, text.encode(), "application/xml")
