"""As much of HTTP/2 (RFC 9113) as a wrong response to one gRPC call needs."""

import socket
import struct
from collections.abc import Iterator
from typing import BinaryIO

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _SETTINGS, _PING = 0, 1, 4, 6
_END_STREAM, _ACK, _END_HEADERS = 1, 1, 4
_SMALLEST_MAX_FRAME = 16384
"""What every receiver takes (section 4.2)."""


def read_calls(reader: BinaryIO, connection: socket.socket) -> Iterator[int]:
    """Read the calls on a connection; yield the stream of each at the end of its request."""
    if reader.read(len(_PREFACE)) != _PREFACE:
        return
    connection.sendall(_frame(_SETTINGS, 0, 0, b""))
    for kind, flags, stream, payload in _frames(reader):
        if kind == _SETTINGS and not flags & _ACK:
            connection.sendall(_frame(_SETTINGS, _ACK, 0, b""))
        if kind == _PING and not flags & _ACK:
            connection.sendall(_frame(_PING, _ACK, 0, payload))
        if stream and kind in (_DATA, _HEADERS) and flags & _END_STREAM:
            yield stream


def build_response(stream: int, status: int, content_type: str, body: bytes, trailers: dict[str, str], **headers: str) -> bytes:
    """Build a response: headers, the body in frames of a size that every client accepts, and any trailers."""
    head = {":status": str(status), "content-type": content_type, **headers}
    ends = not body and not trailers
    frames = [_frame(_HEADERS, _END_HEADERS | (_END_STREAM if ends else 0), stream, _block(head))]
    pieces = [body[start : start + _SMALLEST_MAX_FRAME] for start in range(0, len(body), _SMALLEST_MAX_FRAME)]
    for number, piece in enumerate(pieces, 1):
        last = number == len(pieces) and not trailers
        frames.append(_frame(_DATA, _END_STREAM if last else 0, stream, piece))
    if trailers:
        frames.append(_frame(_HEADERS, _END_HEADERS | _END_STREAM, stream, _block(trailers)))
    return b"".join(frames)


def message(payload: bytes) -> bytes:
    """Frame a gRPC message: a flag for no compression, the length, the message."""
    return struct.pack(">BI", 0, len(payload)) + payload


def _frames(reader: BinaryIO) -> Iterator[tuple[int, int, int, bytes]]:
    while len(head := reader.read(9)) == 9:
        length = int.from_bytes(head[:3], "big")
        payload = reader.read(length) if length else b""
        yield head[3], head[4], int.from_bytes(head[5:], "big") & 0x7FFFFFFF, payload


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def _block(headers: dict[str, str]) -> bytes:
    """Write a header block in HPACK's simplest form: literal fields, none indexed (RFC 7541 section 6.2.2)."""
    return b"".join(b"\0" + _text(name) + _text(value) for name, value in headers.items())


def _text(text: str) -> bytes:
    octets = text.encode("ascii")
    assert len(octets) < 127, "longer texts need a longer length"
    return bytes([len(octets)]) + octets
