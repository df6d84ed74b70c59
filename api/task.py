# SPDX-License-Identifier: GPL-3.0-or-later
"""The one vocabulary that every service is translated into: `Task`, `Status`, `Result`, `Service`. Does nothing
itself."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, ClassVar, Protocol

from .about import About
from .errors import ServiceError
from .paths import AnyPath

CREATE_WINDOW_S = 900.0
"""How long after a create request was begun its task may appear: a large picture on a slow line takes minutes to
arrive."""


class Status(Enum):
    """Where a task is. A word that a service invents later counts as `RUNNING`."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """Also: cancelled at the service."""
    GONE = "gone"
    """The service does not know the task, or does not keep it any longer."""


@dataclass(frozen=True)
class Result:
    """What a finished task made, as addresses that expire (paths for Local).

    `glb` is the model; `maps` its loose textures, by their names in Meshy's `texture_urls` (base_color, metallic,
    normal, roughness, emission, metallic_roughness); `extras` further files that were asked for, by the file name they
    should get; `note` a sentence for the user or "".
    """

    glb: str
    maps: Mapping[str, str] = field(default_factory=dict)
    extras: Mapping[str, str] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class Task:
    """One request as its service sees it.

    `progress` is 0 to 1, `message` the stage in words or "". `result` is there when it succeeded, `error` when it
    failed or is gone, and instead of `result` when it succeeded without naming a model. `credits` is what the service
    says it cost, None where it does not say; `retry_after_s` the pause it asks for before it is asked again, in
    seconds, None where it does not.
    """

    id: str
    status: Status
    progress: float = 0.0
    message: str = ""
    result: Result | None = None
    error: ServiceError | None = None
    credits: int | None = None
    retry_after_s: float | None = None

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will become of it."""
        return self.status in (Status.SUCCEEDED, Status.FAILED, Status.GONE)


def nothing() -> None:
    """Do nothing."""


def never_back(on_progress: Callable[[float], None]) -> Callable[[float], None]:
    """Return what tells `on_progress` how far something is, from 0 to 1, and never less than before."""
    most = 0.0

    def tell(fraction: float) -> None:
        nonlocal most
        most = max(most, fraction)
        on_progress(most)

    return tell


class Service(Protocol):
    """What scripts and the job's process ask of a service. `create` may cost money, so nobody repeats it lightly."""

    about: ClassVar[About]
    """What it says of itself."""
    pace_s: ClassVar[tuple[float, float]]
    """The shortest and the longest pause between two looks at a task that tells nothing by itself."""

    @property
    def picture_note(self) -> str:
        """What was done to the pictures of the last `create`, or is missing from them, in sentences for the user, or
        "". Known once `before_sending` is called."""

    def create(
        self, parameters: Mapping[str, Any], before_sending: Callable[[], None] = nothing, task_id: str = ""
    ) -> Task:
        """Start a task with `parameters` (by wire name; what is left out is at its default).

        `task_id` is the id that the task gets, where the service leaves that to whoever asks (`About.names_tasks`), so
        that it can be known before the request leaves; "" draws one. Every other service names its tasks itself.

        `before_sending` is called once all that can fail without the service is done, right before the request leaves:
        whoever keeps a record writes it then. Raises `AnswerLostError` or `UnavailableError` where the service may have
        made a task nevertheless, and any other `ImageTo3DError` where it certainly did not.

        Ctrl-C ends it at once while the request is on its way, and nothing was made; then the answer is awaited first,
        and `CreateInterrupted` has the task. A second Ctrl-C does not wait, and `find` may find the task.
        """

    def get(self, task_id: str) -> Task:
        """How the task is now, without waiting for it to change. Raises `ImageTo3DError`."""

    def listen(self, task_id: str, wait: Callable[[float], None]) -> Iterator[Task]:
        """Give the task as it is now, and again for as long as the service tells news by itself. Raises
        `ImageTo3DError`.

        `wait(0)` is called several times a second meanwhile, and may raise to end it.
        """

    def find(self, parameters: Mapping[str, Any], age_s: float) -> list[str]:
        """Ids of the account's tasks that may come from a create with `parameters` that was begun `age_s` seconds ago.

        As far as the service tells when a task was made (up to `CREATE_WINDOW_S` later counts), and with what. Raises
        `ImageTo3DError`.
        """

    def cancel(self, task_id: str) -> bool:
        """Give a task up that has not ended. Return whether nothing more comes from it: False where the service cannot
        be told.

        A service may delete the model of a task that has succeeded. Raises `RefusedError` where it goes on with the
        task all the same, another `ImageTo3DError` where it was not told.
        """

    def check_key(self) -> int | None:
        """Try the key without spending anything. Return the credits that the account has, None where the service does
        not say.

        Raises `ImageTo3DError` where the service does not take the key, or cannot be asked.
        """

    def check_ready(self, parameters: Mapping[str, Any]) -> str:
        """Try, without starting anything, whether a task with `parameters` (without its pictures) could be made now.
        Return what a user may know of the server: a sentence, or "".

        Raises `ImageTo3DError`, `LackError` among them where a server of the user's lacks something.
        """

    def fetch(self, url: str, path: AnyPath, on_progress: Callable[[float], None] = lambda fraction: None) -> None:
        """Bring a file of a result to `path`, whole and on the disk. `on_progress` hears how much is there (0 to 1) and
        may raise.

        Raises `ImageTo3DError`; `AddressExpiredError` where the task has to be asked for a fresh address.
        """
