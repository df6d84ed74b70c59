# SPDX-License-Identifier: GPL-3.0-or-later
"""Ctrl-C while a task is asked for: what was paid for is known before the script is interrupted. Sends nothing.

Until the last byte of the request is handed over, an interrupt ends it at once: no server can have acted on it. From
then on the first one is noted and waits for the answer, which has the task's id; a second one does not wait. A handler
of somebody else's is left alone, and so is every thread but the main one, which alone is interrupted.
"""

import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

from .errors import AnswerLostError, CreateInterrupted, ImageTo3DError, UnavailableError
from .task import Task

WAITS = (
    "%s has the whole request and may charge for it, so its answer is awaited, which has the id of the task. "
    "Interrupt once more to stop at once."
)


def keep_task(
    create: Callable[[], Task], is_sent: Callable[[], bool], label: str, parameters: Mapping[str, Any]
) -> Task:
    """Return what `create` returns, the task that the service `label` makes of `parameters`. `is_sent` says whether the
    whole request has been handed over.

    Raises `CreateInterrupted` where Ctrl-C was pressed from then on, unless the service has certainly made nothing;
    `KeyboardInterrupt` where it was before; and what `create` raises.
    """
    begun_s = time.monotonic()
    task: Task | None = None
    try:
        with _noted(is_sent, label) as interrupts:
            try:
                task = create()
            except Exception as error:
                if interrupts.came:
                    raise KeyboardInterrupt from error
                raise
        if interrupts.came:
            raise KeyboardInterrupt
        return task
    except KeyboardInterrupt as interrupt:
        cause = interrupt.__cause__
        if task is None and (not is_sent() or _made_nothing(cause)):
            raise
        raise CreateInterrupted(
            _sentence(label, task), task=task, parameters=parameters, begun_s=begun_s
        ) from cause  # and not from the interrupt that it is


def _made_nothing(error: BaseException | None) -> bool:
    """Whether `error` is how a create ends of which a service has certainly made nothing."""
    return isinstance(error, ImageTo3DError) and not isinstance(error, (AnswerLostError, UnavailableError))


def _sentence(label: str, task: Task | None) -> str:
    if task:
        return f"{label} has made the task {task.id}: go on with that, and ask for no other."
    return f"{label} has the whole request, and may have made a task: look for it before you ask for another."


class _Interrupts:
    """The first interrupt that comes once the request `is_sent`. Every other one is raised."""

    def __init__(self, is_sent: Callable[[], bool], label: str) -> None:
        self._is_sent = is_sent
        self._label = label
        self.came = False

    def note(self, number: int, frame: FrameType | None) -> None:
        """For `signal.signal`."""
        if self.came or not self._is_sent():
            raise KeyboardInterrupt
        self.came = True
        import logging

        logging.getLogger(__name__).warning(WAITS, self._label)


@contextmanager
def _noted(is_sent: Callable[[], bool], label: str) -> Iterator[_Interrupts]:
    interrupts = _Interrupts(is_sent, label)
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler:
        yield interrupts
        return
    try:
        signal.signal(signal.SIGINT, interrupts.note)
    except ValueError:  # not in the main thread
        yield interrupts
        return
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, before)
