# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that may say anything at all, and the good answers of CSM, Meshy and ComfyUI (`hostile_comfyui.py`) that it
spoils. `manners.py` says how they are spoiled.

Unlike `scripted.py` it holds as many connections as come, each in a thread, so that one that hangs keeps no other from
being answered. Unlike `service/` it makes nothing and charges nothing: it only speaks. Listens on loopback alone.
"""

import contextlib
import copy
import json
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any, NamedTuple

import hostile_comfyui

HEAD_BYTES_AT_MOST = 1 << 20
IDLE_S = 30.0  # how long a connection waits for a client that says nothing
FOREVER_S = 3600.0
LONG_SIZE = 100  # bytes that say how long a chunk is
PREFIX = {"meshy": "/openapi", "csm": "", "comfyui": ""}
TASKS = {"meshy": "/openapi/v1/image-to-3d", "csm": "/image-to-3d-sessions"}
SIGNATURE = "Signature=SecretSignature0123456789"

Piece = bytes | float
"""Bytes to be sent, or a pause in seconds."""


class Request(NamedTuple):
    """What came. `is_whole` is False where the answer was given before the body was read."""

    method: str
    target: str
    head: str
    body: bytes
    is_whole: bool


@dataclass
class Answer:
    """One answer, and how it is put on the wire. Whoever spoils it changes the fields; `pieces` sends what they say,
    however wrong.

    `documents` are the JSON values of the body: one, or of a stream one an event, whose kinds `events` has. Without
    any, `body` is sent.
    """

    status: str = "200 OK"
    headers: list[tuple[str | bytes, str | bytes]] = field(default_factory=list)
    documents: list[Any] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    body: bytes = b""
    version: str = "HTTP/1.1"
    framing: str = "length"
    """"length", "chunked", "close" (the end of the connection ends the body), or "as is" where `headers` say it."""
    chunk_bytes: int = 0
    """How long a chunk is; 0 for all in one."""
    sizes: Callable[[int], bytes] = lambda length: b"%x" % length
    """How the size of a chunk is written."""
    last_chunk: bytes = b"0\r\n\r\n"
    newline: bytes = b"\r\n"
    encoded: Callable[[bytes], bytes] = lambda content: content
    """What is done to the body before it is framed, as compressing it."""
    before: bytes = b""
    after: bytes = b""
    ascii_only: bool = True
    """Whether JSON has other characters as escapes; else as UTF-8, halves of pairs too."""
    raw: dict[str, str] = field(default_factory=dict)
    """By a text in the documents: what stands there instead, which `json.dumps` would not write."""
    cut_at: float | None = None
    """After which part of the bytes (0 to 1) the connection ends."""
    is_reset: bool = False
    """Whether the connection ends as one does that crashed (RST)."""
    is_early: bool = False
    """Whether the answer comes before the request's body was read."""
    drip: tuple[str, float] | None = None
    """In which part ("status", "head", "size", "body") every byte is followed by a pause of so many seconds."""
    silence: tuple[str, float] | None = None
    """Before which part nothing comes for so many seconds."""
    endless: Callable[[], Iterator[Piece]] | None = None
    """What comes after the last byte, or after the head where `endless_after` says so."""
    endless_after: str = "body"

    def header(self, name: str) -> str | None:
        found = [value for known, value in self.headers if as_bytes(known).lower() == name.lower().encode()]
        return as_bytes(found[0]).decode("latin-1") if found else None

    def set(self, name: str, value: str | bytes) -> None:
        """Replace a header, or add it."""
        self.headers = [entry for entry in self.headers if as_bytes(entry[0]).lower() != name.lower().encode()]
        self.headers.append((name, value))

    @property
    def code(self) -> int:
        """The status as a number, 0 where it is none."""
        word = self.status.partition(" ")[0]
        return int(word) if word.isascii() and word.isdigit() else 0

    def content(self) -> bytes:
        """The body before it is encoded and framed."""
        if not self.documents:
            return self.body
        texts = [self._dumped(document) for document in self.documents]
        if not self.events:
            return texts[0]
        return b"".join(
            b"event: %s\ndata: %s\n\n" % (kind.encode(), text) for kind, text in zip(self.events, texts, strict=True)
        )

    def _dumped(self, document: Any) -> bytes:
        text = json.dumps(document, ensure_ascii=self.ascii_only)
        for mark, instead in self.raw.items():
            text = text.replace(json.dumps(mark), instead).replace(mark, instead)
        return text.encode("utf-8", "surrogatepass")

    def segments(self) -> list[tuple[str, bytes]]:
        """The answer in its parts, in the order in which they are sent."""
        content = self.encoded(self.content())
        headers = list(self.headers)
        if self.framing == "length":
            headers.append(("Content-Length", str(len(content))))
        elif self.framing == "chunked":
            headers.append(("Transfer-Encoding", "chunked"))
        lines = [as_bytes(name) + b": " + as_bytes(value) + self.newline for name, value in headers]
        parts = [("before", self.before)] if self.before else []
        if self.version:
            parts.append(("status", as_bytes(f"{self.version} {self.status}") + self.newline))
            parts.append(("head", b"".join(lines) + self.newline))
        if self.framing == "chunked":
            step = self.chunk_bytes or max(len(content), 1)
            if (
                len(self.sizes(1)) > LONG_SIZE
            ):  # a hundred thousand of them would fill the machine's memory, here at the server
                step = max(step, len(content) // 20)
            framed = [(content[start : start + step]) for start in range(0, len(content), step)]
            if len(framed) > 1000:  # as one piece: a thread that sends a byte at a time would be slower than any client
                parts.append(("body", b"".join(self.sizes(len(one)) + b"\r\n" + one + b"\r\n" for one in framed)))
            else:
                for one in framed:
                    parts += [("size", self.sizes(len(one)) + b"\r\n"), ("body", one + b"\r\n")]
            parts.append(("size", self.last_chunk))
        else:
            parts.append(("body", content))
        return [*parts, ("after", self.after)] if self.after else parts

    def pieces(self) -> Iterator[Piece]:
        """What is sent, and the pauses between. May never end."""
        left = None
        if self.cut_at is not None:
            left = int(sum(len(part) for _, part in self.segments()) * self.cut_at)
        is_silent = False
        for name, part in self.segments():
            if self.silence and self.silence[0] == name and not is_silent:
                is_silent = True
                yield self.silence[1]
            if left is not None:
                part, left = part[:left], max(left - len(part), 0)
            if self.drip and self.drip[0] == name:
                for at in range(len(part)):
                    yield part[at : at + 1]
                    yield self.drip[1]
            elif part:
                yield part
            if left == 0:
                return
            if self.endless and self.endless_after == name:
                yield from self.endless()
        if self.endless:
            yield from self.endless()


def as_bytes(text: str | bytes) -> bytes:
    """What stands in a head, as it is where it is bytes: UTF-8, with halves of pairs."""
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")


Respond = Callable[[Request], "Answer | Iterable[Piece]"]


class Hostile:
    """The server. `play` says what it answers from then on; `requests` holds what came since.

    With `tls`, an `ssl.SSLContext` for servers, it speaks https. `host` is a loopback address, `name` what it is called
    in `url`.
    """

    def __init__(self, host: str = "127.0.0.1", tls: Any = None, name: str = "") -> None:
        self.requests: list[Request] = []
        self._tls = tls
        self._respond: Respond = lambda request: Answer("404 Not Found")
        self._lock = threading.Lock()
        self._open: dict[socket.socket, threading.Event] = {}
        self._listener = socket.create_server((host, 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://{name or host}:{self.port}"
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def play(self, respond: Respond) -> None:
        """Answer with what `respond` returns, and end all connections that are open still."""
        self.end_all()
        self.requests = []
        self._respond = respond

    def end_all(self) -> None:
        """End every connection, whatever is being said on it."""
        with self._lock:
            going = list(self._open.items())
        for connection, over in going:
            over.set()
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.end_all()
        self._thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        over = threading.Event()
        with self._lock:
            self._open[connection] = over
        requests, respond = self.requests, self._respond  # of this moment: a late connection belongs to the play before
        try:
            connection.settimeout(IDLE_S)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # a drip is a drip
            with contextlib.suppress(OSError, ValueError):
                speaker = self._tls.wrap_socket(connection, server_side=True) if self._tls else connection
                with contextlib.closing(speaker):
                    self._answer(speaker, over, requests, respond)
        finally:
            with self._lock:
                del self._open[connection]
            connection.close()

    def _answer(self, connection: Any, over: threading.Event, requests: list[Request], respond: Respond) -> None:
        read = b""
        while b"\r\n\r\n" not in read and len(read) < HEAD_BYTES_AT_MOST:
            more = connection.recv(1 << 16)
            if not more:
                return
            read += more
        head_bytes, _, body = read.partition(b"\r\n\r\n")
        head = head_bytes.decode("latin-1")
        method, target, *_ = [*head.partition("\r\n")[0].split(" "), "", ""]
        begun = Request(method, target, head, body, False)
        said = respond(begun)
        is_early = isinstance(said, Answer) and said.is_early
        if not is_early:
            body, is_whole = _rest(connection, head, body)
            begun = begun._replace(body=body, is_whole=is_whole)
        requests.append(begun)
        for piece in said.pieces() if isinstance(said, Answer) else said:
            if isinstance(piece, bytes):
                connection.sendall(piece)
            elif self._has_ended(connection, over, piece):
                return
            if over.is_set():
                return
        if isinstance(said, Answer) and said.is_reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif not self._tls:
            connection.shutdown(socket.SHUT_WR)
            # What was not read would end the connection with a reset, and take the answer along.
            connection.settimeout(1.0)
            while connection.recv(1 << 16):
                pass

    def _has_ended(self, connection: Any, over: threading.Event, seconds: float) -> bool:
        """Pause; return whether the client has gone away meanwhile, or `end_all` was called."""
        if self._tls:  # whose bytes cannot be looked at without taking them
            return over.wait(seconds)
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if over.is_set():
                return True
            if select.select([connection], [], [], min(left, 0.5))[0]:
                if not connection.recv(1 << 16, socket.MSG_PEEK):
                    return True
                over.wait(min(left, 0.05))  # it has more to say, which nobody asked for
        return over.is_set()


def _rest(connection: Any, head: str, body: bytes) -> tuple[bytes, bool]:
    """Read what is missing of a request's body; return the body, and whether it is whole."""
    lines = [line.partition(":") for line in head.split("\r\n")[1:]]
    named = {name.strip().lower(): value.strip() for name, _, value in lines}
    if "chunked" in named.get("transfer-encoding", ""):
        while not body.endswith(b"0\r\n\r\n"):
            more = connection.recv(1 << 16)
            if not more:
                return body, False
            body += more
        return body, True
    size = int(named.get("content-length", "0"))
    parts, length = [body], len(body)
    while length < size:
        more = connection.recv(1 << 18)
        if not more:
            return b"".join(parts), False
        parts.append(more)
        length += len(more)
    return b"".join(parts), True


class World:
    """What a well-behaved service with one task would say: `answer(route)`.

    `url` is where it is, `stranger` the address of a server that is nobody's, `key` what must come back from nowhere.
    """

    def __init__(self, service: str, *, key: str, url: str, stranger: str, glb: bytes, task_id: str) -> None:
        self.service, self.key, self.url, self.stranger, self.glb, self.task_id = (
            service,
            key,
            url,
            stranger,
            glb,
            task_id,
        )
        self.began = time.time()

    @property
    def service_url(self) -> str:
        """The address as `api.connect` takes it."""
        return self.url + PREFIX[self.service]

    @property
    def glb_url(self) -> str:
        if self.service == "comfyui":
            return f"{self.url}/view?filename=model.glb&subfolder=image_to_3d&type=output"
        return f"{self.url}/files/model.glb?Expires=1&{SIGNATURE}"

    def route(self, request: Request) -> str:
        """Which of the service's calls a request is: "create", "get", "list", "stream", "delete", "balance", "file",
        "unknown"; ComfyUI's are in `hostile_comfyui`."""
        if self.service == "comfyui":
            return hostile_comfyui.route(request)
        path, _, query = request.target.partition("?")
        tasks = TASKS[self.service]
        if path.startswith("/files/"):
            return "file"
        if self.service == "meshy" and path == f"{PREFIX['meshy']}/v1/balance":
            return "balance"
        if path == tasks:
            return "create" if request.method == "POST" else "list"
        if path.startswith(f"{tasks}/"):
            if self.service == "meshy" and path.endswith("/stream"):
                return "stream"
            return "delete" if request.method == "DELETE" else "get"
        return "unknown"

    def answer(self, route: str, state: str = "succeeded") -> Answer:
        """The good answer. `state` is "pending", "running", "succeeded" or "failed"."""
        made = Answer(
            headers=[
                ("Date", formatdate(usegmt=True)),
                ("Content-Type", "application/json"),
                ("x-request-id", "5a1cf7f0-req"),
                ("Connection", "close"),
            ]
        )
        if route == "file" and self.service != "comfyui":
            made.set("Content-Type", "model/gltf-binary")
            made.set("ETag", '"0123456789abcdef"')
            made.body = self.glb
        elif self.service == "meshy":
            self._meshy(made, route, state)
        elif self.service == "comfyui":
            hostile_comfyui.say(made, route, state, self.task_id, self.glb)
        else:
            self._csm(made, route, state)
        return made

    def refusal(self, status: str, words: str) -> Answer:
        """A proper refusal of the service."""
        made = self.answer("get")
        made.status = status
        if self.service == "comfyui":
            said = {"type": "refused", "message": words, "details": "", "extra_info": {}}
            made.documents = [{"error": said, "node_errors": {}}]
            return made
        code, _, phrase = status.partition(" ")
        made.documents = [
            {"message": words}
            if self.service == "meshy"
            else {"error": phrase, "message": words, "statusCode": int(code)}
        ]
        return made

    def _meshy(self, made: Answer, route: str, state: str) -> None:
        if route == "create":
            made.status, made.documents = "202 Accepted", [{"result": self.task_id}]
        elif route == "get":
            made.documents = [self.meshy_task(state)]
            if state in ("pending", "running"):
                made.set("Retry-After", "5")
        elif route == "list":
            others = [self.meshy_task("succeeded", f"other-{number}", 90_000 * number) for number in range(1, 4)]
            made.documents = [[self.meshy_task(state), *others]]
        elif route == "stream":
            made.set("Content-Type", "text/event-stream")
            steps = [{"id": self.task_id, "progress": done, "status": "IN_PROGRESS"} for done in (10, 50, 90)]
            made.documents = [*steps, self.meshy_task(state)]
            made.events = ["message"] * len(made.documents)
            made.framing = "chunked"
        elif route == "balance":
            made.documents = [{"balance": 1234}]
        elif route == "delete":
            made.body = b""
        else:
            made.status, made.documents = "404 Not Found", [{"message": "Not Found"}]

    def meshy_task(self, state: str, task_id: str = "", age_ms: int = 0) -> dict[str, Any]:
        is_done = state == "succeeded"
        return {
            "id": task_id or self.task_id,
            "type": "image-to-3d",
            "model_urls": {"glb": self.glb_url, "fbx": self.glb_url.replace("glb?", "fbx?")} if is_done else {},
            "thumbnail_url": "",
            "texture_prompt": "",
            "progress": {"pending": 0, "running": 40}.get(state, 100),
            "created_at": int(self.began * 1000) - age_ms,
            "started_at": 0,
            "finished_at": 0,
            "status": {"pending": "PENDING", "running": "IN_PROGRESS", "failed": "FAILED"}.get(state, "SUCCEEDED"),
            "texture_urls": [{"base_color": self.glb_url.replace("model.glb", "map.png")}] if is_done else [],
            "preceding_tasks": 3 if state == "pending" else 0,
            "task_error": {"message": "The picture shows nothing." if state == "failed" else ""},
            "consumed_credits": 30,
        }

    def _csm(self, made: Answer, route: str, state: str) -> None:
        if route == "create":
            made.status = "201 Created"
            made.documents = [{"message": "Created", "statusCode": 201, "data": self.csm_session("pending")}]
        elif route == "get":
            made.documents = [{"message": "Retrieved", "statusCode": 200, "data": self.csm_session(state)}]
        elif route == "list":
            others = [self.csm_session("succeeded", f"OTHER_{number}", 90.0 * number) for number in range(1, 4)]
            made.documents = [{"message": "Retrieved", "data": {"results": [self.csm_session(state), *others]}}]
        else:
            made.status = "404 Not Found"
            made.documents = [{"error": "Not Found", "message": "Not Found", "statusCode": 404}]

    def csm_session(self, state: str, code: str = "", age_s: float = 0.0) -> dict[str, Any]:
        is_done = state == "succeeded"
        words = {"pending": "queued", "running": "in_progress", "failed": "failed"}
        return {
            "_id": "65f0c0ffee",
            "session_code": code or self.task_id,
            "session_status": words.get(state, "complete"),
            "percent_done": {"pending": 0, "running": 40}.get(state, 100),
            "status_message": "The picture shows nothing." if state == "failed" else "",
            "created_at": datetime.fromtimestamp(self.began - age_s, UTC).isoformat(),
            "image_url": "https://pictures.example/fox.png",
            "geometry_model": "base",
            "texture_model": "none",
            "topology": "tris",
            "resolution": "high_poly",
            "scaled_bbox": [-1, -1, -1],
            "preserve_aspect_ratio": False,
            "mesh_url_glb": self.glb_url if is_done else "",
            "mesh_url": self.glb_url.replace("model.glb", "mesh.zip") if is_done else "",
        }


def copied(answer: Answer) -> Answer:
    """A copy whose documents and headers can be changed."""
    return copy.deepcopy(answer)
