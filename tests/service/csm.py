# SPDX-License-Identifier: GPL-3.0-or-later
"""CSM, as far as it turns pictures into models: its addresses, its envelope, its words. Makes no model itself.

Source: CSM, Create Session (an Image-To-3D Session), and CSM's own Python client for the codes and the words.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from . import incoming
from .files import File, zipped
from .ledger import State, Task
from .records import without_pictures
from .serving import Counter, json_answer, json_object, tidied, whole_number

KEY = "0123456789abcdef0123456789abcdef"
IMAGE_TYPES = ("image/png", "image/jpeg", "image/gif", "image/bmp", "image/webp")
PAGE_SIZE, MOST_ON_PAGE = 10, 100
CHOICES: Mapping[str, tuple[str, ...]] = {  # the first is what is usual
    "geometry_model": ("base", "turbo"),
    "texture_model": ("none", "baked", "pbr"),
    "topology": ("tris", "quads"),
    "resolution": ("high_poly", "low_poly"),
}
WORDS = {
    State.PENDING: "queued",
    State.RUNNING: "in_progress",
    State.SUCCEEDED: "complete",
    State.FAILED: "failed",
}
OLD_WORDS = {State.PENDING: "uploaded", State.SUCCEEDED: "refine_done", State.FAILED: "refine_failed"}
OLD_STAGES = (  # up to that percentage, while it runs
    (25, "spin_generate_processing"),
    (40, "spin_generate_done"),
    (60, "training_preview"),
    (80, "preview_done"),
    (100, "refine_processing"),
)
MESHES = {
    "mesh_url": "mesh.zip",
    "mesh_url_obj": "mesh.obj",
    "mesh_url_zip": "mesh.zip",
    "mesh_url_glb": "mesh.glb",
    "mesh_url_fbx": "mesh.fbx",
    "mesh_url_usdz": "mesh.usdz",
    "mp4_url": "turntable.mp4",
}
OTHER_FILES = {
    "mesh.obj": "model/obj",
    "mesh.fbx": "application/octet-stream",
    "mesh.usdz": "model/vnd.usdz+zip",
    "turntable.mp4": "video/mp4",
}
REASONS = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 410: "Gone"} | {
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


class BadRequestError(Exception):
    """The create is answered with 400 and this message."""


class Csm(Counter):
    """CSM at its counter."""

    service = records_as = "csm"

    def routes(self, app: web.Application) -> None:
        sessions = "/csm/image-to-3d-sessions"
        self.add(app, "POST", sessions, "create", self._guarded(self.create))
        self.add(app, "GET", sessions, "list", self._guarded(self.list))
        self.add(app, "GET", sessions + "/{id}", "get", self._guarded(self.get))
        self.add(app, "GET", "/csm/user/userdata", "user", self._guarded(self.user))
        self.add(app, "*", "/csm{tail:.*}", "unknown", self.nothing)

    def problem(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> web.Response:
        error = REASONS.get(status, f"Error {status}")
        return json_answer({"error": error, "message": message or error, "statusCode": status}, status, headers)

    def without_id(self) -> web.Response:
        return envelope({}, 201)

    def _guarded(self, handler):
        async def guarded(request: web.Request) -> web.StreamResponse:
            key = request.headers.get("x-api-key", "")
            if not key:
                return self.problem(401, "unauthorized")
            if key != KEY:
                return self.problem(403, "invalid API key")
            return await handler(request)

        return guarded

    async def create(self, request: web.Request) -> web.StreamResponse:
        sent = json_object(await request.read())
        if sent is None:
            return self.problem(400, "the body is no JSON object")
        try:
            values = completed(sent)
            picture = await incoming.picture(sent["image_url"], IMAGE_TYPES)
        except (BadRequestError, incoming.RefusedError) as error:
            return self.problem(400, str(error))
        task = Task("csm", self._next_code(), values, self.ledger.seconds)
        task.image_url = sent["image_url"] if self._quirk("echo_image") else ""
        task.changed = task.created
        self.ledger.add(task, without_pictures(sent))
        if self._quirk("fail_at_create"):
            self.ledger.fail(task, self._quirk("message"))
        else:
            self.shared.start(task, picture)
        return self._told(task, 201)

    async def get(self, request: web.Request) -> web.StreamResponse:
        task = self.ledger.find("csm", request.match_info["id"])
        return self.problem(404, "Session not found") if task is None else self._told(task, 200)

    async def list(self, request: web.Request) -> web.StreamResponse:
        if self._quirk("no_list"):
            return self.problem(404, "Not Found")
        page = whole_number(request.query.get("page", "1"), 1, 10**9)
        size = whole_number(request.query.get("limit", str(PAGE_SIZE)), 1, MOST_ON_PAGE)
        if page is None or size is None:
            return self.problem(400, "page and limit must be numbers from 1 on")
        newest_first = self.ledger.of("csm")[::-1]
        return envelope({"results": [self.record(task) for task in newest_first[(page - 1) * size : page * size]]}, 200)

    async def user(self, request: web.Request) -> web.StreamResponse:
        return envelope({"tier": "maker"}, 200)

    def data(self, task: Task) -> dict[str, Any]:
        """A session as its own address tells it. Every mesh has its key, empty until there is one."""
        if task.state is State.SUCCEEDED and not task.files:
            task.files = files(task)
        fields: dict[str, Any] = {
            "session_code": task.id,
            "image_url": task.image_url,
            "manual_segmentation": False,
            **{name: task.parameters[name] for name in CHOICES},
            "symmetry": "auto",
            "scaled_bbox": task.parameters["scaled_bbox"],
            "preserve_aspect_ratio": task.parameters["preserve_aspect_ratio"],
            "pivot_point": [0, 0, 0],
            **self._meshes(task),
            "updated_at": self._time(task.changed),
            "created_at": self._time(task.created),
            "status" if self._quirk("old_words") else "session_status": self._word(task, self._quirk("old_words")),
            "percent_done": task.percent,
        }
        if self._quirk("no_progress"):
            del fields["percent_done"]
        if task.state is State.FAILED and self._quirk("reason_in") == "status_message":
            fields["status_message"] = task.message
        return tidied(fields, {*MESHES, "image_url"}, self.ledger, "csm")

    def record(self, task: Task) -> dict[str, Any]:
        """A session as the list tells it: an older and richer kind of record."""
        data = self.data(task)
        fields = {
            "_id": task.id,
            "session_code": task.id,
            "user_id": "standin",
            "image_url": data.get("image_url", ""),
            "preview_mesh_url": data.get("mesh_url_glb") or "",
            "percentage": task.percent,
            "status": self._word(task, is_old=True),
            "created_at": data["created_at"],
            "updated_at": data["updated_at"],
        }
        return {name: value for name, value in fields.items() if name != "percentage" or not self._quirk("no_progress")}

    def _told(self, task: Task, status: int) -> web.Response:
        data = self.data(task)
        where = self._quirk("reason_in")
        if task.state is State.FAILED and where in ("error", "message"):
            return envelope(data, status, **{where: task.message})
        return envelope(data, status)

    def _meshes(self, task: Task) -> dict[str, str]:
        offered = dict(MESHES) if task.state is State.SUCCEEDED else {}
        if self._quirk("no_glb"):
            offered = {key: name for key, name in offered.items() if key in ("mesh_url_fbx", "mesh_url_usdz")}
        return {key: self.shared.sign(task, offered[key]) if key in offered else "" for key in MESHES}

    def _word(self, task: Task, is_old: bool) -> str:
        if task.word:
            return task.word
        if not task.is_final and self._quirk("unknown_status"):
            return self._quirk("unknown_status")
        if not is_old:
            return WORDS[task.state]
        running = next((word for percent, word in OLD_STAGES if task.percent <= percent), "")
        return OLD_WORDS.get(task.state, running)

    def _time(self, at: float) -> str:
        at += self._quirk("shifted_clock")
        return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + f".{int(at % 1 * 1000):03d}Z"

    def _quirk(self, name: str) -> Any:
        return self.ledger.quirk("csm", name)

    def _next_code(self) -> str:
        while True:
            code = f"SESSION_{int(self.ledger.now('csm')):010d}_{random.randrange(10**7):07d}"
            if code not in self.ledger.tasks:
                return code


def completed(sent: Mapping[str, Any]) -> dict[str, Any]:
    """Every parameter but the picture, with its value. Fields of other names are ignored. Raises `BadRequestError`."""
    if not isinstance(sent.get("image_url"), str) or not sent["image_url"]:
        raise BadRequestError("image_url is required")
    values: dict[str, Any] = {}
    for name, options in CHOICES.items():
        values[name] = sent.get(name, options[0])
        if not isinstance(values[name], str) or values[name] not in options:
            raise BadRequestError(f"{name} must be one of {', '.join(options)}")
    values["scaled_bbox"] = sent.get("scaled_bbox", [-1, -1, -1])
    if not is_size(values["scaled_bbox"]):
        raise BadRequestError("scaled_bbox must be three numbers, each -1 or greater than 0")
    values["preserve_aspect_ratio"] = sent.get("preserve_aspect_ratio", False)
    if not isinstance(values["preserve_aspect_ratio"], bool):
        raise BadRequestError("preserve_aspect_ratio must be a boolean")
    return values


def is_size(value: Any) -> bool:
    """Whether this is width, height and depth in meters, -1 for automatic."""
    if not isinstance(value, list) or len(value) != 3:
        return False
    return all(type(number) in (int, float) and (number == -1 or 0 < number < float("inf")) for number in value)


def envelope(data: dict[str, Any], status: int, *, error: str = "", message: str = "") -> web.Response:
    """What CSM wraps every answer in."""
    usual = "Created" if status == 201 else "Retrieved"
    return json_answer({"error": error, "message": message or usual, "statusCode": status, "data": data}, status)


def files(task: Task) -> dict[str, File]:
    """What lies on the file host once a session is complete. Formats beside GLB and zip hold a line of text only."""
    assert task.model is not None  # it is complete
    found = {name: File(f"The stand-in makes no {name}.\n".encode(), kind) for name, kind in OTHER_FILES.items()}
    found["mesh.glb"] = File(task.model, "model/gltf-binary")
    found["mesh.zip"] = File(zipped("mesh.glb", task.model.read_bytes()), "application/zip")
    return found
