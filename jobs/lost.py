# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the task of a create request whose answer was lost, in the service's own list. Never asks for a task, and
writes no record."""

from collections.abc import Callable, Iterable, Sequence

from .. import api
from ..api.errors import ImageTo3DError
from ..api.task import CREATE_WINDOW_S
from . import folder as folders
from .folder import Job

SEARCH_PAUSES_S = (1.0, 3.0, 6.0, 10.0, 20.0)  # before each look: the service may still be making the task


def find_task(
    service: api.Service,
    job: Job,
    *,
    age_s: Callable[[], float],
    list_others: Callable[[], Sequence[Job]],
    sleep: Callable[[float], None],
    log_error: Callable[[], None],
) -> str:
    """Return the id of the only task that can have come of the job's request, which left `age_s()` seconds ago.

    What each look has found is noted as the job's `candidates`. `list_others` returns the other jobs of the user folder
    as they are now; `log_error` is called while an error is handled that the next look may not meet. Raises
    `ImageTo3DError` where there is no such task, or more than one.
    """
    for seconds in SEARCH_PAUSES_S:
        sleep(seconds)
        try:
            found = service.find(job.parameters, age_s())  # its picture may be gone
        except ImageTo3DError:
            log_error()
            continue
        others = list_others()
        known = _known_tasks([job, *others])
        job.candidates = [task_id for task_id in found if task_id not in known]
        if len(job.candidates) == 1 and not any(_competes(other, job) for other in others):
            return job.candidates[0]
    raise ImageTo3DError(f"{service.about.label} did not answer.")  # `Job.end` makes a sentence of what this means


def _known_tasks(jobs: Iterable[Job]) -> set[str]:
    """The tasks that are some job's, or were given up by one."""
    jobs = list(jobs)
    return {job.task_id for job in jobs} | {given_up["task_id"] for job in jobs for given_up in job.earlier}


def _competes(other: Job, job: Job) -> bool:
    """Whether a task that looks like `job`'s may be that of another job, which does not know its own either."""
    requests = [{"sent": other.sent, "task_id": other.task_id}, *other.earlier]
    return other.service == job.service and any(
        abs(folders.age_s(request["sent"]) - folders.age_s(job.sent)) < CREATE_WINDOW_S
        for request in requests
        if request["sent"] and not request["task_id"]
    )
