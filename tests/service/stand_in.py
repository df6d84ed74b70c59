# SPDX-License-Identifier: GPL-3.0-or-later
"""CSM, Meshy and ComfyUI on loopback, for tests and for trying things by hand. Takes no money, and listens on this machine only.

with StandIn(model=some_glb) as service:
    service.play("get", "status", status=503, times=2)
    ...
    assert len(service.creates) == 1
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import ssl
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import comfyui, csm, meshy, models
from .comfyui_runs import Runs
from .faults import Faults
from .files import FileHost
from .ledger import Ledger, Task
from .loopback import Loopback
from .records import Create, Embedded, Request
from .serving import Counter, Shared, application

__all__ = ["Create", "Embedded", "Request", "StandIn"]

LOCALS_AT_ONCE = 2  # each is a Blender


class StandIn:
    """CSM and Meshy on one loopback port, their files on another one, ComfyUI on a third, in a thread of its own.

    `model` is the GLB that every task ends with; without it, the built-in Local service makes one. A task takes
    `seconds`; None means until a test says so with `finish` or `fail`. `log` is told of each request that is over, in
    the server's thread.
    """

    meshy_key = meshy.KEY
    csm_key = csm.KEY
    comfyui_key = comfyui.KEY
    """Asked for only where a quirk demands a login."""

    def __init__(
        self,
        *,
        model: Path | None = None,
        seconds: float | None = 0.0,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        log: Callable[[Request], None] | None = None,
    ) -> None:
        self._model = model
        self._ledger = Ledger(seconds)
        self._faults = Faults()
        self._folder: Path | None = None
        self._makings: dict[str, asyncio.Task[None]] = {}
        self._slots = asyncio.Semaphore(LOCALS_AT_ONCE)
        self._is_closed = False
        self._shared = Shared(self._ledger, self._faults, log)
        self._shared.start = self._start
        self._shared.give_up = self._give_up
        self.comfyui = Runs(self._ledger)
        """What a test sets and says of ComfyUI, and what came of it."""
        self.comfyui.start, self.comfyui.give_up = self._start, self._give_up
        services, files, own = application(), application(), application()
        comfyui.ComfyUi(self._shared, self.comfyui).routes(own)
        for counter in (meshy.Meshy(self._shared), csm.Csm(self._shared)):
            counter.routes(services)
        other = Counter(self._shared)
        other.add(services, "*", "/{tail:.*}", "unknown", other.nothing)
        FileHost(self._shared).routes(files)
        self._server = Loopback([services, files, own], [port, 0, 0], tls)
        self.url, self.elsewhere_url, self.comfyui_url = self._server.urls
        self._shared.files_url = self.elsewhere_url
        self.meshy_url = f"{self.url}/meshy/openapi"
        self.csm_url = f"{self.url}/csm"

    def __enter__(self) -> StandIn:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def creates(self) -> list[Create]:
        """Every task that was made, and so was paid for, the oldest first."""
        return self._ledger.creates

    @property
    def requests(self) -> list[Request]:
        """Every request that arrived, the oldest first."""
        return self._ledger.requests

    @property
    def credits(self) -> int:
        """Meshy's balance."""
        return self._ledger.credits

    @credits.setter
    def credits(self, number: int) -> None:
        self._ledger.credits = number

    def play(self, step: str, action: str, *, times: int = 1, service: str = "", **options: Any) -> None:
        """Let the next `times` requests of `step` (see `faults.STEPS`) meet a fault (see `faults.ACTIONS`)."""
        self._faults.put(step, action, times, service, options)

    def play_nothing(self) -> None:
        """Forget the faults that nobody has met yet."""
        self._faults.forget()

    def quirk(self, service: str = "", **quirks: Any) -> None:
        """Let tasks look otherwise from now on (see `ledger.QUIRKS`); all services' where none is named."""
        self._ledger.set_quirks(service, quirks)

    def finish(self, task_id: str) -> None:
        """Let a task succeed now, or as soon as Local has made its model."""
        task = self._task(task_id)
        task.told_at = time.time()
        self._ledger.look(task)

    def fail(self, task_id: str, message: str, code: str = "", type: str = "", word: str = "") -> None:
        """Let a task end without a model, with `word` instead of the usual status where it is given."""
        self._ledger.fail(self._task(task_id), message, code, type, word)
        self._give_up(task_id)

    def set_progress(self, task_id: str, percent: int) -> None:
        """How far a running task is from now on; -1 puts it back into the queue."""
        task = self._task(task_id)
        task.told_percent = percent
        self._ledger.look(task)

    def done_at(self, task_id: str) -> float:
        """When (time.time()) a task ended, however it did; 0 if it has not yet."""
        return self._ledger.look(self._task(task_id)).done

    def forget(self, task_id: str) -> None:
        """Let the service not know a task and its files any more."""
        self._task(task_id)
        self._ledger.forget(task_id)
        self._give_up(task_id)

    def close(self) -> None:
        """Stop at once, whatever is under way. May be called twice."""
        if self._is_closed:
            return
        self._is_closed = True
        self._server.loop.call_soon_threadsafe(self._shared.closing.set)
        self._server.close()
        self.comfyui.installed.disk.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _task(self, task_id: str) -> Task:
        task = self._ledger.tasks.get(task_id)
        if task is None:
            raise KeyError(f"there is no task {task_id}")
        return task

    def _start(self, task: Task, picture: bytes | None) -> None:
        """Begin the work on a task that was just made. In the server's thread."""
        if self._model is not None:
            task.model, task.model_at = self._model, task.created
            return
        task.is_made = True
        self._makings[task.id] = asyncio.get_running_loop().create_task(self._make(task, picture))

    async def _make(self, task: Task, picture: bytes | None) -> None:
        def tell(progress: float) -> None:
            task.made_percent = int(progress * 100)

        async with self._slots:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="image_to_3d_stand_in_"))
            parameters = models.local_parameters(task.service, task.parameters)
            try:
                model = await models.make(picture, parameters, self._folder / task.id, tell)
            except models.MakingError as error:
                self._ledger.fail(task, str(error), type_="server_error")
                return
            except Exception as error:  # whatever becomes of Local, no task must run forever
                self._ledger.fail(task, f"The stand-in is broken: {error!r}", type_="server_error")
                raise
        with self._ledger.lock:
            task.model_at = time.time()
            task.model = model

    def _give_up(self, task_id: str) -> None:
        """End the making of a model that nobody waits for."""
        making = self._makings.pop(task_id, None)
        if making is not None:
            with contextlib.suppress(RuntimeError):  # the server is closed
                self._server.loop.call_soon_threadsafe(making.cancel)
