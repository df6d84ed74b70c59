# SPDX-License-Identifier: GPL-3.0-or-later
"""The memory of the services: tasks and how far they are, credits, quirks, what came in. Speaks no HTTP."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from .records import Create, Request

SERVICES = ("csm", "meshy", "comfyui")
PENDING_SHARE = 0.1  # of a task's seconds, which it spends in the queue
START_CREDITS = 1000
RETENTION_SECONDS = 3 * 86400  # how long Meshy keeps a result

# How a task may look, by name, with what is usual. Kept apart for each service.
QUIRKS: Mapping[str, Any] = {
    "unknown_status": "",  # this word while it runs
    "no_progress": False,  # the field is absent
    "null_fields": False,  # null where there is nothing yet
    "no_empty_fields": False,  # absent where there is nothing yet
    "texture_urls_object": False,  # Meshy: one object, no array
    "swapped_maps": False,  # Meshy: "normal" leads to the roughness map, and the other way round
    "emission_map": False,  # Meshy: one more map with enable_pbr
    "model_url_only": False,  # Meshy: the legacy field, and no model_urls.glb
    "no_glb": False,  # only FBX and USDZ
    "final": "",  # tasks end with this word and without a model
    "message": "",  # ... and this reason
    "code": "",
    "type": "",
    "reason_in": "error",  # CSM: "error", "message" (of the envelope) or "status_message" (of the data)
    "fail_at_create": False,  # CSM: the answer to the create says "failed" already
    "old_words": False,  # CSM: `status` in its older words
    "no_retry_after": False,  # Meshy: no Retry-After while a task runs
    "progress_one": False,  # Meshy: progress 1 where it has succeeded
    "no_list": False,  # the list answers 404
    "free_plan": False,  # Meshy: no task is made, whatever credits there are
    "echo_image": False,  # CSM: image_url comes back
    "shifted_clock": 0.0,  # seconds by which the service's clock is off
    "socket": "",  # ComfyUI: "silent" (opens and says nothing), "closed" (closes at once) or "refused" (404)
    "previews": False,  # ComfyUI: its socket shows a picture after each step, as a binary frame
    "no_output": False,  # ComfyUI: a job ends well, and names no file
    "save_3d": False,  # ComfyUI: Save3DAdvanced names its file as SaveGLB does, too (versions after 0.33.0)
    "windows_path": False,  # ComfyUI: what a node tells as text is an absolute path of Windows
    "late_interrupt": False,  # ComfyUI: an interrupt is heeded when the node that runs is done, and not before
    "login": "",  # ComfyUI: behind "Bearer", or behind a header of this name; 401 without the token
    "forbidden": False,  # ComfyUI: a proxy in front of it answers 403
    "link_seconds": RETENTION_SECONDS,  # how long a signed address holds
}


class State(Enum):
    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass
class Task:
    """One task. All times are this machine's; a quirk shifts them only where they are told."""

    service: str
    id: str
    parameters: dict[str, Any]
    seconds: float | None
    credits: int = 0
    kind: str = ""  # Meshy: of which path it is
    image_url: str = ""  # for the echo only
    created: float = field(default_factory=time.time)
    started: float = 0.0
    done: float = 0.0
    state: State = State.PENDING
    percent: int = 0
    model: Path | None = None
    model_at: float = 0.0
    told_percent: int | None = None  # what a test has set
    told_at: float = 0.0  # when a test has let it finish
    is_made: bool = False  # by Local, which tells how far it is
    made_percent: int = 0
    message: str = ""
    code: str = ""
    type: str = ""
    word: str = ""  # the status it ended with, where that is not the usual one
    files: dict[str, Any] = field(default_factory=dict)
    changed: float = 0.0

    @property
    def is_final(self) -> bool:
        return self.state in (State.SUCCEEDED, State.FAILED)

    def due(self) -> float | None:
        """When the model may be handed out at the earliest, None if nobody knows yet."""
        if self.model is None:
            return None
        if self.told_at:
            return max(self.told_at, self.model_at)
        return None if self.seconds is None else max(self.created + self.seconds, self.model_at)


class Ledger:
    """Everything the services remember. May be used by any thread."""

    def __init__(self, seconds: float | None) -> None:
        self.lock = threading.RLock()
        self.seconds = seconds
        self.credits = START_CREDITS
        self.creates: list[Create] = []
        self.requests: list[Request] = []
        self.tasks: dict[str, Task] = {}
        self._quirks: dict[str, dict[str, Any]] = {name: {} for name in SERVICES}

    def set_quirks(self, service: str, quirks: Mapping[str, Any]) -> None:
        unknown = sorted(set(quirks) - set(QUIRKS))
        if unknown:
            raise TypeError(f"no such quirk: {', '.join(unknown)}")
        for name in (service,) if service else SERVICES:
            self._quirks[name].update(quirks)

    def quirk(self, service: str, name: str) -> Any:
        return self._quirks.get(service, {}).get(name, QUIRKS[name])

    def now(self, service: str) -> float:
        """The service's own clock."""
        return time.time() + self.quirk(service, "shifted_clock")

    def add(self, task: Task, parameters: dict[str, Any]) -> None:
        """A task was made: from here on it is paid for."""
        with self.lock:
            self.credits -= task.credits
            self.tasks[task.id] = task
            self.creates.append(Create(task.service, task.id, parameters, task.created, task.credits))

    def find(self, service: str, task_id: str) -> Task | None:
        """The task as it is by now."""
        with self.lock:
            task = self.tasks.get(task_id)
            if task is None or task.service != service:
                return None
            return self.look(task)

    def forget(self, task_id: str) -> None:
        """Keep a task and its files no longer."""
        with self.lock:
            self.tasks.pop(task_id, None)

    def of(self, service: str) -> list[Task]:
        """All tasks of a service as they are by now, the oldest first."""
        with self.lock:
            return [self.look(task) for task in self.tasks.values() if task.service == service]

    def preceding(self, task: Task) -> int:
        """How many unfinished tasks are older."""
        with self.lock:
            older = [t for t in self.tasks.values() if t.service == task.service and t.created < task.created]
            return sum(not t.is_final for t in older)

    def look(self, task: Task) -> Task:
        """Bring a task to where it is by now."""
        with self.lock:
            if not task.is_final:
                now = time.time()
                due = task.due()
                if due is not None and due <= now:
                    self._end(task, due)
                else:
                    self._advance(task, now)
            return task

    def fail(self, task: Task, message: str, code: str = "", type_: str = "", word: str = "", at: float = 0.0) -> None:
        """End a task without a model; what it cost is paid back."""
        with self.lock:
            if task.state is not State.FAILED:
                self.credits += task.credits
            task.credits = 0
            task.message, task.code, task.type, task.word = message, code, type_, word
            task.done = task.changed = at or time.time()
            task.started = task.started or task.done
            task.state = State.FAILED

    def _end(self, task: Task, at: float) -> None:
        final = self.quirk(task.service, "final")
        if final:
            message, code, type_ = (self.quirk(task.service, name) for name in ("message", "code", "type"))
            self.fail(task, message, code, type_, final, at)
            return
        task.started = task.started or max(task.created, at - (task.seconds or 0.0) * (1 - PENDING_SHARE))
        task.done = task.changed = at
        task.percent = 100
        task.state = State.SUCCEEDED

    def _advance(self, task: Task, now: float) -> None:
        """How far an unfinished task is: as a test has said, as Local says, or by its seconds."""
        is_waiting = False
        if task.told_percent is not None:
            percent = task.told_percent
            is_waiting = percent < 0
        elif task.is_made:
            percent = task.made_percent
            is_waiting = percent == 0
        elif task.seconds:
            share = (now - task.created) / task.seconds
            percent = int(share * 100)
            is_waiting = share < PENDING_SHARE
        else:
            percent = 0
        percent = 0 if is_waiting else min(99, percent)
        state = State.PENDING if is_waiting else State.RUNNING
        if (state, percent) != (task.state, task.percent):
            task.changed = now
        if state is State.RUNNING:
            task.started = task.started or now
        task.state, task.percent = state, percent
