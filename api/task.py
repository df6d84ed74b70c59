# SPDX-License-Identifier: GPL-3.0-or-later
"""The one vocabulary that every service is translated into: `Task`, `Status`, `Result`, `Service`. Does nothing
itself."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol

from .errors import ServiceError
from .parameters import Table

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


class Service(Protocol):
    """What scripts and the job's process ask of a service. `create` may cost money, so nobody repeats it lightly."""

    name: ClassVar[str]
    label: ClassVar[str]
    description: ClassVar[str]
    parameters: ClassVar[Table]
    account_page: ClassVar[str]
    """Where in the web people get a key; "" where none is needed."""
    tells_credits: ClassVar[bool]
    """Whether `check_key` gives the credits that the account has."""
    number: ClassVar[int]
    """What a .blend stores for the service: it never changes, and no other service ever gets it."""
    needs_key: ClassVar[bool]
    """Whether nothing can be asked without an API key."""
    is_paid: ClassVar[bool]
    """Whether a create costs, so that it is never repeated blindly; else a task that was lost is simply created
    again."""
    reach: ClassVar[Literal["none", "own", "web"]]
    """"none": works in this process, and has no address. "own": a server of the user's, so plain http is fine in
    private networks. "web": https only, except on this machine."""
    views: ClassVar[tuple[str, ...]]
    """The parameters that are further pictures of the same object, by wire name (`back_image_url`, …)."""
    can_cancel: ClassVar[bool]
    """Whether a task can be given up at the service at all."""
    pace_s: ClassVar[tuple[float, float]]
    """The shortest and the longest pause between two looks at a task that tells nothing by itself."""

    @classmethod
    def asks_quads(cls, parameters: Mapping[str, Any]) -> bool:
        """Whether these checked parameters ask for faces with four sides."""

    @classmethod
    def cost(cls, parameters: Mapping[str, Any]) -> int | None:
        """The credits that a create with these checked parameters takes, as far as the service's documents say; None
        where not."""

    def create(self, parameters: Mapping[str, Any], before_sending: Callable[[], None] = nothing) -> Task:
        """Start a task with `parameters` (by wire name; what is left out is at its default).

        `before_sending` is called once all that can fail without the service is done, right before the request leaves:
        whoever keeps a record writes it then. Raises `AnswerLostError` or `UnavailableError` where the service may have
        made a task nevertheless, and any other `ImageTo3DError` where it certainly did not.
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

    def fetch(self, url: str, path: Path, on_progress: Callable[[float], None] = lambda fraction: None) -> None:
        """Bring a file of a result to `path`, whole and on the disk. `on_progress` hears how much is there (0 to 1) and
        may raise.

        Raises `ImageTo3DError`; `AddressExpiredError` where the task has to be asked for a fresh address.
        """
