# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshy: image-to-3D tasks of a web service, with an account. The table, the paths, and Meshy's words for status and result.

Source: Meshy, "Image To 3D API", its v1 page for the task and its states, and the current page (2026) for the other parameters,
"Errors" and "Rate Limits". A word or field that Meshy adds later does no harm.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

from ..errors import (
    AnswerLostError,
    ConnectionFailedError,
    GoneError,
    ModerationError,
    PictureRefusedError,
    PlanError,
    ServiceError,
    TaskFailedError,
)
from ..parameters import Choice, Flag, Number, Picture, Table, Text, check
from ..task import Result, Status, Task, nothing
from .web import SLACK_S, WebService, is_in_window, number, text, web_address

if TYPE_CHECKING:
    from ..client import Answer

PARAMETERS: Table = (
    Picture(
        name="image_url",
        description="Picture to be turned into a model: a path, an address, or the picture itself as a data URI",
        instead="input_task_id",
    ),
    Text(
        name="ai_model",
        description="Which model Meshy uses; the names change every few months",
        default="latest",
        length=100,
        suggestions=("latest", "meshy-7.1", "meshy-7", "meshy-6", "meshy-6-lite", "meshy-t2"),
    ),
    Choice(
        name="model_type",
        description="What kind of mesh is made",
        default="standard",
        options={
            "standard": "A mesh with much detail",
            "smart-topology": "Few, well placed faces; made by the model meshy-t2",
        },
        rare=True,
    ),
    Flag(name="should_texture", description="Make a texture, not the mesh alone", default=True),
    Flag(
        name="enable_pbr",
        description="Make metallic, roughness and normal maps beside the base color",
        default=True,  # the first page's; the later one has false, and a Blender user wants the maps
        needs="should_texture",
        always_sent=True,
    ),
    Text(
        name="texture_prompt",
        description="What the texture should look like, in words; goes before a texture picture",
        length=600,
        needs="should_texture",
    ),
    Picture(
        name="texture_image_url",
        description="Picture that the texture should look like: a path or an address",
        optional=True,
        needs="should_texture",
        rare=True,
    ),
    Choice(
        name="texture_resolution",
        description="How large the base color map is",
        default="2k",
        options={"2k": "2048 pixels", "4k": "4096 pixels", "8k": "8192 pixels, for five more credits"},
        needs="should_texture",
        rare=True,
    ),
    Flag(
        name="hd_texture",
        description="Make the base color map with 4096 pixels; the older way to say Texture Resolution 4k",
        default=False,
        needs="should_texture",
        rare=True,
    ),
    Flag(
        name="remove_lighting",
        description="Take highlights and shadows out of the base color",
        default=True,
        needs="should_texture",
        rare=True,
    ),
    Flag(
        name="should_remesh",
        description="Make the mesh anew with the topology and the number of faces below; off gives the densest triangles",
        default=False,
        sent_with="ai_model",  # each of them has another default
    ),
    Choice(
        name="topology",
        description="What the faces of the mesh are",
        default="triangle",
        options={"triangle": "Triangles", "quad": "Four-sided faces, for editing and subdivision"},
        needs="should_remesh",
        sent_with="ai_model",  # each of them has another default
    ),
    Number(
        name="target_polycount",
        description="About how many faces the mesh gets",
        default=30_000,
        minimum=100,
        maximum=300_000,
        needs="should_remesh",
        sent_with="ai_model",  # each of them has another default
    ),
    Number(
        name="decimation_mode",
        description="How far the mesh is reduced, from 1 (least) to 4 (most), instead of a number of faces",
        default=None,
        minimum=1,
        maximum=4,
        needs="should_remesh",
        rare=True,
    ),
    Flag(
        name="save_pre_remeshed_model",
        description="Keep the dense mesh too, as pre_remeshed.glb in the job's folder",
        default=False,
        needs="should_remesh",
        rare=True,
    ),
    Choice(
        name="geometry_resolution",
        description="How fine the shape is",
        default="standard",
        options={"standard": "The usual", "2k": "Finer, for five more credits", "4k": "Finest, for five more credits"},
        rare=True,
    ),
    Choice(
        name="pose_mode",
        description="Which pose a figure gets",
        default="",
        options={"": "As in the picture", "a-pose": "Arms lowered", "t-pose": "Arms stretched out"},
        rare=True,
    ),
    Flag(
        name="auto_size",
        description="Let Meshy estimate how tall the thing really is",
        default=False,
        rare=True,
    ),
    Choice(
        name="origin_at",
        description="Where Meshy puts the model's origin",
        default="bottom",
        options={"bottom": "Under the model", "center": "In the middle of the model"},
        needs="auto_size",
        rare=True,
    ),
    Flag(
        name="image_enhancement",
        description="Let Meshy improve the picture before it is used",
        default=True,
        rare=True,
    ),
    Flag(
        name="moderation",
        description="Have Meshy look for content that is not allowed, and refuse it",
        default=False,
        rare=True,
    ),
    Flag(
        name="alpha_thumbnail",
        description="Keep Meshy's own picture of the model without a background in the job's folder",
        default=False,
        rare=True,
    ),
    Flag(
        name="multi_view_thumbnails",
        description="Keep Meshy's own pictures of the model from four sides in the job's folder",
        default=False,
        rare=True,
    ),
    Text(
        name="input_task_id",
        description="Id of a finished image task at Meshy whose picture is used instead of the picture above",
        length=100,
        rare=True,
    ),
)

FIXED = {"target_formats": ["glb"]}
"""Sent with every request: fewer formats are made faster, and Blender takes this one."""

PRICES: dict[str, tuple[int, int]] = {
    "latest": (20, 30),
    "meshy-7.1": (20, 30),
    "meshy-7": (20, 30),
    "meshy-6": (20, 30),
    "meshy-6-lite": (5, 15),
    "meshy-t2.5": (5, 15),
    "meshy-t2": (5, 15),
    "meshy-5": (5, 15),
}
"""By `ai_model`: credits for a task without and with a texture.

Source: Meshy, "Pricing" of the API, and the notes on release 0.6.4 of Meshy's own MCP server (for the t models), both October 2026. They
agree about meshy-t2, for which the help centre has 15 and 20.
"""

SMART_MODELS = {"latest": "meshy-t2", "meshy-t2": "meshy-t2", "meshy-t2.5": "meshy-t2.5"}
"""By `ai_model`: which model makes a mesh with smart topology. Of the others no page says what they would cost."""

FINE_TEXTURE_CREDITS = 5  # for 8k
FINE_GEOMETRY_CREDITS = 5

TASKS = "/v1/image-to-3d"
BALANCE = "/v1/balance"

PAGE = 50  # the most that Meshy gives
PAGES_AT_MOST = 20

RECONNECT_S = 1.0
STREAM_FAILURES = 3  # in a row; from then on the task is polled

MAPS = ("base_color", "metallic", "roughness", "normal", "emission", "metallic_roughness")

SIDES = ("front", "right", "back", "left")

_BY_CODE: dict[str, tuple[type[ServiceError], str]] = {
    "moderation_blocked": (ModerationError, "Meshy's moderation blocked the picture or the prompt{said}: use another."),
    "image_too_complex": (PictureRefusedError, "The picture is too complex for Meshy{said}: use a simpler one."),
    "invalid_input": (PictureRefusedError, "Meshy cannot use the picture{said}: use another."),
}
"""What a failed task's `task_error.code` means."""


class Meshy(WebService):
    """The service. Options as `WebService` says; the key is also taken from MESHY_API_KEY, the address from MESHY_API_URL."""

    name: ClassVar[str] = "meshy"
    label: ClassVar[str] = "Meshy"
    description: ClassVar[str] = "Image-to-3D tasks of meshy.ai: needs an account with a paid plan, and costs credits"
    parameters: ClassVar[Table] = PARAMETERS
    account_page: ClassVar[str] = "https://www.meshy.ai/settings/api"
    tells_credits: ClassVar[bool] = True
    can_cancel: ClassVar[bool] = True
    default_url: ClassVar[str] = "https://api.meshy.ai/openapi"
    forbidden = (
        PlanError,
        "The plan of the account at {label} does not allow this{said}: a paid plan is needed, see your account there.",
    )
    _stream_failures = 0

    @staticmethod
    def _key_headers(key: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {key}"}

    @classmethod
    def asks_quads(cls, parameters: Mapping[str, Any]) -> bool:
        """See `Service.asks_quads`."""
        return bool(parameters["topology"] == "quad")

    @classmethod
    def cost(cls, parameters: Mapping[str, Any]) -> int | None:
        """See `Service.cost`; None for a model that is newer than the table of prices."""
        model = parameters["ai_model"]
        if parameters["model_type"] == "smart-topology":
            model = SMART_MODELS.get(model, "")
        if model not in PRICES:
            return None
        mesh, textured = PRICES[model]
        credits = textured if parameters["should_texture"] else mesh
        credits += FINE_TEXTURE_CREDITS if parameters["texture_resolution"] == "8k" else 0
        return credits + (FINE_GEOMETRY_CREDITS if parameters["geometry_resolution"] != "standard" else 0)

    def create(self, parameters: Mapping[str, Any], before_sending: Callable[[], None] = nothing) -> Task:
        """`POST /v1/image-to-3d`. See `Service.create`."""
        values = dict(parameters)
        if values.get("input_task_id"):
            values["image_url"] = ""  # Meshy would prefer the task anyway: the picture need not be sent
        answer = self._send_create(TASKS, values, FIXED, before_sending)
        task_id = self._task_id(answer.body.get("result") if isinstance(answer.body, dict) else None)
        if not task_id:
            raise AnswerLostError(
                "Meshy accepted the request and did not say under which id: look there before you ask for another task."
            )
        return Task(task_id, Status.PENDING)

    def get(self, task_id: str) -> Task:
        """`GET /v1/image-to-3d/:id`. See `Service.get`."""
        try:
            answer = self._request("GET", _path(task_id), names_task=True)
        except GoneError as error:
            return Task(task_id, Status.GONE, error=error)
        if not isinstance(answer.body, dict) or "status" not in answer.body:
            raise self._not_understood(answer)
        return self._task(task_id, answer.body, answer)

    def listen(self, task_id: str, wait: Callable[[float], None]) -> Iterator[Task]:
        """`get`, then `GET /v1/image-to-3d/:id/stream`, and again when that breaks off or falls silent. See `Service.listen`."""
        while True:
            task = self.get(task_id)
            yield task
            if task.has_ended or self._stream_failures >= STREAM_FAILURES:
                return
            try:
                for task in self._streamed(task_id, wait):
                    yield task
                    if task.has_ended:
                        return
            except ConnectionFailedError:
                self._stream_failures += (
                    1  # whether it is the stream's trouble or the network's, the ordinary answer tells
                )
            wait(RECONNECT_S)

    def _streamed(self, task_id: str, wait: Callable[[float], None]) -> Iterator[Task]:
        """The task as often as the stream tells of it, until it ends or falls silent."""
        with self._client.events(f"{_path(task_id)}/stream", wait) as events:
            if events is None:
                self._stream_failures = STREAM_FAILURES
                return
            for kind, data in events:
                task = self._task(task_id, data)
                if kind == "error" or (task.has_ended and not task.result):
                    # What it means, and why a task has ended without a model, the ordinary answer says.
                    yield self.get(task_id)
                    return
                self._stream_failures = 0
                yield task

    def find(self, parameters: Mapping[str, Any], age_s: float) -> list[str]:
        """`GET /v1/image-to-3d?page_num=1&page_size=50&sort_by=-created_at` and on. See `Service.find`."""
        values = check(PARAMETERS, parameters)
        found: list[str] = []
        for page in range(1, PAGES_AT_MOST + 1):
            query = {"page_num": page, "page_size": PAGE, "sort_by": "-created_at"}
            answer = self._request("GET", TASKS, query=query)
            if not isinstance(answer.body, list):
                raise self._not_understood(answer)
            tasks = [task for task in answer.body if isinstance(task, dict)]
            ages = [answer.server_time - number(task.get("created_at")) / 1000 for task in tasks]
            found += [
                self._task_id(task.get("id"))
                for task, age in zip(tasks, ages, strict=True)
                if is_in_window(age, age_s) and (task.get("texture_prompt") or "") == values["texture_prompt"]
            ]
            if len(tasks) < PAGE or min(ages) > age_s + SLACK_S:
                break
        return list(dict.fromkeys(filter(None, found)))

    def cancel(self, task_id: str) -> bool:
        """`DELETE /v1/image-to-3d/:id`: a task that waits is removed and paid back. See `Service.cancel`.

        One in progress is refused (409, `RefusedError`), goes on and is paid; one that has succeeded is removed with its files and not
        paid back (Meshy's MCP server, "meshy_cancel_task", November 2026).
        """
        with contextlib.suppress(GoneError):  # then there is nothing left to tell
            self._request("DELETE", _path(task_id), names_task=True)
        return True

    def check_key(self) -> int:
        """`GET /v1/balance`: the credits that the account has. See `Service.check_key`."""
        answer = self._request("GET", BALANCE)
        if not isinstance(answer.body, dict) or not isinstance(answer.body.get("balance"), (int, float)):
            raise self._not_understood(answer)
        return int(number(answer.body["balance"]))

    @staticmethod
    def _words(body: Any) -> str:
        """`message`."""
        return text(body.get("message")) if isinstance(body, dict) else ""

    def _task(self, task_id: str, body: Mapping[str, Any], answer: "Answer | None" = None) -> Task:
        word = text(body.get("status")).upper()
        progress = min(max(number(body.get("progress")) / 100, 0.0), 1.0)
        credits = int(number(body["consumed_credits"])) if body.get("consumed_credits") is not None else None
        if word == "SUCCEEDED":
            return self._succeeded(task_id, body, credits)
        if word in ("FAILED", "CANCELED", "CANCELLED"):
            return Task(task_id, Status.FAILED, progress, error=self._failure(word, body), credits=credits)
        if word == "EXPIRED":
            error = GoneError("Meshy does not keep the model any longer: generate it again.")
            return Task(task_id, Status.GONE, progress, error=error, credits=credits)
        retry_after_s = answer.retry_after_s if answer else None
        if word == "PENDING":
            return Task(task_id, Status.PENDING, progress, _queue(body), credits=credits, retry_after_s=retry_after_s)
        return Task(task_id, Status.RUNNING, progress, "Meshy is working", credits=credits, retry_after_s=retry_after_s)

    def _failure(self, word: str, body: Mapping[str, Any]) -> ServiceError:
        if word != "FAILED":
            return TaskFailedError("The task was cancelled at Meshy: generate it again.")
        reason = body.get("task_error") or {}
        words = self._own_words(reason)
        said = f" ({words})" if words else ""
        code = reason.get("code") if isinstance(reason, dict) else None
        kind, sentence = _BY_CODE.get(
            text(code), (TaskFailedError, "Meshy could not make the model{said}: try again, or use another picture.")
        )
        return kind(sentence.format(said=said))

    def _succeeded(self, task_id: str, body: Mapping[str, Any], credits: int | None) -> Task:
        urls = body.get("model_urls")
        urls = urls if isinstance(urls, dict) else {}
        glb = web_address(urls.get("glb")) or web_address(body.get("model_url"))
        if not glb:
            formats = self._offered(name for name in urls if web_address(urls[name]))
            offered = f"only {formats}" if formats else "and no other file"
            error = TaskFailedError(f"Meshy names no GLB for the finished task, {offered}: retry to ask again.")
            return Task(task_id, Status.SUCCEEDED, 1.0, error=error, credits=credits)
        result = Result(glb, maps=_maps(body.get("texture_urls")), extras=_extras(body, urls))
        return Task(task_id, Status.SUCCEEDED, 1.0, "Finished at Meshy", result, credits=credits)


def _path(task_id: str) -> str:
    return f"{TASKS}/{quote(task_id, safe='')}"


def _queue(body: Mapping[str, Any]) -> str:
    ahead = int(number(body.get("preceding_tasks")))
    if ahead <= 0:
        return "Waiting at Meshy"
    return f"Waiting at Meshy, {ahead} {'task' if ahead == 1 else 'tasks'} before this one"


def _maps(texture_urls: Any) -> dict[str, str]:
    """The loose maps: normally an array of one object, on some tasks the object itself."""
    first = texture_urls[0] if isinstance(texture_urls, list) and texture_urls else texture_urls
    if not isinstance(first, dict):
        return {}
    return {name: url for name in MAPS if (url := web_address(first.get(name)))}


def _extras(body: Mapping[str, Any], urls: Mapping[str, Any]) -> dict[str, str]:
    """Further files that a request can ask for, by the name they get."""
    sides = body.get("thumbnail_urls")
    files = {
        "pre_remeshed.glb": urls.get("pre_remeshed_glb"),
        "alpha_thumbnail.png": body.get("alpha_thumbnail_url"),
        **{f"thumbnail_{side}.png": sides.get(side) for side in SIDES if isinstance(sides, dict)},
    }
    return {name: url for name, value in files.items() if (url := web_address(value))}
