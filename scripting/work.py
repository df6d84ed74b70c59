# SPDX-License-Identifier: GPL-3.0-or-later
"""The work on jobs in a background Blender, which has no timers: whoever waits for a job has it started, looked at and
brought into the scene. Never starts a job that nobody here has asked for.

While one job is waited for, the others that scripts have asked for are looked after as well: as many run side by side
as the preferences say.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import bpy

from .. import session
from ..api.errors import ImageTo3DError, OfflineError, restored
from ..jobs.folder import Job as Record
from ..jobs.folder import has_delivered
from ..jobs.queue import Queue
from ..jobs.state import HAS_RESULT, UNFINISHED, State
from ..scene import settings
from ..scene.place import Placed
from ..session import access
from . import log
from .interrupt import Interrupt, Interrupted, raised_afterwards

LOOK_EVERY_S = 0.2

Found = Callable[[Record], object]


@contextlib.contextmanager
def in_order() -> Iterator[Interrupt]:
    """Around what a script calls: a Ctrl+C ends all that scripts have asked for in order, and only then reaches the
    script. In a window, where nothing waits, it does nothing."""
    if not bpy.app.background:
        yield Interrupt()
        return
    with raised_afterwards() as interrupt:
        try:
            yield interrupt
            interrupt.check()
        except Interrupted:
            end_all()
            raise


def end_all() -> None:
    """Have all processes end. What scripts have asked for and nothing was sent of yet is given up, as the next Blender
    must not send what nobody waits for; the others can go on later."""
    current = session.current()
    current.queue.close()
    for job_id in list(current.queue.processes):
        current.queue.stop(job_id)
    for job_id in current.scripted.asked():
        with contextlib.suppress(ImageTo3DError, OSError):  # one that cannot be given up must not keep the others
            give_up_unsent(job_id)
        current.scripted.forget(job_id)


def give_up_unsent(job_id: str) -> None:
    """Cancel a job that nothing was sent of, but for one that another run had left. Raises `JobError`, `OSError`."""
    current = session.current()
    job = current.queue.refresh(job_id)
    if job.state in UNFINISHED and not job.sent and not current.scripted.is_taken_up(job_id):
        current.queue.cancel(job_id)
        current.arrivals.leave(job_id)


def work_off(job_id: str, interrupt: Interrupt, *, until_s: float | None = None, found: Found | None = None) -> Record:
    """Look after a job until nothing more happens to it, say how it gets on, and return it.

    `found` gets it each time that it has changed. Raises `OfflineError` where it would have to wait for the user;
    `TimeoutError` where it goes on at `until_s` (seconds of `time.monotonic`); and `Interrupted`: its process is then
    told to end, and the job can go on later.
    """
    current, seen = session.current(), ""
    queue, said = current.queue, current.scripted.said

    def tell(job: Record) -> None:
        nonlocal seen
        log.say_progress(job, said)
        if seen != (seen := log.progress_of(job)) and found is not None:
            found(job)

    interrupt.check()  # before anything is sent
    job = queue.advance(job_id)
    while queue.goes_on(job):
        if reason := queue.reason_to_wait(job):
            raise OfflineError(f"{reason}.")
        tell(job)
        if until_s is not None and time.monotonic() >= until_s:
            raise TimeoutError(f"{job.name} is not ready yet, and goes on: wait for it again.")
        advance_others(queue, job_id)
        time.sleep(LOOK_EVERY_S)
        if interrupt:
            queue.stop(job_id)
        interrupt.check()
        job = queue.advance(job_id)
    job = queue.refresh(job_id)  # its process may have had a last word
    tell(job)
    said.pop(job_id, None)
    return job


def advance_others(queue: Queue, job_id: str) -> None:
    """Have the other jobs that scripts have asked for go on: start as many as may run, and say how they get on."""
    scripted, running = session.current().scripted, queue.processes
    making = [each for each in running if (job := queue.job(each)) and job.state in UNFINISHED]
    free = access.jobs_at_once() - len(making)
    for other in scripted.asked():
        known = queue.job(other)
        if other == job_id or known is None or known.state not in UNFINISHED:
            continue
        if other not in running and free <= 0:
            continue  # it waits for its turn: its record need not be read
        with contextlib.suppress(ImageTo3DError, OSError):  # whoever waits for that one will be told
            log.say_progress(queue.advance(other), scripted.said)
            free -= other not in running and queue.is_running(other)


def finish(
    job_id: str,
    scene: bpy.types.Scene,
    interrupt: Interrupt,
    where: dict[str, Any] | None = None,
    *,
    is_taken_up: bool = False,
    until_s: float | None = None,
    found: Found | None = None,
) -> Placed:
    """Work a job off and bring its model into `scene`, as `Arrivals.import_result` does.

    Where another run had left it and its .blend cannot be read, that is made anew of the model that is there. Raises
    the error that the job ended with, and what `work_off` raises.
    """
    queue, arrivals = session.current().queue, session.current().arrivals
    try:
        require_model(work_off(job_id, interrupt, until_s=until_s, found=found))
        return arrivals.import_result(job_id, scene, where=where)
    except ImageTo3DError as error:
        state = queue.refresh(job_id).state
        if is_taken_up and state in HAS_RESULT:
            target = settings.target_of(scene) if where is None else scene
            queue.resume(job_id)
            arrivals.expect(job_id, target, where)
            return finish(job_id, target, interrupt, where, until_s=until_s, found=found)
        if is_taken_up and state is State.FAILED and has_delivered(queue.folder_of(job_id)):
            # Else a script could never ask for another model of this picture.
            raise type(error)(f"{error} To pay for a new model instead, remove the job {job_id}.") from error
        raise


def require_model(job: Record) -> None:
    """Raise the error that a job has ended with, where it has no model."""
    if job.state not in HAS_RESULT:
        raise restored(job.error, job.message)


def said_of_taken_up(job: Record) -> str:
    """A sentence about a job that goes on instead of a new one."""
    is_paid = job.sent and job.task_id and not job.gone
    paid = ". Nothing is paid again" if is_paid else ""
    return f"the job of {job.created} goes on, as it asked for the same{paid}"
