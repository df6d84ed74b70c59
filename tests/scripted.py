# SPDX-License-Identifier: GPL-3.0-or-later
"""A server on loopback that says word for word what a test gave it, one connection after the other. Speaks no service's
language."""

import contextlib
import json
import socket
import threading


def http(body=b"", status="200 OK", **headers):
    """One answer as bytes. Content-Length is there unless a header says otherwise; underscores in a name stand for
    hyphens."""
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if "Transfer-Encoding" not in named:
        named = {"Content-Length": len(body), **named}
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in named.items() if value is not None)]
    return "\r\n".join([*lines, "", ""]).encode() + body


def chunk(body):
    """A piece of an answer with Transfer-Encoding: chunked."""
    return f"{len(body):x}\r\n".encode() + body + b"\r\n"


class Scripted:
    """`say()` puts an answer into the queue; the last one is said until there is another. `requests` holds (head, body)
    of what came."""

    def __init__(self):
        self.requests = []
        self.connections = 0
        self._answers = []
        self._is_last_said = False
        self._closing = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def say(self, *pieces):
        """Answer the next connection with these bytes; a number among them is a pause in seconds."""
        if self._is_last_said:
            self._answers.clear()
        self._is_last_said = False
        self._answers.append(pieces)

    def close(self):
        self._closing.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    def _serve(self):
        while not self._closing.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            with connection, contextlib.suppress(OSError):
                connection.settimeout(10)
                self._answer(connection)

    def _answer(self, connection):
        stream = connection.makefile("rb")
        lines = []
        while (line := stream.readline()) not in (b"\r\n", b""):
            lines.append(line.decode("latin-1").rstrip())
        head = "\n".join(lines)
        sizes = [line.partition(":")[2] for line in lines if line.lower().startswith("content-length:")]
        body = stream.read(int(sizes[0])) if sizes else b""
        self.requests.append((head, body))
        self._is_last_said = len(self._answers) == 1
        pieces = self._answers[0] if self._is_last_said else self._answers.pop(0)
        for piece in pieces:
            if isinstance(piece, bytes):
                connection.sendall(piece)
            elif self._closing.wait(piece):
                return
