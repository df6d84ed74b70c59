# SPDX-License-Identifier: GPL-3.0-or-later
"""A job's work in a background Blender, which has no timers: done before the operator returns. Not an operator."""

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import bpy

from .. import session
from ..api.errors import ImageTo3DError, user_message
from ..jobs.state import HAS_RESULT, State
from ..scene import settings
from ..scene.shown import shown
from .interrupt import Interrupt, Interrupted
from .outcome import report

if TYPE_CHECKING:
    from ..jobs.folder import Job
    from ..session.start import Started

LOOK_EVERY_S = 0.2


def finish_all(
    operator: bpy.types.Operator,
    started: Sequence["Started"],
    trouble: str,
    scene: bpy.types.Scene,
    interrupt: Interrupt,
) -> None:
    """Finish one job after the other, also where one fails. Raises `ImageTo3DError` that says which have failed, and
    `trouble`, what could not be started; raises `Interrupted`, and then what was not sent yet is given up."""
    failed = []
    for number, each in enumerate(started):
        try:
            finish_started(operator, each, scene, interrupt)
        except Interrupted:
            for rest in started[number + 1 :]:
                _give_up_unsent(rest)
            raise
        except (ImageTo3DError, OSError) as error:
            if len(started) == 1 and not trouble:
                raise
            failed.append(f"{each.job.name}: {user_message(error)}")
    if failed:
        failed.insert(0, f"{len(failed)} of {len(started)} models could not be made.")
    if failed or trouble:
        raise ImageTo3DError(" ".join(filter(None, [*failed, trouble])))


def _give_up_unsent(started: "Started") -> None:
    """Nothing is paid for it yet, and the next Blender must not send what nobody waits for."""
    if not started.is_taken_up and not session.current().queue.refresh(started.job.id).sent:
        session.current().queue.cancel(started.job.id)


def finish_started(
    operator: bpy.types.Operator, started: "Started", scene: bpy.types.Scene, interrupt: Interrupt
) -> None:
    """Say where an earlier job was taken up instead of paying for a new one, and finish it. Raises as `finish` does."""
    if started.is_taken_up:
        _finish_taken_up(operator, started.job, scene, interrupt)
        return
    try:
        finish(started.job.id, settings.target_of(scene), interrupt)
    except Interrupted:
        _give_up_unsent(started)
        raise


def _finish_taken_up(operator: bpy.types.Operator, job: "Job", scene: bpy.types.Scene, interrupt: Interrupt) -> None:
    from ..jobs.folder import has_delivered  # here, as it would slow down the start of Blender

    is_paid = job.sent and job.task_id and not job.gone
    paid = ". Nothing is paid again" if is_paid else ""
    report(operator, "INFO", f"{job.name}: the job of {job.created} goes on, as it asked for the same{paid}")
    try:
        finish(job.id, scene, interrupt)
    except ImageTo3DError as error:
        state = session.current().queue.refresh(job.id).state
        if state in HAS_RESULT:  # its .blend cannot be read: it is made anew of the model, which is there
            session.current().queue.resume(job.id)
            session.current().arrivals.expect(job.id, settings.target_of(scene))
            finish(job.id, settings.target_of(scene), interrupt)
        elif state is State.FAILED and has_delivered(session.current().queue.folder_of(job.id)):
            # Else a script could never ask for another model of this picture.
            raise ImageTo3DError(f"{error} To pay for a new model instead, remove the job {job.id}.") from error
        else:
            raise


def finish(job_id: str, scene: bpy.types.Scene, interrupt: Interrupt) -> None:
    """Work the job off and bring its model into `scene`. Raises `ImageTo3DError` where it ends without one,
    `Interrupted`."""
    job = work_off(job_id, interrupt)
    if job.state not in HAS_RESULT:
        raise ImageTo3DError(job.message)
    session.current().arrivals.import_result(job_id, scene)


def work_off(job_id: str, interrupt: Interrupt) -> "Job":
    """Look after a job until nothing more happens to it, say on standard output how far it is, and return it.

    Raises `ImageTo3DError` where it would have to wait for the user, and `Interrupted`: its process is then told to
    end, and the job can go on later.
    """
    said = ""
    interrupt.check()  # before anything is sent
    job = session.current().queue.advance(job_id)
    while session.current().queue.goes_on(job):
        if reason := session.current().queue.reason_to_wait(job):
            raise ImageTo3DError(f"{reason}.")
        line = f"{job.progress:4.0%}  {job.message}"
        if line != said:
            _print(shown(f"Image to 3D  {job.name}  {line}"))
            said = line
        time.sleep(LOOK_EVERY_S)
        if interrupt:
            session.current().queue.stop(job_id)
        interrupt.check()
        job = session.current().queue.advance(job_id)
    return session.current().queue.refresh(job_id)  # its process may have had a last word


def _print(line: str) -> None:
    """Print a line, with "?" for what the terminal, or the file that takes it, has no character for (many on
    Windows)."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(line.encode(encoding, "replace").decode(encoding), flush=True)
