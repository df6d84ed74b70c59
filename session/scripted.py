# SPDX-License-Identifier: GPL-3.0-or-later
"""The jobs that scripts in this Blender have asked for, and what they want called at the end of a job. Starts nothing.

Both outlive the opening of another file; neither outlives this Blender, or the disabling of the extension.
"""

import logging
import traceback
from collections.abc import Callable

from ..jobs.queue import ENDED_WITHOUT, Queue
from ..jobs.state import UNFINISHED, State
from .arrivals import Arrivals

PACKAGE = __package__.rpartition(".")[0]


class Scripted:
    """What scripts wait for among the jobs of a queue."""

    def __init__(self, queue: Queue, arrivals: Arrivals) -> None:
        self._queue = queue
        self._arrivals = arrivals
        self._asked: dict[str, bool] = {}  # by job, in the order in which they were asked for: whether it was taken up
        self._calls: dict[str, list[Callable[[], object]]] = {}
        self.said: dict[str, str] = {}
        """By job, what was said of it last while somebody waited."""

    def add(self, job_id: str, *, is_taken_up: bool) -> None:
        """Note that a script has asked for a job; `is_taken_up` where another run had left it."""
        self._asked.setdefault(job_id, is_taken_up)

    def asked(self) -> list[str]:
        """The jobs that scripts have asked for and not yet waited for, in that order."""
        return list(self._asked)

    def is_taken_up(self, job_id: str) -> bool:
        """Whether another run had left a job that a script has asked for."""
        return self._asked.get(job_id, False)

    def forget(self, job_id: str) -> None:
        """Note that a script knows how a job has ended."""
        self._asked.pop(job_id, None)
        self.said.pop(job_id, None)

    def on_end(self, job_id: str, call: Callable[[], object]) -> None:
        """Have `call` called once when a job is over: now, where it is. Raises `JobError` where there is none."""
        self._queue.refresh(job_id)
        self._calls.setdefault(job_id, []).append(call)
        if self._is_over(job_id):
            self.call(job_id)

    def _is_over(self, job_id: str) -> bool:
        """Whether a job has ended, and its model has arrived or does not come by itself; also where it was removed."""
        job = self._queue.job(job_id)
        if job is None:
            return self._queue.is_complete  # else it may not have been read yet
        if job.state is State.READY:
            return not self._arrivals.is_expected(job_id)
        return job.state in (*ENDED_WITHOUT, State.IMPORTED)

    def call(self, job_id: str) -> None:
        """Call what is to be called at the end of a job. What raises there is printed, and stops nothing else."""
        for call in self._calls.pop(job_id, ()):
            try:
                call()
            except Exception:
                traceback.print_exc()

    def look(self) -> None:
        """Call what is to be called for the jobs that are over. For the timer: costs nothing where nobody waits."""
        for job_id in [job_id for job_id in self._calls if self._is_over(job_id)]:
            self.call(job_id)

    def close(self) -> None:
        """Warn of jobs that a script has asked for in a background Blender, and not waited for: they stop with it."""
        left = [job for job_id in self._asked if (job := self._queue.job(job_id)) and job.state in UNFINISHED]
        if left:
            logging.getLogger(PACKAGE).warning(
                "Image to 3D  %s: not waited for, so %s. Call job.wait(), or start Blender with a window.",
                ", ".join(job.id for job in left),
                "the job stops here" if len(left) == 1 else f"these {len(left)} jobs stop here",
            )
