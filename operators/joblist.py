# SPDX-License-Identifier: GPL-3.0-or-later
"""The operators that are about the list of jobs: clear it, try all failed ones again, select one. They delete
nothing."""

import contextlib
import math
from typing import TYPE_CHECKING

import bpy

from .. import session
from ..api.errors import ImageTo3DError, JobError, user_message
from ..jobs.state import State
from ..scene import settings
from ..scene.shown import shown
from .interrupt import Interrupt
from .outcome import interruptible_outcome, outcome, report
from .polls import can_change, has_jobs

if TYPE_CHECKING:
    from ..jobs.folder import Job

# What is about records and prices is imported where it is used, as it would slow down the start of Blender.

# Blender reads the properties of a mix-in, but not those of a class that is an operator itself.
if TYPE_CHECKING:
    _Mixin = bpy.types.Operator
else:
    _Mixin = object

CLEAR_S = 0.02
"""How long a press goes on with clearing, so that what is usual is done at once; the looks do the rest."""


class OfList(_Mixin):
    """For an operator about what stands in the list."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return has_jobs(cls)


def _read_all() -> None:
    """In the background nobody looks, so the list is read here."""
    if not bpy.app.background:
        return
    from ..jobs import history

    current = session.current()
    for job_id in history.list_ids(current.queue.root):
        with contextlib.suppress(ImageTo3DError, OSError):  # as damaged ones are no business of these operators
            current.queue.refresh(job_id)
    current.show()
    while current.joblist.is_behind:
        current.joblist.fill()


class IMAGE_TO_3D_OT_clear_finished(OfList, bpy.types.Operator):
    """Take imported, failed and cancelled jobs out of the list; Remove Old Jobs in the preferences deletes them"""

    bl_idname = "image_to_3d.clear_finished"
    bl_label = "Clear Finished"

    def execute(self, context: bpy.types.Context) -> set[str]:
        return outcome(self, self._clear)

    def _clear(self) -> None:
        from ..jobs.history import is_clearable

        _read_all()
        current = session.current()
        queue = current.queue
        finished = [
            job_id
            for job_id in current.joblist.of_file()
            if (job := queue.job(job_id)) is not None and is_clearable(job)
        ]
        if not finished:
            report(self, "INFO", "No finished job is in the list of this file")
            return
        queue.clear(finished, math.inf if bpy.app.background else CLEAR_S)
        to_come = set(queue.to_clear())
        kept = [
            job
            for job_id in finished
            if job_id not in to_come and (job := queue.job(job_id)) is not None and not job.is_cleared
        ]
        for job in kept:
            report(self, "WARNING", f"{job.name} could not be cleared now: try again in a moment")
        count = len(finished) - len(kept)
        if count:
            jobs = "1 finished job leaves" if count == 1 else f"{count:,} finished jobs leave"
            report(
                self,
                "INFO",
                f"{jobs} the list of this file. Nothing is deleted: Remove Old Jobs in the preferences does that",
            )


class IMAGE_TO_3D_OT_retry_all(OfList, bpy.types.Operator):
    """Try all failed jobs again that are shown in the list, each from where it stopped"""

    bl_idname = "image_to_3d.retry_all"
    bl_label = "Retry All Failed Jobs"

    jobs: bpy.props.StringProperty(
        name="Jobs",
        description="Ids of those that are meant; empty means all that are shown",
        options={"SKIP_SAVE", "HIDDEN"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return can_change(cls, context) and super().poll(context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        from ..scene.request import price_of_retry

        failed = _failed()
        price = price_of_retry(failed)
        if price is None:
            return self.execute(context)
        # Another may fail before the question is answered, and would be paid for unasked.
        self.jobs = " ".join(job.id for job in failed)
        return context.window_manager.invoke_confirm(
            self,
            event,
            title="Retry one failed job?" if len(failed) == 1 else f"Retry {len(failed):,} failed jobs?",
            message=price.sentence,
            confirm_text="Retry",
        )

    def execute(self, context: bpy.types.Context) -> set[str]:
        scene = settings.target_of(context.scene)
        return interruptible_outcome(self, lambda interrupt: self._retry(scene, interrupt))

    def _retry(self, scene: bpy.types.Scene, interrupt: Interrupt) -> None:
        _read_all()
        current = session.current()
        meant = self.jobs.split()
        failed, troubles = [job for job in _failed() if not meant or job.id in meant], []
        if not failed:
            raise JobError("No failed job is shown in the list.")
        for job in failed:
            try:
                current.queue.retry(job.id)
                current.arrivals.expect(job.id, scene)
                if bpy.app.background:
                    from . import background

                    background.finish(job.id, scene, interrupt)
            except (ImageTo3DError, OSError) as error:  # the others can go on all the same
                troubles.append(f"{job.name}: {user_message(error)}")
        for trouble in troubles:
            report(self, "WARNING", trouble)
        done, count = len(failed) - len(troubles), len(failed)
        what = "were tried again, and are in the scene" if bpy.app.background else "are tried again"
        if not troubles and count == 1:
            what = what.replace("were", "was").replace("are", "is")
        jobs = "job" if count == 1 else "jobs"
        report(self, "INFO", f"{count} {jobs} {what}" if not troubles else f"{done} of {count} {jobs} {what}")


def _failed() -> "list[Job]":
    """The failed jobs that are shown, oldest first, so that they go on in the order in which they came."""
    current = session.current()
    return [job for job_id in current.joblist.failed() if (job := current.queue.job(job_id)) is not None]


SENTENCES = {
    State.WAITING: "{name} waits for its turn",
    State.SUBMITTING: "{name} is sent to its service",
    State.RUNNING: "{name} is being made",
    State.DOWNLOADING: "The model of {name} is fetched",
    State.CONVERTING: "The model of {name} is prepared for Blender",
    State.READY: "{name} is ready to be imported",
    State.IMPORTED: "{name} was imported",
    State.FAILED: "{name} failed: {message}",
    State.CANCELLED: "{name} was cancelled",
    State.UNCONFIRMED: "Nobody knows whether {name} was made and charged for: decide below the list",
}
"""How a job is, as the tooltip of its icon says it."""


class IMAGE_TO_3D_OT_select_job(OfList, bpy.types.Operator):
    """Select the newest job in the list"""

    bl_idname = "image_to_3d.select_job"
    bl_label = "Select Newest Job"

    job: bpy.props.StringProperty(
        name="Job", description="Id of the job; empty means the newest", options={"SKIP_SAVE", "HIDDEN"}
    )

    @classmethod
    def description(cls, context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        current = session.current()
        job = current.queue.job(properties.job)
        if job is None:
            return cls.__doc__ or ""
        said = SENTENCES[job.state].format(name=job.name, message=job.message or "nobody knows why").rstrip(". ")
        if not current.joblist.is_of_file(job.id):
            said += f", and was started in {bpy.path.basename(job.file) or 'a file that was not saved'}"
        return shown(said)

    def execute(self, context: bpy.types.Context) -> set[str]:
        return outcome(self, self._select)

    def _select(self) -> None:
        _read_all()
        current = session.current()
        job_id = self.job or next(iter(current.queue.ids()), "")
        if current.queue.job(job_id) is None:
            raise JobError(f"There is no job {job_id!r}: use an id from the list of jobs.")
        current.joblist.select(job_id)


register, unregister = bpy.utils.register_classes_factory(
    (IMAGE_TO_3D_OT_clear_finished, IMAGE_TO_3D_OT_retry_all, IMAGE_TO_3D_OT_select_job)
)
