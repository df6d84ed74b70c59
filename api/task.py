# SPDX-License-Identifier: GPL-3.0-or-later
"""The one vocabulary that every service is translated into: `Task`, `Status`, `Result`, `Service`. Does nothing itself."""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, ClassVar, Protocol

from .parameters import Table


class Status(Enum):
    """Where a task is. A word that a service invents later counts as `RUNNING`."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    GONE = "gone"
    """The service does not know the task, or not any more."""


@dataclass(frozen=True)
class Result:
    """What a finished task made. `glb` is the model's address (a path for Local), `note` a sentence for the user or ""."""

    glb: str
    note: str = ""


@dataclass(frozen=True)
class Task:
    """One request as its service sees it. `progress` is 0 to 1; `message` the stage, or the reason of a failure, in words."""

    id: str
    status: Status
    progress: float = 0.0
    message: str = ""
    result: Result | None = None


class Service(Protocol):
    """What the job's process asks of a service. `create` may cost money, so nobody repeats it unless `repeatable` says so."""

    name: ClassVar[str]
    label: ClassVar[str]
    description: ClassVar[str]
    parameters: ClassVar[Table]
    repeatable: ClassVar[bool]
    """Whether a task that was lost may simply be created again (nothing is paid for)."""
    local: ClassVar[bool]
    """Whether the service needs no network of its own."""
    poll_every_s: ClassVar[float]
    """How long to wait between two calls of `get`."""

    def create(self, parameters: dict[str, Any]) -> Task:
        """Start a task with checked `parameters`. Raises `ImageTo3DError`."""

    def get(self, task_id: str) -> Task:
        """How the task is now, without waiting for it to change. Raises `ImageTo3DError`."""

    def cancel(self, task_id: str) -> None:
        """Give the task up, as far as the service can be told."""

    def fetch(self, task: Task, path: Path) -> None:
        """Bring the GLB of a succeeded task to `path`. Raises `ImageTo3DError`."""
