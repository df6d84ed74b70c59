# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts that results lie on: signed addresses, ranges, their refusals in XML. Takes no key, and says so."""

from __future__ import annotations

import base64
import email.utils
import hashlib
import hmac
import io
import secrets
import time
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from aiohttp import web
from multidict import CIMultiDict

from .faults import CALL
from .ledger import Task
from .pieces import Pieces
from .serving import Counter
from .textures import renamed

MODEL_NAMES = ("model.glb", "mesh.glb")
KEY_HEADERS = ("Authorization", "x-api-key")
NONCE_DIGITS = 8
PLACES = {"meshy": "/u/tasks/{id}/output/{name}", "csm": "/meshes/{id}/{name}"}


@dataclass
class File:
    """One file of a result. What it says of itself is found out when it is first asked for."""

    content: bytes | Path
    media_type: str
    modified: float = field(default_factory=time.time)
    _tag: str = ""

    @property
    def size(self) -> int:
        return len(self.content) if isinstance(self.content, bytes) else self.content.stat().st_size

    @property
    def tag(self) -> str:
        if not self._tag:
            if isinstance(self.content, bytes):
                seed = self.content
            else:
                facts = self.content.stat()
                seed = f"{self.content} {facts.st_size} {facts.st_mtime_ns}".encode()
            self._tag = f'"{hashlib.sha256(seed).hexdigest()[:32]}"'
        return self._tag

    def read(self) -> bytes:
        return self.content if isinstance(self.content, bytes) else self.content.read_bytes()

    def other(self) -> File:
        """What lies there after somebody has replaced it."""
        return File(renamed(self.read()), self.media_type, self.modified + 60)


def zipped(name: str, content: bytes) -> bytes:
    """A zip file with one file in it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(name, content)
    return packed.getvalue()


def part(file: File, request: web.Request, with_ranges: bool, is_same: bool) -> Pieces | None:
    """The whole file, or, of the same file, the range that was asked for (RFC 9110, section 14); None for one beyond
    its end."""
    headers = {
        "Content-Type": file.media_type,
        "ETag": file.tag,
        "Last-Modified": email.utils.formatdate(file.modified, usegmt=True),
    }
    if with_ranges:
        headers["Accept-Ranges"] = "bytes"
    span = _span(file, request) if with_ranges and is_same else None
    if span is None:
        return Pieces(file.content, headers=headers, start=0, stop=file.size)
    start, stop = span
    if start >= stop:
        return None
    headers["Content-Range"] = f"bytes {start}-{stop - 1}/{file.size}"
    return Pieces(file.content, status=206, headers=headers, start=start, stop=stop)


def _span(file: File, request: web.Request) -> tuple[int, int] | None:
    """Where the asked range starts and stops; None for the whole file, as with a Range that makes no sense."""
    try:
        asked = request.http_range
    except ValueError:
        return None
    if asked.start is None and asked.stop is None:
        return None
    start = asked.start or 0
    start = max(0, file.size + start) if start < 0 else start
    return start, min(file.size, file.size if asked.stop is None else asked.stop)


class FileHost(Counter):
    """The file hosts of both services, on one port: CloudFront's manners for Meshy, Azure's for CSM."""

    service = "files"
    records_as = "files"

    def __init__(self, shared) -> None:
        super().__init__(shared)
        self._secret = secrets.token_bytes(16)
        shared.sign = self.sign

    def routes(self, app: web.Application) -> None:
        elsewhere = Elsewhere(self.shared)
        for service, place in PLACES.items():
            for method in ("GET", "HEAD"):
                self.add(app, method, place, service, self.file)
                self.add(app, method, "/moved/{hops:[0-9]+}" + place, "moved", self.moved)
        elsewhere.add(app, "*", "/loop/{turn:[0-9]+}", "loop", elsewhere.loop)
        elsewhere.add(app, "*", "/elsewhere{tail:/.*}", "elsewhere", elsewhere.something)
        elsewhere.add(app, "*", "/{tail:.*}", "unknown", elsewhere.nothing)

    def sign(self, task: Task, name: str) -> str:
        """An address for a file that holds for a while, another one each time."""
        path = PLACES[task.service].format(id=task.id, name=name)
        expires = int(time.time() + self.ledger.quirk(task.service, "link_seconds"))
        nonce = secrets.token_hex(NONCE_DIGITS // 2)
        if task.service == "meshy":
            signature = self._signature(path, str(expires), nonce).replace("+", "-").replace("=", "_").replace("/", "~")
            query = f"Expires={expires}&Signature={signature}&Key-Pair-Id=KSTANDIN000000"
        else:
            until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(expires))
            signature = quote(self._signature(path, until, nonce), safe="")
            query = f"sv=2023-01-03&se={quote(until, safe='')}&sr=b&sp=r&sig={signature}"
        return f"{self.shared.files_url}{path}?{query}"

    def names(self, request: web.Request, step: str) -> tuple[str, str]:
        name = request.match_info["name"]
        service = "csm" if "/meshes/" in request.path else "meshy"
        if step == "moved":
            return service, step
        kind = "download" if name in MODEL_NAMES else "map" if name.startswith("texture_") else "file"
        return service, kind

    def problem(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> web.Response:
        codes = {
            400: ("InvalidArgument", "Only one auth mechanism allowed"),
            403: ("AccessDenied", "Access denied"),
            404: ("NoSuchKey", "The specified key does not exist."),
            416: ("InvalidRange", "The requested range is not satisfiable"),
            503: ("SlowDown", "Please reduce your request rate."),
        }
        code, usual = codes.get(status, ("InternalError", "The request could not be served."))
        return web.Response(
            status=status,
            headers=headers,
            content_type="application/xml",
            text=f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message or usual}</Message></Error>',
        )

    def away(self, path: str, to: str, hops: int) -> str:
        """Where a redirect leads: `to`, else through `hops` - 1 more of them back to the file."""
        base = self.shared.files_url
        return f"{base}/loop/1" if to == "loop" else to or f"{base}/moved/{hops - 1}{path}"

    def stamp(self, headers: CIMultiDict[str]) -> None:
        super().stamp(headers)
        headers["x-cache"] = "Miss from stand-in"

    async def moved(self, request: web.Request) -> web.StreamResponse:
        hops, path = int(request.match_info["hops"]), request.path_qs.split("/", 3)[3]
        if hops:
            return web.Response(status=302, headers={"Location": self.away(f"/{path}", "", hops)})
        return await self._serve(request, f"/{path}".split("?")[0])

    async def file(self, request: web.Request) -> web.StreamResponse:
        return await self._serve(request, request.path)

    async def _serve(self, request: web.Request, path: str) -> web.StreamResponse:
        if any(name in request.headers for name in KEY_HEADERS):
            return self.problem(400, "")
        if not self._is_signed(path, request):
            return self.problem(403, "")
        task = self.ledger.tasks.get(request.match_info["id"])
        file = task.files.get(request.match_info["name"]) if task else None
        if file is None:
            return self.problem(404, "")
        return self._part(file.other() if request[CALL].notes.get("other_file") else file, request)

    def _part(self, file: File, request: web.Request) -> web.StreamResponse:
        same = (file.tag, email.utils.formatdate(file.modified, usegmt=True))
        is_same = request.headers.get("If-Range", file.tag) in same
        found = part(file, request, not request[CALL].notes.get("no_range"), is_same)
        return self.problem(416, "", {"Content-Range": f"bytes */{file.size}"}) if found is None else found

    def _is_signed(self, path: str, request: web.Request) -> bool:
        query = request.query
        if "/meshes/" in path:
            until, given = query.get("se", ""), query.get("sig", "")
            is_over = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()) >= until
        else:
            until, given = query.get("Expires", ""), query.get("Signature", "")
            given = given.replace("-", "+").replace("_", "=").replace("~", "/")
            is_over = not until.isdigit() or time.time() >= int(until)
        right = self._signature(path, until, given[:NONCE_DIGITS])
        return not is_over and hmac.compare_digest(right.encode(), given.encode())

    def _signature(self, path: str, until: str, nonce: str) -> str:
        digest = hmac.digest(self._secret, f"{path} {until} {nonce}".encode(), "sha256")
        return nonce + base64.b64encode(digest).decode()


class Elsewhere(Counter):
    """Another host, where nobody should bring a key to: whatever comes is written down, and something harmless
    answered."""

    async def loop(self, request: web.Request) -> web.StreamResponse:
        turn = int(request.match_info["turn"]) + 1
        return web.Response(status=302, headers={"Location": f"{self.shared.files_url}/loop/{turn}"})

    async def something(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({})
