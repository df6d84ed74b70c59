# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshy: the paths of its image-to-3D tasks, of one picture and of several, and its words for status and result. Has no
table and no prices of its own.

Source: Meshy, "Image To 3D API", its v1 page for the task and its states, "Multi Image To 3D API", "Errors" and "Rate
Limits" (2026). A word or field that Meshy adds later does no harm.
"""

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

from ...about import About
from ...errors import (
    AnswerLostError,
    ConnectionFailedError,
    GoneError,
    ModerationError,
    PictureRefusedError,
    PlanError,
    RefusedError,
    ServiceError,
    TaskFailedError,
)
from ...task import Result, Status, Task
from ..rows import VIEWS
from ..web import SLACK_S, WebService, is_in_window, number, text, web_address
from . import ABOUT
from .table import FIXED

if TYPE_CHECKING:
    from ...client import Answer

TASKS = "/v1/image-to-3d"
TASKS_OF_VIEWS = "/v1/multi-image-to-3d"
BALANCE = "/v1/balance"

PAGE = 50  # the most that Meshy gives
PAGES_AT_MOST = 20

RECONNECT_S = 1.0
STREAM_FAILURES = 3  # in a row; from then on the task is polled

MAPS = ("base_color", "metallic", "roughness", "normal", "emission", "metallic_roughness")

SIDES = ("front", "right", "back", "left")

_BY_CODE: dict[str, tuple[type[ServiceError], str]] = {
    "moderation_blocked": (ModerationError, "Meshy's moderation blocked the picture or the prompt{said}: use another."),
    "image_too_complex": (
        PictureRefusedError,
        "The picture is too complex for Meshy{said}: use a simpler one, which shows a single object.",
    ),
    "invalid_input": (PictureRefusedError, "Meshy cannot use the picture{said}: use another."),
    "timeout": (TaskFailedError, "Meshy ran out of time{said}: try again, or use a simpler picture."),
    "format_conversion_failed": (
        TaskFailedError,
        "Meshy could not write its model to a file{said}: try again, or ask for fewer faces.",
    ),
}
"""What a failed task's `task_error.code` means."""

_TROUBLE = (TaskFailedError, "Meshy had a trouble of its own{said}: try again.")
_BY_TYPE: dict[str, tuple[type[ServiceError], str]] = {
    "invalid_input": (TaskFailedError, "Meshy cannot work with what it was sent{said}: change picture or parameters."),
    "timeout": _BY_CODE["timeout"],
    "service_unavailable": _TROUBLE,
    "server_error": _TROUBLE,
}
"""What its `task_error.type` means, where there is no code, or one that is newer than these."""

_FAILED = (TaskFailedError, "Meshy could not make the model{said}: try again, or use another picture.")

_NO_ROUTE = re.compile("no ?matching ?route", re.IGNORECASE)
_ABOUT_PLAN = re.compile("NoMorePendingTasks|free plan", re.IGNORECASE)
"""With 402: the free plan makes no tasks, whatever credits there are. With 429, the former means a full queue."""


class Meshy(WebService):
    """The service. Options as `WebService` says; the key is also taken from MESHY_API_KEY, the address from
    MESHY_API_URL."""

    about: ClassVar[About] = ABOUT
    forbidden = (
        PlanError,
        "The plan of the account at {label} does not allow this{said}: a paid plan is needed, see your account there.",
    )
    _stream_failures = 0

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._paths: dict[str, str] = {}  # by task: where it was made or found

    @staticmethod
    def _key_headers(key: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {key}"}

    def _create(self, parameters: Mapping[str, Any], before_sending: Callable[[], None], task_id: str) -> Task:
        """`POST /v1/image-to-3d`, with further views `POST /v1/multi-image-to-3d`. See `Service.create`."""
        values = dict(parameters)
        if values.get("input_task_id"):
            values["image_url"] = ""  # Meshy would prefer the task anyway: the picture need not be sent
        path = _path_for(values)
        worded = _with_views if path == TASKS_OF_VIEWS else dict
        answer = self._send_create(path, values, FIXED, before_sending, worded)
        made = self._task_id(answer.body.get("result") if isinstance(answer.body, dict) else None)
        if not made:
            raise AnswerLostError(
                "Meshy accepted the request and did not say under which id: look there before you ask for another task."
            )
        self._paths[made] = path
        return Task(made, Status.PENDING)

    def get(self, task_id: str) -> Task:
        """`GET /v1/image-to-3d/:id`, or the other path's. See `Service.get`."""
        try:
            answer = self._ask("GET", task_id)
        except GoneError as error:
            return Task(task_id, Status.GONE, error=error)
        if not isinstance(answer.body, dict) or "status" not in answer.body:
            raise self._not_understood(answer)
        return self._task(task_id, answer.body, answer)

    def listen(self, task_id: str, wait: Callable[[float], None]) -> Iterator[Task]:
        """`get`, then `GET /v1/image-to-3d/:id/stream` or the other path's, and again when that breaks off or falls
        silent. See `Service.listen`."""
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
        path = self._paths[task_id]  # `get` has found it
        with self._client.events(f"{path}/{quote(task_id, safe='')}/stream", wait) as events:
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
        """`GET /v1/image-to-3d?page_num=1&page_size=50&sort_by=-created_at` and on, or the other path's. See
        `Service.find`.

        The `parameters` may be those of a record that an older version wrote, and that today's table refuses.
        """
        path, prompt = _path_for(parameters), text(parameters.get("texture_prompt")).strip()
        found: list[str] = []
        for page in range(1, PAGES_AT_MOST + 1):
            query = {"page_num": page, "page_size": PAGE, "sort_by": "-created_at"}
            answer = self._request("GET", path, query=query)
            if not isinstance(answer.body, list):
                raise self._not_understood(answer)
            tasks = [task for task in answer.body if isinstance(task, dict)]
            ages = [answer.server_time - number(task.get("created_at")) / 1000 for task in tasks]
            found += [
                self._task_id(task.get("id"))
                for task, age in zip(tasks, ages, strict=True)
                if is_in_window(age, age_s) and (task.get("texture_prompt") or "") == prompt
            ]
            if len(tasks) < PAGE or min(ages) > age_s + SLACK_S:
                break
        return list(dict.fromkeys(filter(None, found)))

    def cancel(self, task_id: str) -> bool:
        """`DELETE /v1/image-to-3d/:id`, or the other path's: a task that waits is removed and paid back. See
        `Service.cancel`.

        One in progress is refused (409, `RefusedError`), goes on and is paid; one that has succeeded is removed with
        its files and not paid back (Meshy's MCP server, "meshy_cancel_task", November 2026).
        """
        with contextlib.suppress(GoneError):  # then there is nothing left to tell
            self._ask("DELETE", task_id)
        return True

    def _ask(self, method: str, task_id: str) -> "Answer":
        """Send a request about one task to the path that it belongs to. Raises as `_request` does.

        Ids do not tell which path that is, so that both are asked for a task that this object has neither made nor met.
        """
        refusals = []
        for path in [self._paths[task_id]] if task_id in self._paths else [TASKS, TASKS_OF_VIEWS]:
            try:
                answer = self._request(method, f"{path}/{quote(task_id, safe='')}", names_task=True)
            except ServiceError as error:
                if error.status != 404:
                    raise
                refusals.append(error)
            else:
                self._paths[task_id] = path
                return answer
        # Where one path knows tasks, though not this one, the address is right, whatever the other path says.
        raise next((error for error in refusals if isinstance(error, GoneError)), refusals[0])

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

    def _refusal(self, answer: "Answer", names_task: bool) -> ServiceError:
        """As of other services; and, of a task, that its path is not there, or that it cannot be stopped."""
        words, request_id = self._own_words(answer.body), self._request_id(answer)
        if names_task and answer.status == 404 and (answer.is_page or _NO_ROUTE.search(words)):
            sentence = "Meshy is not at this address: check the address in the preferences, the task is not lost."
            return ServiceError(sentence, status=404, request_id=request_id)
        if names_task and answer.status == 409:
            said = f" ({words})" if words else ""
            sentence = f"Meshy works on the task already{said}: it goes on, and is paid for."
            return RefusedError(sentence, status=409, request_id=request_id)
        return super()._refusal(answer, names_task)

    def _meaning(self, status: int, words: str, retry_after_s: float | None) -> tuple[type[ServiceError], str]:
        if status == 402 and _ABOUT_PLAN.search(words):
            return self.forbidden
        return super()._meaning(status, words, retry_after_s)

    def _task(self, task_id: str, body: Mapping[str, Any], answer: "Answer | None" = None) -> Task:
        word = text(body.get("status")).upper()
        progress = min(max(number(body.get("progress")) / 100, 0.0), 1.0)
        credits = int(number(body["consumed_credits"])) if body.get("consumed_credits") is not None else None
        if word == "SUCCEEDED":
            return self._succeeded(task_id, body, credits)
        if word in ("FAILED", "CANCELED", "CANCELLED"):
            return Task(task_id, Status.FAILED, progress, error=self._failure(word, body), credits=credits)
        if word == "EXPIRED":
            error = GoneError("Meshy does not keep the model any longer: generate it again, which costs again.")
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
        reason = reason if isinstance(reason, dict) else {}
        kind, sentence = _BY_CODE.get(text(reason.get("code"))) or _BY_TYPE.get(text(reason.get("type"))) or _FAILED
        return kind(sentence.format(said=said))

    def _succeeded(self, task_id: str, body: Mapping[str, Any], credits: int | None) -> Task:
        urls = body.get("model_urls")
        urls = urls if isinstance(urls, dict) else {}
        glb = web_address(urls.get("glb")) or web_address(body.get("model_url"))
        if not glb:
            formats = self._offered(name for name in urls if web_address(urls[name]))
            offered = f"only {formats}" if formats else "and no other file"
            error = TaskFailedError(
                f"Meshy names no GLB for the finished task, {offered}: retry to ask again, which costs nothing."
            )
            return Task(task_id, Status.SUCCEEDED, 1.0, error=error, credits=credits)
        result = Result(glb, maps=_maps(body.get("texture_urls")), extras=_extras(body, urls))
        return Task(task_id, Status.SUCCEEDED, 1.0, "Finished at Meshy", result, credits=credits)


def _path_for(parameters: Mapping[str, Any]) -> str:
    """Where tasks with these parameters are made and listed."""
    return TASKS_OF_VIEWS if any(map(parameters.get, VIEWS)) else TASKS


def _with_views(values: dict[str, Any]) -> dict[str, Any]:
    """The pictures in one list: Meshy takes the first for the front, and the others in any order."""
    pictures = [values[name] for name in ("image_url", *VIEWS) if name in values]
    others = {name: value for name, value in values.items() if name not in ("image_url", "model_type", *VIEWS)}
    return {"image_urls": pictures, **others}


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
