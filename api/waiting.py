# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for a task: how often to ask, which troubles to sit out, when to give up. Connects to nothing itself."""

import dataclasses
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from .errors import ImageTo3DError, TimeLimitError, is_transient

if TYPE_CHECKING:
    from .task import Service, Task

TIME_LIMIT_S = 3600.0  # Meshy advises to allow an hour; usual are two to three minutes
FAILURE_PAUSES_S = (2.0, 10.0, 30.0)  # so many failures in a row are nothing: a laptop wakes up, a router restarts
GROWTH = 1.2  # of the pause between two looks
NEAR_THE_END = 0.8  # of the progress: from here on the shortest pause
SHORTEST_S = 1.0  # whatever a service asks for


def wait(
    service: "Service",
    task_id: "str | Task",
    *,
    on_progress: "Callable[[Task], None]" = lambda task: None,
    sleep: Callable[[float], None] = time.sleep,
    time_limit_s: float = TIME_LIMIT_S,
    now: Callable[[], float] = time.monotonic,
) -> "Task":
    """Wait until the task `task_id`, or the task itself, has succeeded, and return it. `on_progress` hears of every
    change, with a progress that never goes back; it and `sleep` may raise.

    However much a service has to say in between, and whatever pause it asks for, the limit holds.

    Raises the task's own error where it failed or is gone, `TimeLimitError` after `time_limit_s` seconds (the task goes
    on at the service), and the fourth in a row of the errors that may pass by themselves.
    """
    until = now() + time_limit_s

    def wait_within(seconds: float) -> None:
        _keep_limit(until, now, time_limit_s)
        sleep(seconds)

    task_id = task_id if isinstance(task_id, str) else task_id.id
    failures = 0
    most = 0.0
    told: Task | None = None
    pace = service.pace_s[0]
    while True:
        try:
            for task in service.listen(task_id, wait_within):
                failures = 0
                most = max(most, task.progress)
                task = dataclasses.replace(task, progress=most)
                if task != told:
                    on_progress(task)
                    told = task
                if task.error:
                    raise task.error
                if task.has_ended:
                    return task
                _keep_limit(until, now, time_limit_s)
            pace = min(pace * GROWTH, service.pace_s[1])
            seconds = _pause_after(task, pace, service.pace_s[0])
        except ImageTo3DError as error:
            if failures == len(FAILURE_PAUSES_S) or not is_transient(error):
                raise
            seconds = max(FAILURE_PAUSES_S[failures], getattr(error, "retry_after_s", None) or 0.0)
            failures += 1
        _keep_limit(until, now, time_limit_s)
        sleep(max(0.0, min(seconds, until - now())))


def _pause_after(task: "Task", pace: float, shortest: float) -> float:
    if task.progress >= NEAR_THE_END:
        return shortest
    if task.retry_after_s is not None:
        return max(task.retry_after_s, SHORTEST_S)
    return pace


def _keep_limit(until: float, now: Callable[[], float], time_limit_s: float) -> None:
    if now() >= until:
        raise TimeLimitError(
            f"The service needs longer than {time_limit_s / 60:.3g} minutes: "
            "retry to look again, nothing is paid twice."
        )
