# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshy, as far as it turns pictures into models: its addresses, its words, its stream. Makes no model itself.

Source: Meshy, Image to 3D API and Multi-Image to 3D API, version 1, with its pages on errors, rate limits and retention
of assets. What it says on the free plan, and of a path that it does not have, is as others have met it (2026).
"""

from __future__ import annotations

import asyncio
import json
import secrets
import uuid
from collections.abc import Mapping
from typing import Any

from aiohttp import web
from multidict import CIMultiDict

from . import incoming, meshy_rules
from .faults import CALL
from .files import File
from .ledger import RETENTION_SECONDS, State, Task
from .meshy_rules import BadRequestError
from .records import without_pictures
from .serving import Counter, Shared, json_answer, json_object, tidied, whole_number
from .textures import flat, loose_maps

KEY = "msy_StandInKeyForTests0000000000"
PREFIXES = ("/meshy/openapi", "/meshy")  # the second is the older one, without /openapi
ONE_PICTURE, VIEWS_OF_ONE = "image-to-3d", "multi-image-to-3d"  # a task of one path is not known at the other
OTHER_TASKS = ("v2/text-to-3d",)
"""Paths of tasks that are not made here: whoever tries a key by them, as Meshy's own MCP server does, finds none."""
PAGE_SIZE, MOST_ON_PAGE = 10, 50
RETRY_SECONDS = 5  # what Meshy asks for between two looks at a running task
LOOK_SECONDS = 0.05  # how often the stream looks
WORDS = {
    State.PENDING: "PENDING",
    State.RUNNING: "IN_PROGRESS",
    State.SUCCEEDED: "SUCCEEDED",
    State.FAILED: "FAILED",
}
MEDIA_TYPES = {
    "glb": "model/gltf-binary",
    "fbx": "application/octet-stream",
    "usdz": "model/vnd.usdz+zip",
    "obj": "model/obj",
    "mtl": "model/mtl",
    "stl": "model/stl",
    "3mf": "model/3mf",
}
EMPTIES = {"model_urls", "thumbnail_url", "texture_urls", "started_at", "finished_at", "expires_at", "task_error"} | {
    "texture_prompt",
    "texture_image_url",
}
OTHER_FORMATS = ("fbx", "usdz", "obj", "mtl", "stl", "3mf")
FREE_PLAN = (
    "NoMorePendingTasks: Task creation on the free plan is no longer supported. Please upgrade your plan at "
    "https://www.meshy.ai/settings/subscription"
)
EMISSION = "texture_0_emission.png"
VIEWS = ("front", "right", "back", "left")


class Meshy(Counter):
    """Meshy at its counter."""

    service = records_as = "meshy"

    def __init__(self, shared: Shared) -> None:
        super().__init__(shared)
        self._last_id = 0

    def routes(self, app: web.Application) -> None:
        for prefix in PREFIXES:
            for kind in (ONE_PICTURE, VIEWS_OF_ONE):
                tasks, one = f"{prefix}/v1/{kind}", f"{prefix}/v1/{kind}/{{id}}"
                self.add(app, "POST", tasks, "create", self._guarded(self.create))
                self.add(app, "GET", tasks, "list", self._guarded(self.list))
                self.add(app, "GET", one, "get", self._guarded(self.get))
                self.add(app, "DELETE", one, "delete", self._guarded(self.delete))
                self.add(app, "GET", one + "/stream", "stream", self._guarded(self.stream))
            for path in OTHER_TASKS:
                self.add(app, "GET", f"{prefix}/{path}", "list", self._guarded(self.list_none))
                self.add(app, "GET", f"{prefix}/{path}/{{id}}", "get", self._guarded(self.get))
            self.add(app, "GET", f"{prefix}/v1/balance", "balance", self._guarded(self.balance))
        self.add(app, "*", "/meshy{tail:.*}", "unknown", self.nothing)

    def problem(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> web.Response:
        return json_answer({"message": message or f"Error {status}"}, status, headers)

    def stamp(self, headers: CIMultiDict[str]) -> None:
        super().stamp(headers)
        headers["x-request-id"] = str(uuid.uuid4())
        headers["x-api-version"] = "v1"

    def _guarded(self, handler):
        async def guarded(request: web.Request) -> web.StreamResponse:
            scheme, _, key = request.headers.get("Authorization", "").partition(" ")
            if scheme.lower() != "bearer" or key.strip() != KEY:
                return self.problem(401, "Invalid API key")
            return await handler(request)

        return guarded

    async def nothing(self, request: web.Request) -> web.StreamResponse:
        return self.problem(404, f"NoMatchingRoute: No matching route found for {request.method} {request.path}")

    def without_id(self) -> web.Response:
        return json_answer({}, 202)

    async def create(self, request: web.Request) -> web.StreamResponse:
        sent = json_object(await request.read())
        if sent is None:
            return self.problem(400, "Invalid JSON in the request body")
        kind = _kind(request)
        try:
            values = meshy_rules.completed(sent, is_multi=kind == VIEWS_OF_ONE)
            urls = values["image_urls"] if kind == VIEWS_OF_ONE else [values["image_url"]]
            pictures = [await incoming.picture(url, meshy_rules.IMAGE_TYPES) for url in urls]
            if values["texture_image_url"] and not values["texture_prompt"]:  # the prompt wins
                await incoming.picture(values["texture_image_url"], meshy_rules.IMAGE_TYPES)
        except (BadRequestError, incoming.RefusedError) as error:
            return self.problem(400, str(error))
        if self._quirk("free_plan"):
            return self.problem(402, FREE_PLAN)
        credits = meshy_rules.cost(values)
        if credits > self.ledger.credits:
            return self.problem(402, "Insufficient credits")
        small = without_pictures(sent)
        values |= {name: value for name, value in small.items() if name in values and value is not None}
        task = Task("meshy", self._next_id(), values, self.ledger.seconds, credits, kind)
        self.ledger.add(task, small)
        self.shared.start(task, pictures[0])  # Local makes its model of the front alone
        return json_answer({"result": task.id}, 202)

    async def get(self, request: web.Request) -> web.StreamResponse:
        task = self._task(request)
        if task is None:
            return self.problem(404, "Task not found")
        is_asked_again = not task.is_final and not self._quirk("no_retry_after")
        return json_answer(self.body(task), 200, {"Retry-After": str(RETRY_SECONDS)} if is_asked_again else None)

    async def list(self, request: web.Request) -> web.StreamResponse:
        if self._quirk("no_list"):
            return self.problem(404, "Not Found")
        query = request.query
        page = whole_number(query.get("page_num", "1"), 1, 10**9)
        size = whole_number(query.get("page_size", str(PAGE_SIZE)), 1, MOST_ON_PAGE)
        order = query.get("sort_by", "-created_at")
        if page is None or size is None or order not in ("+created_at", "-created_at"):
            wrong = "page_num" if page is None else "page_size" if size is None else "sort_by"
            return self.problem(400, f"Invalid value for {wrong}")
        tasks = [task for task in self.ledger.of("meshy") if task.kind == _kind(request)]
        tasks.sort(key=lambda task: task.id, reverse=order.startswith("-"))
        return json_answer([self.body(task) for task in tasks[(page - 1) * size : page * size]])

    async def list_none(self, request: web.Request) -> web.StreamResponse:
        return json_answer([])

    async def delete(self, request: web.Request) -> web.StreamResponse:
        task = self._task(request)
        if task is None:
            return self.problem(404, "Task not found")
        if task.state is State.RUNNING:
            return self.problem(409, "Task is in progress and cannot be deleted")
        if task.state is State.PENDING:
            self.ledger.credits += task.credits
        self.ledger.forget(task.id)
        self.shared.give_up(task.id)
        return web.Response()

    async def balance(self, request: web.Request) -> web.StreamResponse:
        return json_answer({"balance": self.ledger.credits})

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """What `_stream` tells, to a client that may leave at any time."""
        try:
            return await self._stream(request)
        except ConnectionResetError:
            return web.Response()  # nobody reads it

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        """Events until the task ends: the last one is the whole task, those before only how far it is."""
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
        answer.enable_chunked_encoding()
        await answer.prepare(request)
        left, said = request[CALL].notes.get("cut_stream"), None
        while left is None or left > 0:
            task = self._task(request)
            if task is None:
                await answer.write(event("error", {"status_code": 404, "message": "Task not found"}))
                return answer
            now = self.body(task)
            if not task.is_final:
                now = {name: now[name] for name in ("id", "progress", "status") if name in now}
            if now != said:
                await answer.write(event("message", now))
                said, left = now, None if left is None else left - 1
            if task.is_final:
                return answer
            await asyncio.sleep(LOOK_SECONDS)
            if self.shared.closing.is_set():
                break
        if request.transport is not None:
            request.transport.close()  # before the end of the body: a cut stream
        return answer

    def body(self, task: Task) -> dict[str, Any]:
        """A task as Meshy tells it. What a format or a map is not there for has no key at all."""
        is_done = task.state is State.SUCCEEDED
        if is_done and not task.files:
            task.files = files(task)
        word = task.word or WORDS[task.state]
        if not task.is_final and self._quirk("unknown_status"):
            word = self._quirk("unknown_status")
        reason: dict[str, Any] = {"message": task.message}
        if task.type or task.code:
            reason |= {"type": task.type, "code": task.code}
        fields = {
            "id": task.id,
            "type": task.kind,
            "model_urls": self._models(task) if is_done else {},
            "thumbnail_url": self.shared.sign(task, "preview.png") if is_done else "",
            "texture_prompt": task.parameters["texture_prompt"],
            "texture_image_url": _address(task.parameters["texture_image_url"]),
            "progress": 1 if is_done and self._quirk("progress_one") else task.percent,
            **self._times(task),
            "status": word,
            "texture_urls": self._textures(task) if is_done else [],
            "preceding_tasks": self.ledger.preceding(task) if task.state is State.PENDING else 0,
            "task_error": reason,
            "consumed_credits": task.credits,
        }
        if is_done:
            fields |= self._thumbnails(task)
        if is_done and self._quirk("model_url_only"):
            fields["model_url"] = self.shared.sign(task, "model.glb")
        if self._quirk("no_progress"):
            del fields["progress"]
        return tidied(fields, EMPTIES, self.ledger, "meshy")

    def _quirk(self, name: str) -> Any:
        return self.ledger.quirk("meshy", name)

    def _times(self, task: Task) -> dict[str, int]:
        shift = self._quirk("shifted_clock")
        times = {"created_at": task.created, "started_at": task.started, "finished_at": task.done}
        times["expires_at"] = task.done and task.done + RETENTION_SECONDS
        return {name: int((at + shift) * 1000) if at else 0 for name, at in times.items()}

    def _models(self, task: Task) -> dict[str, str]:
        kinds = list(task.parameters["target_formats"])
        if "obj" in kinds and task.parameters["should_texture"]:
            kinds.append("mtl")
        names = {kind: f"model.{kind}" for kind in kinds}
        if "pre_remeshed.glb" in task.files:
            names["pre_remeshed_glb"] = "pre_remeshed.glb"
        if self._quirk("no_glb"):
            names = {"fbx": "model.fbx", "usdz": "model.usdz"}
        if self._quirk("model_url_only"):
            names.pop("glb", None)
        return {kind: self.shared.sign(task, name) for kind, name in names.items()}

    def _textures(self, task: Task) -> Any:
        names = {}
        for name in task.files:
            if name.startswith("texture_0") and (name != EMISSION or self._quirk("emission_map")):
                kind = name.partition(".")[0].removeprefix("texture_0").lstrip("_")
                names[kind or "base_color"] = name
        if self._quirk("swapped_maps") and "normal" in names:
            names["normal"], names["roughness"] = names["roughness"], names["normal"]
        urls = {kind: self.shared.sign(task, name) for kind, name in names.items()}
        if self._quirk("texture_urls_object"):
            return urls
        return [urls] if urls else []

    def _thumbnails(self, task: Task) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        if "preview_alpha.png" in task.files:
            fields["alpha_thumbnail_url"] = self.shared.sign(task, "preview_alpha.png")
        if "preview_front.png" in task.files:
            fields["thumbnail_urls"] = {view: self.shared.sign(task, f"preview_{view}.png") for view in VIEWS}
        return fields

    def _task(self, request: web.Request) -> Task | None:
        task = self.ledger.find("meshy", request.match_info["id"])
        return task if task is not None and task.kind == _kind(request) else None

    def _next_id(self) -> str:
        """A UUID of version 7 (RFC 9562): ids sort as they were made, also within a millisecond."""
        self._last_id = max(int(self.ledger.now("meshy") * 1000) << 12, self._last_id + 1)
        head = (self._last_id >> 12) << 16 | 0x7000 | (self._last_id & 0xFFF)
        return str(uuid.UUID(int=head << 64 | 0b10 << 62 | secrets.randbits(62)))


def _kind(request: web.Request) -> str:
    """Of which path a request is."""
    return next((part for part in request.path.split("/") if part.endswith("-to-3d")), "")


def event(name: str, content: Any) -> bytes:
    """One server-sent event."""
    return f"event: {name}\ndata: {json.dumps(content)}\n\n".encode()


def files(task: Task) -> dict[str, File]:
    """What lies on the file host once a task has succeeded. Formats beside GLB hold a line of text only."""
    assert task.model is not None  # it has succeeded
    asked = task.parameters
    found = {"model.glb": File(task.model, MEDIA_TYPES["glb"])}
    for kind in OTHER_FORMATS:
        found[f"model.{kind}"] = File(f"The stand-in makes no {kind.upper()}.\n".encode(), MEDIA_TYPES[kind])
    if asked["save_pre_remeshed_model"] and asked["should_remesh"]:
        found["pre_remeshed.glb"] = found["model.glb"]
    if asked["should_texture"]:
        maps = loose_maps(task.model)
        for kind in ("base_color", "metallic", "roughness", "normal") if asked["enable_pbr"] else ("base_color",):
            suffix = "jpg" if maps[kind].media_type == "image/jpeg" else "png"
            name = "texture_0" if kind == "base_color" else f"texture_0_{kind}"
            found[f"{name}.{suffix}"] = File(*maps[kind])
        if asked["enable_pbr"]:
            found[EMISSION] = File(*flat("emission"))
    found["preview.png"] = File(*flat("preview"))
    if asked["alpha_thumbnail"]:
        found["preview_alpha.png"] = File(*flat("alpha_preview"))
    if asked["multi_view_thumbnails"]:
        found |= {f"preview_{view}.png": File(*flat("preview")) for view in VIEWS}
    return found


def _address(value: Any) -> str:
    """What Meshy gives back of a picture: its address, and nothing of a data URI."""
    return value if isinstance(value, str) else ""
