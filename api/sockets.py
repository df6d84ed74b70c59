# SPDX-License-Identifier: GPL-3.0-or-later
"""A WebSocket, read: its messages of text, as JSON objects. Says nothing but what the protocol asks for (pong, close),
and knows no service.

It goes the way of every other request, so the same addresses, proxies, certificates and limits hold. The package
`websocket-client` opens its connections itself, where none of these would.

Source: RFC 6455 (its sections in parentheses).
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .connection import BROKEN, PIECE_BYTES, Opened
from .watch import Line, Watch

if TYPE_CHECKING:
    from .client import Client, Wait

MESSAGE_BYTES = 8 << 20  # of one message; those of ComfyUI have some thousands
FRAME_BYTES = 64  # what a frame counts for beside what is in it: a message of empty ones comes to an end as well

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # with which a server shows that it has read the request (1.3)
_LAST, _RESERVED, _OPCODE = 0x80, 0x70, 0x0F  # in the first byte of a frame (5.2)
_MASKED, _LENGTH = 0x80, 0x7F  # in the second
_LONGER = {126: 2, 127: 8}  # by what stands there for a length: the bytes in which the length follows
_CONTINUED, _TEXT, _BINARY = 0x0, 0x1, 0x2
_CLOSE, _PING, _PONG = _CONTROL = 0x8, 0x9, 0xA  # what is no part of a message, and may come inside of one (5.5)


@contextmanager
def messages(client: "Client", path: str, wait: "Wait") -> Iterator[Iterator[dict[str, Any]] | None]:
    """Open a WebSocket and give its messages as they come; None where the server answers with anything else. Messages
    that are no JSON object are left out.

    They end when the server closes, breaks off, says what is no WebSocket, or falls silent (`Network.quiet_s`).
    `wait(0)` is called several times a second, whatever comes, and may raise. Raises `ConnectionFailedError` where the
    server cannot be reached.
    """
    key = base64.b64encode(secrets.token_bytes(16)).decode()
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Key": key,
        "Sec-WebSocket-Version": "13",
    }
    with client.listen(path, wait, headers) as opened:
        line = opened.watch.line
        yield _messages(line, opened.watch, client.quiet_s) if line and _is_accepted(opened, key) else None


def _is_accepted(opened: Opened, key: str) -> bool:
    """Whether the server speaks the protocol from here on (4.1), without extensions that it was not asked for."""
    digest = hashlib.sha1(key.encode() + _GUID, usedforsecurity=False).digest()
    return (
        opened.status == 101
        and opened.headers.get("Upgrade", "").lower() == "websocket"
        and opened.headers.get("Sec-WebSocket-Accept", "").strip() == base64.b64encode(digest).decode()
        and "Sec-WebSocket-Extensions" not in opened.headers
    )


def _messages(line: Line, watch: Watch, quiet_s: float) -> Iterator[dict[str, Any]]:
    watch.expect_stream(quiet_s)
    try:
        while (text := _next_text(line, watch)) is not None:
            try:
                # One character that was cut is no reason to give up: in a name, say.
                content = json.loads(text.decode("utf-8", "replace"))
            except (ValueError, RecursionError):
                continue
            if isinstance(content, dict):
                yield content
    except BROKEN:
        return


def _next_text(line: Line, watch: Watch) -> bytes | None:
    """Wait for a message of text; None where the server closes the connection. Raises what is in `BROKEN`."""
    message, kind, room = bytearray(), _CONTINUED, MESSAGE_BYTES
    while True:
        is_last, opcode, payload = _next_frame(line, watch, room)
        if opcode == _CLOSE:
            line.say(_frame(_CLOSE, payload[:2]))  # the code; the reason stays where it came from
            return None
        if opcode == _PING:
            line.say(_frame(_PONG, payload))
        if opcode in _CONTROL:
            continue
        if (opcode == _CONTINUED) != (kind != _CONTINUED):
            raise ConnectionError("a frame of another message, or of none")
        kind = kind or opcode
        message += payload
        room -= len(payload) + FRAME_BYTES
        if is_last and kind == _TEXT:
            return bytes(message)
        if is_last:
            message, kind, room = bytearray(), _CONTINUED, MESSAGE_BYTES


def _next_frame(line: Line, watch: Watch, room: int) -> tuple[bool, int, bytes]:
    """Wait for a frame of at most `room` bytes; return whether it is the last of its message, its kind and what is in
    it. Raises what is in `BROKEN`."""
    first, second = _read(line, watch, 2)
    is_last, opcode, length = bool(first & _LAST), first & _OPCODE, second & _LENGTH
    if first & _RESERVED or second & _MASKED or opcode not in (_CONTINUED, _TEXT, _BINARY, *_CONTROL):
        raise ConnectionError("no frame of a server")
    if opcode in _CONTROL and (length in _LONGER or not is_last):
        raise ConnectionError("a frame that has to be short and whole")
    if length in _LONGER:
        length = int.from_bytes(_read(line, watch, _LONGER[length]))
    if length > room:
        raise ConnectionError("a message without end")
    return is_last, opcode, _read(line, watch, length)


def _read(line: Line, watch: Watch, length: int) -> bytes:
    """Wait for so many bytes. Raises what is in `BROKEN`, also where the connection ends before."""
    content = bytearray()
    while len(content) < length:
        piece = line.read(min(length - len(content), PIECE_BYTES))
        if not piece:
            raise ConnectionError("the connection has ended")
        content += piece
        watch.next_step()
    return bytes(content)


def _frame(opcode: int, payload: bytes) -> bytes:
    """A frame as a client has to send it: masked (5.3). `payload` has 125 bytes at most."""
    mask = secrets.token_bytes(4)
    masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
    return bytes([_LAST | opcode, _MASKED | len(payload)]) + mask + masked
