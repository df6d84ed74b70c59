# SPDX-License-Identifier: GPL-3.0-or-later
"""ComfyUI as its clients meet it: addresses, uploads, refusals, files, the socket. What becomes of a job is decided in
comfyui_runs.py, what is wrong with a graph in comfyui_rules.py.

Source: recorded exchanges with ComfyUI 0.33.0 and 0.3.64, and the source of the former.
"""

from __future__ import annotations

import asyncio
import copy
import email.message
import email.utils
import json
import mimetypes
import struct
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from aiohttp import WSMsgType, web
from multidict import CIMultiDict

from .comfyui_disk import SUFFIXES, TYPES, OutsideError
from .comfyui_nodes import NEW, NODES
from .comfyui_rules import TroubleError, judge
from .comfyui_runs import PIXEL, Job, Runs
from .faults import CALL
from .files import File
from .files import part as part_of
from .ledger import Task
from .records import Create
from .serving import Counter, Shared, json_answer, json_object, whole_number

KEY = "comfyui_StandInTokenForTests00000"
PREFIXES = ("", "/api", "/behind/a/proxy", "/behind/a/proxy/api")  # the latter two as where a proxy adds a path
LOOK_SECONDS = 0.02  # how often the socket looks
TROUBLE = "500 Internal Server Error\n\nServer got itself in trouble"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
GB = 1 << 30
PREVIEW = struct.pack(">II", 1, 2) + PIXEL  # a picture, and it is a PNG
ID_DETAILS = (
    "prompt_id must be a UUID string in canonical lowercase hyphenated form; omit it to let the server generate one"
)
STATES = {"execution_success": "completed", "execution_error": "failed", "execution_interrupted": "cancelled"}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Part(NamedTuple):
    """One part of a form."""

    name: str
    file: str | None
    content: bytes


class ComfyUi(Counter):
    """ComfyUI at its counter."""

    service = records_as = "comfyui"

    def __init__(self, shared: Shared, runs: Runs) -> None:
        super().__init__(shared)
        self.runs = runs

    def routes(self, app: web.Application) -> None:
        for prefix in PREFIXES:
            for method, path, step, handler in (
                ("GET", "/system_stats", "info", self.system_stats),
                ("GET", "/features", "info", self.features),
                ("GET", "/object_info", "info", self.every_class),
                ("GET", "/object_info/{name}", "info", self.one_class),
                ("GET", "/models/{folder}", "info", self.models),
                ("POST", "/upload/image", "upload", self.upload),
                ("GET", "/prompt", "get", self.remaining),
                ("POST", "/prompt", "create", self.prompt),
                ("GET", "/queue", "get", self.queue),
                ("POST", "/queue", "cancel", self.change_queue),
                ("POST", "/interrupt", "cancel", self.interrupt),
                ("GET", "/history", "get", self.histories),
                ("GET", "/history/{id}", "get", self.history),
                ("POST", "/history", "cancel", self.change_history),
                ("GET", "/view", "download", self.view),
                ("HEAD", "/view", "download", self.view),
                ("POST", "/free", "cancel", self.free),
                ("GET", "/ws", "stream", self.socket),
            ):
                self.add(app, method, prefix + path, step, self._guarded(handler))
        for prefix in PREFIXES[1::2]:
            self.add(app, "GET", prefix + "/jobs/{id}", "get", self._guarded(self.job))
            self.add(app, "POST", prefix + "/jobs/{id}/cancel", "cancel", self._guarded(self.cancel))
        self.add(app, "*", "/{tail:.*}", "unknown", self._guarded(self.nothing))

    def problem(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> web.Response:
        """A status that nothing else explains: ComfyUI says little, or a proxy in front of it answers."""
        text = message or (TROUBLE if status == 500 else "")
        return web.Response(status=status, text=text or None, headers=headers)

    def without_id(self) -> web.Response:
        return json_answer({"number": 0, "node_errors": {}})

    def stamp(self, headers: CIMultiDict[str]) -> None:
        super().stamp(headers)
        headers["Server"] = "Python/3.11 aiohttp/3.14.5"

    async def nothing(self, request: web.Request) -> web.StreamResponse:
        """What the editor's files are behind, which are only read."""
        if request.method in ("GET", "HEAD"):
            return web.Response(status=404)
        return web.Response(status=405, text="405: Method Not Allowed")

    def _guarded(self, handler: Handler) -> Handler:
        async def guarded(request: web.Request) -> web.StreamResponse:
            if not self._is_let_in(request):
                return web.Response(status=401, text="Unauthorized")
            if self._quirk("forbidden") or self._is_foreign(request):
                return web.Response(status=403)
            if len(await request.read()) > self.runs.most_bytes:
                return web.Response(status=413, text=f"Maximum request body size {self.runs.most_bytes} exceeded.")
            self.runs.look()
            try:
                return await handler(request)
            except TroubleError:
                return self._trouble()

        return guarded

    def _trouble(self) -> web.Response:
        return web.Response(status=500, text=TROUBLE, headers={"Connection": "close"})

    def _is_let_in(self, request: web.Request) -> bool:
        """Whether the token is there, where a login is demanded: as Bearer, or in a header of the quirk's name."""
        login = self._quirk("login")
        if not login:
            return True
        if login == "Bearer":
            scheme, _, token = request.headers.get("Authorization", "").partition(" ")
            return scheme.lower() == "bearer" and token.strip() == KEY
        return request.headers.get(login, "") == KEY

    def _is_foreign(self, request: web.Request) -> bool:
        """Whether a page of another site asks, which a browser would let it do."""
        if self.runs.dialect == NEW and request.headers.get("Sec-Fetch-Site") == "cross-site":
            return True
        host, origin = urlsplit(f"//{request.headers.get('Host', '')}"), urlsplit(request.headers.get("Origin", ""))
        if host.hostname not in LOOPBACK or not origin.netloc:
            return False
        if origin.port is None or host.port is None:
            return origin.hostname != host.hostname
        return origin.netloc.lower() != host.netloc.lower()

    def _quirk(self, name: str) -> Any:
        return self.ledger.quirk("comfyui", name)

    # what is there

    async def system_stats(self, request: web.Request) -> web.StreamResponse:
        is_new, is_cpu = self.runs.dialect == NEW, self.runs.device == "cpu"
        system = {
            "os": "linux" if is_new else "posix",
            "ram_total": 32 * GB,
            "ram_free": 24 * GB,
            "comfyui_version": "0.33.0" if is_new else "0.3.64",
            "python_version": "3.11.7 (main)",
            "pytorch_version": "2.13.0+cpu" if is_cpu else "2.13.0+cu130",
            "embedded_python": False,
            "argv": ["main.py", *(["--cpu"] if is_cpu else [])],
        }
        name = "cpu" if is_cpu else "cuda:0 NVIDIA GeForce RTX 4090 : cudaMallocAsync"
        total, free = (32 * GB, 24 * GB) if is_cpu else (24 * GB, 22 * GB)
        device = {"name": name, "type": self.runs.device, "index": None if is_cpu else 0}
        device |= {"vram_total": total, "vram_free": free, "torch_vram_total": total, "torch_vram_free": free}
        return json_answer({"system": system, "devices": [device]})

    async def features(self, request: web.Request) -> web.StreamResponse:
        known: dict[str, Any] = {"supports_preview_metadata": True, "max_upload_size": self.runs.most_bytes}
        return json_answer(known | ({"assets": False} if self.runs.dialect == NEW else {}))

    async def one_class(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        about = self.runs.installed.about(name)
        return json_answer({} if about is None else {name: about})

    async def every_class(self, request: web.Request) -> web.StreamResponse:
        found = {name: self.runs.installed.about(name) for name in NODES}
        return json_answer({name: about for name, about in found.items() if about is not None})

    async def models(self, request: web.Request) -> web.StreamResponse:
        files = self.runs.models.get(request.match_info["folder"])
        return web.Response(status=404) if files is None else json_answer(files)

    # pictures and files

    async def upload(self, request: web.Request) -> web.StreamResponse:
        parts = {part.name: part for part in reversed(form(request.headers, await request.read()))}
        kind, subfolder = text_of(parts, "type", "input"), text_of(parts, "subfolder", "")
        if kind not in TYPES:
            raise TroubleError(f"no such type: {kind}")
        picture = parts.get("image")
        if picture is None:
            return web.Response(status=400)
        if not picture.file:
            raise TroubleError("the picture is no file")
        is_over = text_of(parts, "overwrite", "") in ("true", "1")
        try:
            name = self.runs.installed.disk.upload(kind, subfolder, picture.file, picture.content, is_over)
        except OutsideError:
            return web.Response(status=400)
        except FileNotFoundError:
            raise TroubleError("only the subfolder is made, not one in the name") from None
        return json_answer({"name": name, "subfolder": subfolder, "type": kind})

    async def view(self, request: web.Request) -> web.StreamResponse:
        query = request.query
        if "filename" not in query:
            return web.Response(status=404)
        name, kind = query["filename"], query.get("type", "output")
        for suffix, named in SUFFIXES.items():
            if name.endswith(suffix):
                name, kind = name.removesuffix(suffix), named
        if not name or name.startswith("/") or ".." in name or kind not in TYPES:
            return web.Response(status=400)
        name = name.rpartition("/")[2]
        try:
            path = self.runs.installed.disk.within(kind, query.get("subfolder", "")) / name
        except OutsideError:
            return web.Response(status=403)
        if not path.is_file():
            return web.Response(status=404)
        file = File(path, mimetypes.guess_type(name)[0] or "application/octet-stream", path.stat().st_mtime)
        if name.endswith(".glb"):
            file.media_type = "model/gltf-binary"
        if request[CALL].notes.get("other_file"):
            file = file.other()
        since = request.if_range  # a date only: a tag is not heeded
        is_same = since is None or int(file.modified) <= since.timestamp()
        span = part_of(file, request, not request[CALL].notes.get("no_range"), is_same)
        if span is None:
            return web.Response(status=416, headers={"Content-Range": f"bytes */{file.size}"})
        span.headers["Content-Disposition"] = f'filename="{name}"'
        return span

    # jobs

    async def prompt(self, request: web.Request) -> web.StreamResponse:
        sent = json_value(await request.read())
        if not isinstance(sent, (dict, list, str)):
            raise TroubleError("no JSON, or a number")
        if not isinstance(sent, dict):
            sent = {}
        number = self.runs.number(bool(sent.get("front")))
        if "prompt" not in sent:
            return refusal("no_prompt", "No prompt provided", "No prompt provided")
        prompt_id = sent.get("prompt_id")
        if prompt_id is None:
            prompt_id = str(uuid.uuid4())
        if self.runs.dialect == NEW and not is_id(prompt_id):
            return refusal("invalid_prompt_id", "prompt_id must be a valid UUID", ID_DETAILS)
        graph = copy.deepcopy(sent["prompt"])
        verdict = judge(graph, self.runs.installed)
        if verdict.error is not None:
            return json_answer({"error": verdict.error, "node_errors": verdict.node_errors}, 400)
        extra = {
            k: v
            for k, v in sent.get("extra_data", {}).items()
            if k not in ("api_key_comfy_org", "auth_token_comfy_org")
        }
        if "client_id" in sent:
            extra["client_id"] = sent["client_id"]
        task = Task("comfyui", str(prompt_id), {"graph": graph}, self.runs.seconds)
        if self.runs.dialect == NEW:
            extra["create_time"] = int(task.created * 1000)
        self.ledger.creates.append(Create("comfyui", task.id, sent, task.created))
        self.runs.put(Job(number, task.id, graph, extra, verdict.outputs, task))
        return json_answer({"prompt_id": task.id, "number": number, "node_errors": verdict.node_errors})

    async def remaining(self, request: web.Request) -> web.StreamResponse:
        return json_answer(self.runs.status()["status"])

    async def queue(self, request: web.Request) -> web.StreamResponse:
        running, pending = ([job.row() for job in jobs] for jobs in self.runs.queue())
        return json_answer({"queue_running": running, "queue_pending": pending})

    async def change_queue(self, request: web.Request) -> web.StreamResponse:
        sent = _demanded(await request.read())
        if sent.get("clear"):
            self.runs.clear()
        for job_id in sent.get("delete", []):
            self.runs.delete(job_id)
        return web.Response()

    async def interrupt(self, request: web.Request) -> web.StreamResponse:
        sent = json_object(await request.read()) or {}
        self.runs.interrupt(sent.get("prompt_id") or None)
        return web.Response()

    async def history(self, request: web.Request) -> web.StreamResponse:
        job_id = request.match_info["id"]
        return json_answer({key: entry for key, entry in self.runs.history.items() if key == job_id})

    async def histories(self, request: web.Request) -> web.StreamResponse:
        most = whole_number(request.query.get("max_items", "10000"), 0, 10**9)
        if most is None:
            raise TroubleError("max_items is no number")
        entries = list(self.runs.history.items())
        return json_answer(dict(entries[max(0, len(entries) - most) :]))

    async def change_history(self, request: web.Request) -> web.StreamResponse:
        sent = _demanded(await request.read())
        if sent.get("clear"):
            self.runs.history.clear()
        for job_id in sent.get("delete", []):
            self.runs.history.pop(job_id, None)
        return web.Response()

    async def free(self, request: web.Request) -> web.StreamResponse:
        _demanded(await request.read())
        return web.Response()

    async def job(self, request: web.Request) -> web.StreamResponse:
        """What the newer version tells of one job in one answer."""
        if self.runs.dialect != NEW:
            return await self.nothing(request)
        job_id = request.match_info["id"]
        for word, jobs in zip(("in_progress", "pending"), self.runs.queue(), strict=True):
            for job in jobs:
                if job.id == job_id:
                    created = job.extra.get("create_time")
                    told = {"id": job_id, "status": word, "priority": job.number, "create_time": created}
                    return json_answer({**told, "outputs_count": 0, "previewable_outputs_count": 0})
        entry = self.runs.history.get(job_id)
        return json_answer({"error": "Job not found"}, 404) if entry is None else json_answer(job_of(job_id, entry))

    async def cancel(self, request: web.Request) -> web.StreamResponse:
        if self.runs.dialect != NEW:
            return await self.nothing(request)
        job_id = request.match_info["id"]
        return json_answer({"cancelled": self.runs.interrupt(job_id) or self.runs.delete(job_id)})

    async def socket(self, request: web.Request) -> web.StreamResponse:
        """Events as text frames, for as long as the client stays."""
        manner = self._quirk("socket")
        if manner == "refused":
            return web.Response(status=404)
        answer = web.WebSocketResponse()
        if not answer.can_prepare(request).ok:
            return web.Response(status=400, text='Can "Upgrade" only to "WebSocket".')
        await answer.prepare(request)
        left = request[CALL].notes.get("cut_stream")
        try:
            if manner != "closed":
                await self._serve(request, answer, manner == "silent", left)
        except ConnectionResetError:
            return answer  # nobody reads it
        if left is not None and request.transport is not None:
            request.transport.close()
        elif not answer.closed:
            await answer.close()
        return answer

    async def _serve(
        self, request: web.Request, answer: web.WebSocketResponse, is_silent: bool, left: int | None
    ) -> None:
        client = request.query.get("clientId") or uuid.uuid4().hex
        age, said = self.runs.age, len(self.runs.events)
        now: list[dict[str, Any]] = [{"type": "status", "data": {**self.runs.status(), "sid": client}}]
        node = self.runs.running_node(client)
        if node is not None:
            now.append({"type": "executing", "data": {"node": node}})
        while not answer.closed and not self.shared.closing.is_set():
            if age != self.runs.age:
                if request.transport is not None:
                    request.transport.close()
                return
            for event in now if not is_silent else ():
                if left is not None and left <= 0:
                    return
                await answer.send_json(event)
                if event["type"] == "progress" and self._quirk("previews"):
                    await answer.send_bytes(PREVIEW)
                left = None if left is None else left - 1
            try:
                message = await answer.receive(LOOK_SECONDS)
            except TimeoutError:
                pass
            else:
                if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                    return
            await asyncio.sleep(0)
            self.runs.look()
            events = self.runs.events
            now = [event for to, event in events[said:] if to in (None, client)]
            said = len(events)


def refusal(kind: str, message: str, details: str) -> web.Response:
    """A prompt that is refused before its graph is looked at."""
    error = {"type": kind, "message": message, "details": details, "extra_info": {}}
    return json_answer({"error": error, "node_errors": {}}, 400)


def is_id(value: Any) -> bool:
    """Whether this is a UUID in lower case, with hyphens."""
    try:
        return isinstance(value, str) and str(uuid.UUID(value)) == value
    except ValueError:
        return False


def json_value(body: bytes) -> Any:
    """The JSON of a request; None where it is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _demanded(body: bytes) -> dict[str, Any]:
    """The JSON object of a request. Raises `TroubleError` where it is none."""
    sent = json_object(body)
    if sent is None:
        raise TroubleError("no JSON object")
    return sent


def job_of(job_id: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    """An entry of the history as /api/jobs tells it."""
    times = {name: data["timestamp"] for name, data in entry["status"]["messages"]}
    name, data = entry["status"]["messages"][-1]
    number, _, graph, extra, _ = entry["prompt"]
    files = [
        {**file, "nodeId": node_id, "mediaType": kind}
        for node_id, output in entry["outputs"].items()
        for kind, values in output.items()
        for file in values
        if isinstance(file, dict)
    ]
    told = {
        "id": job_id,
        "status": STATES[name],
        "priority": number,
        "create_time": extra.get("create_time"),
        "execution_start_time": times["execution_start"],
        "execution_end_time": data["timestamp"],
        "execution_error": data if name == "execution_error" else None,
        "outputs_count": len(files),
        "previewable_outputs_count": len(files),
        "preview_output": files[0] if files else None,
    }
    told = {key: value for key, value in told.items() if value is not None}
    workflow = {"prompt": graph, "extra_data": extra}
    return told | {"outputs": entry["outputs"], "execution_status": entry["status"], "workflow": workflow}


def text_of(parts: Mapping[str, Part], name: str, usual: str) -> str:
    return parts[name].content.decode() if name in parts else usual


def form(headers: Mapping[str, str], body: bytes) -> list[Part]:
    """The parts of a form (RFC 7578); none where it is no form."""
    head = email.message.Message()
    head["Content-Type"] = headers.get("Content-Type", "")
    boundary = head.get_boundary()
    if head.get_content_type() != "multipart/form-data" or not boundary:
        return []
    found = []
    for piece in (b"\r\n" + body).split(b"\r\n--" + boundary.encode())[1:-1]:
        lines, _, content = piece.partition(b"\r\n\r\n")
        about = email.message.Message()
        for line in lines.decode("utf-8", "replace").split("\r\n")[1:]:
            name, _, value = line.partition(":")
            about[name] = value.strip()
        name, file = (
            email.utils.collapse_rfc2231_value(value)
            if (value := about.get_param(key, None, "content-disposition")) is not None
            else None
            for key in ("name", "filename")
        )
        found.append(Part(name or "", file, content))
    return found
