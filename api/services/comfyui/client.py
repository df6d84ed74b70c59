# SPDX-License-Identifier: GPL-3.0-or-later
"""ComfyUI: its routes, and its words for status and result. Has no table and no workflow of its own.

Source: the routes of ComfyUI 0.3.64 (October 2025) and 0.33.0 (August 2026). What a prompt is called is chosen here,
so that it is found again whatever became of the answer.
"""

import contextlib
import dataclasses
import os
import secrets
import tempfile
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal
from urllib.parse import quote, urlencode

from ....programs.program import LOG, SCRATCH_PREFIX
from ... import access, picture
from ...about import DRAWN, About
from ...blender import command_of
from ...errors import (
    AnswerLostError,
    ConnectionFailedError,
    GoneError,
    ImageTo3DError,
    KeyRefusedError,
    PictureError,
    PictureRefusedError,
    RefusedError,
    ServiceAwayError,
    ServiceError,
)
from ...multipart import Form
from ...network import USUAL, Network
from ...parameters import check
from ...paths import AnyPath, path_of
from ...payload import Payload
from ...task import Result, Status, Task
from ...words import named
from .. import rows
from ..web import WebService, text
from . import ABOUT, failures, history, lacks, login, outputs, plans, refusals, stats
from .nodes import Info
from .outputs import FOLDER, Output
from .plans import Plan
from .progress import ENDED, Progress
from .table import PARAMETERS, SEED_MOST

if TYPE_CHECKING:
    from ...client import Client

DESKTOP_URL = "http://127.0.0.1:8000"
"""Where ComfyUI Desktop listens, unless something else does already."""

PICTURES = {"front": rows.IMAGE_URL.name, **{name.partition("_")[0]: name for name in rows.VIEWS}}
"""The parameters that are pictures, by what they show."""

INFO_BYTES = 8 << 20  # of all that is said of the classes of one workflow; of all that there are, it is 2 MB
CLASS_AT_MOST = 200  # characters of the name of a class that is asked for

PICTURE_PX = 1024  # what the models see has 518 or 1024 pixels a side
NAME_AT_MOST = 500  # characters of the name of an upload

ENDINGS = ("_00001_.glb", "_00001.glb")
"""What SaveGLB and Save3DAdvanced add to a prefix that nothing has had before."""

LOOKS = 2  # for a prompt: it leaves the queue an instant before it enters the history

MUTE_AT_MOST = 2  # sockets in a row that said nothing at all; from then on the task is polled
RECONNECT_S = 1.0

NOT_THERE = (400, 404, 410)

_MEANINGS: dict[int, tuple[type[ServiceError], str]] = {
    401: (
        KeyRefusedError,
        "The server asks for a login{said}: enter its token, or user:password@ before its address, in the preferences.",
    ),
    403: (
        RefusedError,
        "ComfyUI, or a proxy in front of it, refuses the request{said}: such a proxy has to pass the Host header on.",
    ),
    413: (
        PictureRefusedError,
        "The picture is too large for ComfyUI, or for a proxy in front of it{said}: use a smaller one, or raise the "
        "proxy's limit.",
    ),
}


class ComfyUI(WebService):
    """The service. Options as `WebService` says; the key, which a server behind a proxy may ask for, is also taken from
    COMFYUI_API_KEY, the address from COMFYUI_API_URL. The address may have any form, and hold a login."""

    about: ClassVar[About] = ABOUT
    away = "see whether it still runs, or try again later"
    forbidden = _MEANINGS[403]
    pace_s = (1.0, 5.0)

    def __init__(self, *, url: str | None = "", network: Network = USUAL, **options: Any) -> None:
        url = url or os.environ.get(access.url_variable(self.about.name), "")
        self._is_settled = bool(url)
        self._server = login.read(url or self.about.default_url)
        self._info: dict[str, Any] = {}
        self._asked: set[str] = set()
        self._info_bytes = 0
        self._progress: Progress | None = None
        self._mute = 0
        super().__init__(url=url, network=dataclasses.replace(network, read_s=network.busy_s), **options)

    def _client_at(self, url: str) -> "Client":
        return self._client_of(
            self._server, self._key_headers(self._key) or self._key_headers(self._server.basic, "Basic")
        )

    def _client_of(self, server: login.Server, headers: Mapping[str, str]) -> "Client":
        from ...client import Client

        return Client(
            label=self.about.label,
            url=server.url,
            headers=headers,
            away=self.away,
            absent=_absent(server, self._is_settled),
            network=self._network,
            check_cancelled=lambda: self._sleep(0.0),
        )

    @staticmethod
    def _key_headers(key: str, scheme: str = "Bearer") -> dict[str, str]:
        return {"Authorization": f"{scheme} {key}"} if key else {}

    @property
    def _secrets(self) -> tuple[str, ...]:
        return *super()._secrets, self._server.password, self._server.basic

    def _settle(self) -> None:
        """Where no address was given, find out once which of the usual ones answers."""
        if self._is_settled:
            return
        try:
            self._stats()
        except ServiceAwayError:
            desktop = login.read(DESKTOP_URL)
            try:  # without the key: whatever listens there, nobody has named it
                answer = self._client_of(desktop, {}).request("GET", "/system_stats")
            except ConnectionFailedError:
                answer = None
            if answer is None or not stats.is_one(answer.body):
                raise
            self._server, self._is_settled = desktop, True
            self._client = self._client_of(desktop, {})
            return
        self._is_settled = True
        self._client = self._client_at("")

    def _create(self, parameters: Mapping[str, Any], before_sending: Callable[[], None], task_id: str) -> Task:
        """`GET /object_info/{class}`, `POST /upload/image` for each picture, then `POST /prompt`. See
        `Service.create`."""
        values = check(PARAMETERS, parameters)
        if values["seed"] == DRAWN:
            values["seed"] = secrets.randbelow(SEED_MOST + 1)
        task_id = task_id or str(uuid.uuid4())
        self._settle()
        plan = self._plan(values)
        self._picture_notes = []
        with tempfile.TemporaryDirectory(dir=self._folder, prefix=SCRATCH_PREFIX) as scratch:
            pictures = {
                view: self._upload(self._framed(values[name], Path(scratch), name, plan.frame), f"{task_id}_{view}.png")
                for view, name in PICTURES.items()
                if view in plan.views and values[name]
            }
        graph, saver = plan.build(pictures, f"{FOLDER}/{task_id}")
        prompt = {
            "prompt": graph,
            "prompt_id": task_id,
            "client_id": task_id,
            "extra_data": {history.OURS: {"saver": saver}},
        }
        before_sending()
        self._payload = Payload(prompt, lambda: self._sleep(0.0))
        answer = self._client.request("POST", "/prompt", payload=self._payload)
        if answer.status == 400:
            raise refusals.of_body(answer.body, graph, plan.models, self._secrets)
        if answer.status == 500:  # how it says that it could not even read a graph
            raise RefusedError(refusals.SAYS_NOTHING, status=500)
        if not 200 <= answer.status < 300:
            raise self._refusal(answer, names_task=False)
        made = self._task_id(answer.body.get("prompt_id") if isinstance(answer.body, dict) else None)
        if not made:
            raise AnswerLostError("ComfyUI accepted the request and did not say under which id: look at its queue.")
        if refusals.has_node_errors(answer.body):  # what of the graph can run is queued all the same
            with contextlib.suppress(ImageTo3DError):
                self.cancel(made)
            raise refusals.of_body(answer.body, graph, plan.models, self._secrets)
        self._progress, self._mute = Progress(made, graph, self._secrets), 0
        return Task(made, Status.PENDING)

    def _plan(self, values: Mapping[str, Any]) -> Plan:
        return plans.plan(values, self._info_of, lambda: stats.version(self._stats(), self._secrets))

    def _info_of(self, classes: Iterable[str]) -> Info:
        """What the server says of these classes; each is asked for once, as the whole list may have many megabytes.
        What can be no name of a class, in a file of whoever, no server is asked for."""
        for name in sorted(set(classes) - self._asked):
            if not name.isprintable() or len(name) > CLASS_AT_MOST:
                continue
            answer = self._request("GET", f"/object_info/{quote(name, safe='')}")
            self._info_bytes += answer.length
            if self._info_bytes > INFO_BYTES:
                raise self._not_understood(answer)
            if isinstance(answer.body, dict) and isinstance(answer.body.get(name), dict):
                self._info[name] = answer.body[name]
            self._asked.add(name)
        return {name: self._info[name] for name in classes if name in self._info}

    def _framed(self, source: str, scratch: Path, name: str, background: Literal["white", "alpha"]) -> Path:
        """A picture as the workflow wants it."""
        if picture.is_path(source):
            file = Path(source)
        else:
            network = dataclasses.replace(self._network, is_own=False)
            file = picture.to_file(source, scratch / name, network=network, check_cancelled=lambda: self._sleep(0.0))
        if not os.path.isfile(file):  # also where the name is endless
            raise PictureError(f"There is no picture at {named(file)}: choose one that exists.")
        fitted = picture.framed(
            file,
            scratch / f"framed-{name}",
            lambda: command_of(self._blender),
            called=self._called(source, name),
            background=background,
            size_px=PICTURE_PX,
            sleep=self._sleep,
            log=self._folder / LOG if self._folder else None,
        )
        self._picture_notes.append(fitted.note)
        return fitted.file

    def _upload(self, file: Path, name: str) -> str:
        """`POST /upload/image`. Return what the picture is called in a graph."""
        form = Form(
            {"type": "input", "subfolder": FOLDER, "overwrite": "false"},
            "image",
            name,
            file,
            lambda: self._sleep(0.0),
        )
        answer = self._client.request("POST", "/upload/image", payload=form, makes_nothing=True)
        if not 200 <= answer.status < 300:
            raise self._refusal(answer, names_task=False)
        body = answer.body if isinstance(answer.body, dict) else {}
        called, folder = text(body.get("name")), text(body.get("subfolder")).replace("\\", "/")
        path = f"{folder}/{called}" if folder else called
        if not called or len(path) > NAME_AT_MOST or not path.isprintable():
            raise self._not_understood(answer)
        return path

    def get(self, task_id: str) -> Task:
        """`GET /queue`, then `GET /history/{prompt_id}`. See `Service.get`."""
        self._settle()
        for _ in range(LOOKS):
            answer = self._request("GET", "/queue")
            if not history.is_queue(answer.body):
                raise self._not_understood(answer)
            if queued := history.queued(answer.body, task_id):
                return self._queued(task_id, queued)
            answer = self._request("GET", f"/history/{quote(task_id, safe='')}")
            if not isinstance(answer.body, dict):
                raise self._not_understood(answer)
            if entry := history.entry_of(answer.body, task_id):
                return self._ended(task_id, entry)
        return self._forgotten(task_id)

    def _queued(self, task_id: str, queued: history.Queued) -> Task:
        if self._progress is None or self._progress.task_id != task_id:
            self._progress = Progress(task_id, queued.graph, self._secrets)
        if queued.is_running:
            return self._progress.tell()
        before = f", {queued.ahead} {'job' if queued.ahead == 1 else 'jobs'} before this one" if queued.ahead else ""
        return Task(task_id, Status.PENDING, message=f"Waiting at ComfyUI{before}")

    def _ended(self, task_id: str, entry: Mapping[str, Any]) -> Task:
        output = outputs.find(entry, history.saver_of(entry))
        error = failures.of_entry(entry, self._secrets) or failures.of_output(output, self._secrets)
        if error or output is None:
            return Task(task_id, Status.FAILED, error=error)
        if not self._is_there(output):
            file = lacks.cleaned(output.filename, self._secrets)
            return Task(task_id, Status.GONE, error=GoneError(f"ComfyUI no longer has {file}: generate it again."))
        return self._succeeded(task_id, output)

    def _forgotten(self, task_id: str) -> Task:
        """A prompt that the server does not know, as it was restarted since: its model may lie there all the same,
        under a name that is known."""
        for ending in ENDINGS:
            output = Output(f"{task_id}{ending}", FOLDER, outputs.OUTPUT)
            if self._is_there(output):
                return self._succeeded(task_id, output)
        error = GoneError("ComfyUI was restarted and forgot this job, or somebody deleted it there: generate it again.")
        return Task(task_id, Status.GONE, error=error)

    def _succeeded(self, task_id: str, output: Output) -> Task:
        note = f"ComfyUI answered at {self._server.place}." if self._server.url == DESKTOP_URL else ""
        result = Result(f"{self._client.url}{_view(output)}", note=note)
        return Task(task_id, Status.SUCCEEDED, 1.0, "Finished at ComfyUI", result)

    def _is_there(self, output: Output) -> bool:
        """`HEAD /view`."""
        answer = self._client.request("HEAD", _view(output))
        if answer.status in NOT_THERE:
            return False
        if answer.status in _MEANINGS or answer.status >= 500:
            raise self._refusal(answer, names_task=False)
        return True  # a proxy may not know what HEAD is; whoever fetches the file will see

    def listen(self, task_id: str, wait: Callable[[float], None]) -> Iterator[Task]:
        """What `/ws` tells, with `get` when it opens, falls silent or says that the prompt has ended. See
        `Service.listen`."""
        self._settle()
        while self._mute < MUTE_AT_MOST:
            self._mute += 1
            with contextlib.suppress(ConnectionFailedError):  # whosever trouble it is, `get` tells
                for task in self._heard(task_id, wait):
                    yield task
                    if task.has_ended:
                        return
            wait(RECONNECT_S)
        yield self.get(task_id)

    def _heard(self, task_id: str, wait: Callable[[float], None]) -> Iterator[Task]:
        """The task once the socket is open, and whenever the socket tells of it."""
        from ...sockets import messages

        with messages(self._client, f"/ws?{urlencode({'clientId': task_id})}", wait) as heard:
            if heard is None:
                self._mute = MUTE_AT_MOST
                return
            task = self.get(task_id)
            yield task
            for message in () if task.has_ended else heard:
                self._mute = 0
                kind = self._progress.hear(message) if self._progress else ""
                if kind == ENDED or (message.get("type") == "status" and task.status is Status.PENDING):
                    task = self.get(task_id)
                    yield task
                elif kind and self._progress and self._progress.has_moved:
                    task = self._progress.tell()
                    yield task

    def find(self, parameters: Mapping[str, Any], age_s: float) -> list[str]:
        """Return nothing: the id of a prompt is chosen here."""
        return []

    def cancel(self, task_id: str) -> bool:
        """`POST /queue` and `POST /interrupt` for this prompt alone. See `Service.cancel`.

        Servers of old interrupt whoever runs, whatever the request says: so it is sent only where this prompt does.
        """
        self._settle()
        self._order("/queue", {"delete": [task_id]})
        answer = self._request("GET", "/queue")
        if not history.is_queue(answer.body):
            raise self._not_understood(answer)
        queued = history.queued(answer.body, task_id)
        if queued and queued.is_running:
            self._order("/interrupt", {"prompt_id": task_id})
        return True

    def _order(self, path: str, values: Mapping[str, Any]) -> None:
        answer = self._client.request("POST", path, payload=Payload(values), makes_nothing=True)
        if not 200 <= answer.status < 300:
            raise self._refusal(answer, names_task=False)

    def fetch(self, url: str, path: AnyPath, on_progress: Callable[[float], None] = lambda fraction: None) -> None:
        """`GET /view`, with the key. See `Service.fetch`."""
        from ...download import receive

        target = path_of(path, "The file")
        receive(lambda headers: self._client.file(url, headers), target, on_progress=on_progress, sleep=self._sleep)

    def check_key(self) -> None:
        """`GET /system_stats`: whether it is a ComfyUI, and lets us in. See `Service.check_key`."""
        self._settle()
        self._stats()

    def check_ready(self, parameters: Mapping[str, Any]) -> str:
        """`GET /system_stats`, and `GET /object_info/{class}` for what the workflow needs. See
        `Service.check_ready`."""
        self._settle()
        found = self._stats()
        plan = self._plan({entry.name: entry.default for entry in PARAMETERS} | dict(parameters))
        plan.build(dict.fromkeys(plan.views, "picture.png"), FOLDER)
        place = self._server.place if self._server.url == DESKTOP_URL else ""
        return stats.sentence(found, place, self._secrets)

    def _stats(self) -> Mapping[str, Any]:
        answer = self._client.request("GET", "/system_stats")
        if answer.status in _MEANINGS or answer.status >= 500 or 300 <= answer.status < 400:
            raise self._refusal(answer, names_task=False)
        if not 200 <= answer.status < 300 or not stats.is_one(answer.body):
            raise RefusedError(
                f"What answers at {self._server.place} is no ComfyUI: check its address in the preferences."
            )
        body: Mapping[str, Any] = answer.body
        return body

    @staticmethod
    def _words(body: Any) -> str:
        """`error`: a text, or an object with a message."""
        error = body.get("error") if isinstance(body, dict) else None
        return text(error.get("message")) if isinstance(error, dict) else text(error)

    def _meaning(self, status: int, words: str, retry_after_s: float | None) -> tuple[type[ServiceError], str]:
        return _MEANINGS.get(status) or super()._meaning(status, words, retry_after_s)


def _view(output: Output) -> str:
    """The route of a file."""
    query = {"filename": output.filename, "subfolder": output.subfolder, "type": output.type}
    return f"/view?{urlencode(query)}"


def _absent(server: login.Server, is_settled: bool) -> str:
    """What is said where nothing answers."""
    if not is_settled:
        return (
            f"No ComfyUI answers at {server.place}, nor at port {login.read(DESKTOP_URL).port}, where ComfyUI Desktop "
            "listens: start it, or enter its address in the preferences."
        )
    if server.is_loopback:
        return f"No ComfyUI answers at {server.place}: start it, or enter its address in the preferences."
    return f"No ComfyUI answers at {server.place}: check the address, and start it there with --listen."
