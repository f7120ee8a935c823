"""Every failure to connect names its phase, ends within the connect timeout, and is known to have sent nothing."""

import contextlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import certifi
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from urllib3 import PoolManager, ProxyManager, Timeout

from helseid_fn.context import Context
from helseid_fn.error_codes import Party
from helseid_fn.http.connection import POOL_CLASSES
from helseid_fn.http.failures import ConnectError, Phase, TunnelRefusedError, classify_failure
from helseid_fn.http.messages import Message
from helseid_fn.http.transport import Transport
from helseid_fn.http.trust import load_tls_context
from tests.support.certificates import Authority
from tests.support.proxy import Proxy


@pytest.fixture(scope="module")
def context() -> ssl.SSLContext:
    """Return a context that trusts public authorities."""
    return load_tls_context(certifi.where())


@contextlib.contextmanager
def serve(*talks: Callable[[socket.socket], object]) -> Iterator[int]:
    """Accept one connection on loopback for each talk, and close it after the talk. Yield the port."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(5)

    def run() -> None:
        for talk in talks:
            with contextlib.suppress(OSError), listener.accept()[0] as peer:
                peer.settimeout(5)
                talk(peer)

    thread = threading.Thread(target=run)
    thread.start()
    with listener:
        yield listener.getsockname()[1]
    thread.join()


def alert(description: int) -> Callable[[socket.socket], object]:
    """Read the ClientHello and respond with a fatal alert."""

    def talk(peer: socket.socket) -> None:
        peer.recv(4096)
        peer.sendall(bytes([21, 3, 3, 0, 2, 2, description]))

    return talk


def respond(data: bytes) -> Callable[[socket.socket], object]:
    def talk(peer: socket.socket) -> None:
        peer.recv(4096)
        peer.sendall(data)

    return talk


def reset(peer: socket.socket) -> None:
    peer.recv(4096)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")


def fail(url: str, context: ssl.SSLContext, *, proxy: str = "", seconds: float = 2.0) -> ConnectError:
    """Send a GET that cannot connect and return the error, which reaches the caller unwrapped."""
    manager = ProxyManager(proxy, ssl_context=context) if proxy else PoolManager(ssl_context=context)
    manager.pool_classes_by_scheme = POOL_CLASSES
    with manager, pytest.raises(ConnectError) as raised:
        manager.request("GET", url, retries=False, timeout=Timeout(connect=seconds, read=5))
    return raised.value


@pytest.mark.parametrize(
    ("talk", "final"),
    [
        *[pytest.param(alert(number), True, id=f"alert {number}") for number in (40, 47, 49, 50, 70, 71, 80, 86, 112, 120)],
        pytest.param(respond(b"HTTP/1.1 400 Bad Request\r\n\r\n"), True, id="plain HTTP"),
        pytest.param(respond(b""), False, id="closed"),
        pytest.param(reset, False, id="reset"),
    ],
)
def test_a_failed_handshake_is_tls_and_not_processed(
    context: ssl.SSLContext, talk: Callable[[socket.socket], object], *, final: bool
) -> None:
    with serve(talk) as port:
        error = fail(f"https://127.0.0.1:{port}/", context)
    failure = classify_failure(error)
    assert (error.phase, failure.reason, failure.processed, failure.final) == (Phase.TLS, "tls", False, final)


GROUP_OF_1024_BITS = """-----BEGIN DH PARAMETERS-----
MIGHAoGBAMBQzWpjjKDUZ4/PYihK7LbIFFiJXK8gCfJ8vtl0L7XvHluLaC0mKvAH
GxccmfGHp+9U42XNxdYbSfPBnqXUPss+89FzS3d0aTyVGoAH2W3PHcuSmKUvFTFu
pHBH9yXjalIAPT2umh6iH1952IfwjU8wqcvXv8LxPTZC4ZV3jGaXAgEC
-----END DH PARAMETERS-----
"""


def test_a_handshake_with_a_weak_group_is_tls_and_not_processed(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    server = authority.server(key=rsa.generate_private_key(65537, 2048))
    server.maximum_version = ssl.TLSVersion.TLSv1_2
    server.set_ciphers("DHE-RSA-AES256-GCM-SHA384:@SECLEVEL=0")
    group = tmp_path / "group.pem"
    group.write_text(GROUP_OF_1024_BITS)
    server.load_dh_params(group)

    def shake_hands(peer: socket.socket) -> None:
        server.wrap_socket(peer, server_side=True)

    with serve(shake_hands) as port:
        error = fail(f"https://127.0.0.1:{port}/", load_tls_context(str(authority.bundle)))
    failure = classify_failure(error)
    assert (error.phase, failure.reason, failure.processed, failure.final) == (Phase.TLS, "tls", False, True)
    assert "DH_KEY_TOO_SMALL" in str(error.__cause__)


def test_a_slow_handshake_ends_with_the_connect_timeout(context: ssl.SSLContext) -> None:
    def drip(peer: socket.socket) -> None:
        for octet in bytes([22, 3, 3, 0, 100]) + bytes(20):
            peer.sendall(bytes([octet]))
            time.sleep(0.1)

    with serve(drip) as port:
        began_at = time.monotonic()
        error = fail(f"https://127.0.0.1:{port}/", context, seconds=0.4)
        took_seconds = time.monotonic() - began_at
    failure = classify_failure(error)
    assert (error.phase, failure.reason, failure.processed) == (Phase.TLS, "timeout", False)
    assert took_seconds < 1


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_refused_connection_differs_from_an_unknown_name(
    context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    with serve() as port:
        pass
    assert fail(f"{scheme}://127.0.0.1:{port}/", context).phase is Phase.CONNECTING

    def find_nothing(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", find_nothing)
    assert fail(f"{scheme}://api.example.no/", context).phase is Phase.RESOLVING


def test_a_slow_look_up_ends_with_the_connect_timeout(context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> None:
    found = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found.wait(5) and [])
    error = fail("https://api.example.no/", context, seconds=0.2)
    found.set()
    assert (error.phase, type(error.__cause__)) == (Phase.RESOLVING, TimeoutError)


@contextlib.contextmanager
def refusing() -> Iterator[int]:
    """Yield a port that nobody listens on."""
    with serve() as port:
        pass
    yield port


@contextlib.contextmanager
def silent() -> Iterator[int]:
    """Yield a port that neither accepts nor refuses: its backlog is full."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(2):
            waiting = stack.enter_context(socket.socket())
            waiting.settimeout(0)
            with contextlib.suppress(BlockingIOError):
                waiting.connect(listener.getsockname())
        yield listener.getsockname()[1]


@pytest.mark.parametrize("dead", [refusing, silent], ids=["refuses", "is silent"])
@pytest.mark.parametrize("times", [1, 3])
def test_the_next_address_is_tried_when_one_is_dead(
    monkeypatch: pytest.MonkeyPatch, dead: Callable[[], contextlib.AbstractContextManager[int]], times: int
) -> None:
    look_up = socket.getaddrinfo
    with dead() as dead_port, serve(respond(b"HTTP/1.1 204 No Content\r\n\r\n")) as port:
        dead_address = look_up("127.0.0.1", dead_port, type=socket.SOCK_STREAM)
        monkeypatch.setattr(socket, "getaddrinfo", lambda *rest, **names: dead_address * times + look_up(*rest, **names))
        with PoolManager() as manager:
            manager.pool_classes_by_scheme = POOL_CLASSES
            timeout = Timeout(connect=2, read=5)
            assert manager.request("GET", f"http://127.0.0.1:{port}/", retries=False, timeout=timeout).status == 204


@pytest.mark.parametrize(
    ("talk", "cause"),
    [
        (respond(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"), TunnelRefusedError),
        (respond(b"SSH-2.0-server\r\n"), http.client.BadStatusLine),
        (respond(b""), http.client.RemoteDisconnected),
        (lambda _: time.sleep(0.5), TimeoutError),
    ],
    ids=["407", "not HTTP", "closed", "no response"],
)
def test_a_tunnel_that_fails_is_the_proxys_failure(
    context: ssl.SSLContext, talk: Callable[[socket.socket], object], cause: type[Exception]
) -> None:
    with serve(talk) as port:
        error = fail("https://api.example.no/", context, proxy=f"http://127.0.0.1:{port}", seconds=0.3)
    assert (error.phase, type(error.__cause__)) == (Phase.PROXY, cause)


def test_a_proxy_that_is_not_there_is_the_proxys_failure(context: ssl.SSLContext) -> None:
    with serve() as port:
        pass
    assert fail("https://api.example.no/", context, proxy=f"http://127.0.0.1:{port}").phase is Phase.PROXY


def test_a_handshake_through_a_tunnel_is_not_the_proxys(context: ssl.SSLContext) -> None:
    asked: list[bytes] = []

    def tunnel(peer: socket.socket) -> None:
        asked.append(peer.recv(4096))
        peer.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        alert(80)(peer)

    with serve(tunnel) as port:
        error = fail("https://[2001:db8::1]/", context, proxy=f"http://127.0.0.1:{port}")
    assert asked == [b"CONNECT [2001:db8::1]:443 HTTP/1.1\r\nHost: [2001:db8::1]:443\r\n\r\n"]
    assert error.phase is Phase.TLS


def test_an_https_proxy_carries_tls_inside_tls(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    context = load_tls_context(str(authority.bundle))

    def be_the_server(peer: socket.socket) -> None:
        with authority.server().wrap_socket(peer, server_side=True) as tls:
            respond(b"HTTP/1.1 204 No Content\r\n\r\n")(tls)

    with serve(be_the_server) as port, Proxy(tls=authority.server()) as proxy:
        manager = ProxyManager(proxy.url, ssl_context=context)
        manager.pool_classes_by_scheme = POOL_CLASSES
        with manager:
            response = manager.request("GET", f"https://127.0.0.1:{port}/", retries=False, timeout=Timeout(connect=2, read=5))
    assert response.status == 204
    assert proxy.asked == [f"CONNECT 127.0.0.1:{port}"]


def test_sending_a_body_may_take_longer_than_connecting() -> None:
    size = 16 * 1024 * 1024  # more than the sockets buffer

    def read_late(peer: socket.socket) -> None:
        time.sleep(0.5)
        read = bytearray()
        while len(read.partition(b"\r\n\r\n")[2]) < size and (block := peer.recv(1024 * 1024)):
            read += block
        peer.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    transport = Transport(connect_timeout_seconds=0.1)
    with serve(read_late) as port:
        url = f"http://127.0.0.1:{port}/"
        response = transport.send(Party.API, "PUT", url, lambda _url, _nonce: Message({}, b"x" * size), ctx=Context(30))
    assert response.status == 204
