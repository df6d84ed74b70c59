# SPDX-License-Identifier: GPL-3.0-or-later
"""The operators that are about one job: import, cancel, retry, recover, show, remove. Each calls the queue, and
reports."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import bpy

from .. import session
from ..api.errors import JobError
from ..api.services import SERVICES
from ..jobs.state import UNFINISHED, State
from ..scene import settings
from ..scene.shown import shown
from .interrupt import Interrupt
from .outcome import interruptible_outcome, outcome, report
from .polls import can_change, has_jobs

if TYPE_CHECKING:
    from ..jobs.folder import Job

# `background` and `jobs.folder` are imported where they are used, as they would slow down the start of Blender.

# Blender reads the properties of a mix-in, but not those of a class that is an operator itself.
if TYPE_CHECKING:
    _Mixin = bpy.types.Operator
else:
    _Mixin = object


class OfJob(_Mixin):
    """For an operator with the property `job`: an id, or "" for the job that is selected in the list."""

    job: bpy.props.StringProperty(
        name="Job",
        description="Id of the job; empty means the one that is selected in the list",
        options={"SKIP_SAVE", "HIDDEN"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return has_jobs(cls)

    def job_id(self) -> str:
        """The job that is meant. Raises `JobError` where there is none."""
        found = self.job or session.current().joblist.selected()
        if not found:
            raise JobError("No job is selected: select one in the list of jobs.")
        return found

    def known_job(self) -> "Job | None":
        """The job that is meant, as it was last seen; None where there is none. For what asks before it acts."""
        return _known_job(self.job)

    def go_on(self, context: bpy.types.Context, begin: Callable[[str], object]) -> set[str]:
        """Do `begin`, which has the job go on, and have its result enter the scene; in the background wait for that."""
        scene = settings.target_of(context.scene)

        def action(interrupt: Interrupt) -> None:
            job_id = self.job_id()
            begin(job_id)
            session.current().arrivals.expect(job_id, scene)
            if bpy.app.background:
                from . import background

                background.finish(job_id, scene, interrupt)

        return interruptible_outcome(self, action)


class InScene(OfJob):
    """The same for one that changes the scene, or has a model enter it."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return can_change(cls, context) and super().poll(context)


def _known_job(job_id: str) -> "Job | None":
    current = session.current()
    return current.queue.job(job_id or current.joblist.selected())


def _candidates(job_id: str) -> list[str]:
    """The tasks at the service of which one may be the job's, as far as the service lists them."""
    job = _known_job(job_id)
    return list(job.candidates) if job else []


class IMAGE_TO_3D_OT_import_result(InScene, bpy.types.Operator):
    """Add the finished model to the scene, where the settings say"""

    bl_idname = "image_to_3d.import_result"
    bl_label = "Import Result"

    def execute(self, context: bpy.types.Context) -> set[str]:
        return interruptible_outcome(self, lambda interrupt: self._import(context.scene, interrupt))

    def _import(self, scene: bpy.types.Scene, interrupt: Interrupt) -> None:
        from . import background

        current, job_id = session.current(), self.job_id()
        if bpy.app.background and current.queue.refresh(job_id).state in UNFINISHED:
            current.queue.take_up(job_id)  # what another run has left goes on by nobody else
            background.finish(job_id, scene, interrupt)
        else:
            placed = current.arrivals.import_result(job_id, scene)
            if placed.remarks:  # else it stands where everybody sees it
                from ..session.arrivals import said_of

                report(self, "INFO", said_of(current.queue.refresh(job_id), placed))


class IMAGE_TO_3D_OT_cancel(OfJob, bpy.types.Operator):
    """Cancel the job"""

    bl_idname = "image_to_3d.cancel"
    bl_label = "Cancel Job"

    def execute(self, context: bpy.types.Context) -> set[str]:
        return interruptible_outcome(self, self._cancel)

    def _cancel(self, interrupt: Interrupt) -> None:
        job_id = self.job_id()
        before = session.current().queue.refresh(job_id)
        if before.state not in UNFINISHED and not before.untold:  # it may have ended just before
            report(self, "INFO", f"There is nothing to cancel: {before.name} is {before.state}")
            return
        session.current().queue.cancel(job_id)
        session.current().arrivals.leave(job_id)
        if bpy.app.background:  # the service is told before the script goes on
            from . import background

            job = background.work_off(job_id, interrupt)
            is_over = job.state is not State.UNCONFIRMED and not job.has_unfetched_task
            report(self, "INFO" if is_over else "WARNING", f"{job.name}: {job.message}")


class IMAGE_TO_3D_OT_retry(InScene, bpy.types.Operator):
    """Try the job again from where it stopped: a model that has arrived is only converted again, at no cost"""

    bl_idname = "image_to_3d.retry"
    bl_label = "Retry Job"

    def execute(self, context: bpy.types.Context) -> set[str]:
        queue = session.current().queue
        # In the background nothing goes on by itself, so that what was interrupted is tried again like what has ended.
        return self.go_on(context, queue.resume if bpy.app.background else queue.retry)


class IMAGE_TO_3D_OT_adopt(InScene, bpy.types.Operator):
    """Go on with a task that the service has made, without paying again"""

    bl_idname = "image_to_3d.adopt"
    bl_label = "Adopt Task"

    task_id: bpy.props.StringProperty(
        name="Task ID",
        description="Id of the task, or code of the session, at the service",
        search=lambda properties, context, text: _candidates(properties.job),
        search_options={"SUGGESTION"},
        options={"SKIP_SAVE"},
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        self.task_id = next(iter(_candidates(self.job)), "")
        return context.window_manager.invoke_props_dialog(self)

    def execute(self, context: bpy.types.Context) -> set[str]:
        return self.go_on(context, lambda job_id: session.current().queue.adopt(job_id, self.task_id))


class IMAGE_TO_3D_OT_send_again(InScene, bpy.types.Operator):
    """Send the request again; if the service did make a task the first time, both are charged"""

    bl_idname = "image_to_3d.send_again"
    bl_label = "Send Again"

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        return context.window_manager.invoke_confirm(
            self,
            event,
            title=_send_again_title(self.known_job()),
            message="If the service did make a task the first time, both are charged",
            confirm_text="Send Again",
            icon="WARNING",
        )

    def execute(self, context: bpy.types.Context) -> set[str]:
        return self.go_on(context, session.current().queue.send_again)


def _send_again_title(job: "Job | None") -> str:
    from ..scene.request import cost_of

    cost = cost_of(job) if job else None
    return "Send the request again?" if cost is None else f"Send the request again for {cost:,} credits?"


class IMAGE_TO_3D_OT_forget(OfJob, bpy.types.Operator):
    """Give the job up, whatever has become of it at the service"""

    bl_idname = "image_to_3d.forget"
    bl_label = "Forget Task"

    def execute(self, context: bpy.types.Context) -> set[str]:
        return outcome(self, lambda: session.current().queue.forget(self.job_id()))


class IMAGE_TO_3D_OT_use_settings(InScene, bpy.types.Operator):
    """Set picture, service and parameters to those of the job"""

    bl_idname = "image_to_3d.use_settings"
    bl_label = "Use These Settings"
    bl_options = {"UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        return outcome(self, lambda: self._use(context.scene.image_to_3d))

    def _use(self, chosen: bpy.types.PropertyGroup) -> None:
        from ..scene import reuse

        queue = session.current().queue
        job = queue.refresh(self.job_id())
        if job.service not in SERVICES:
            raise JobError(f"{job.name} was made with a service that is not known here: update the extension.")
        reuse.use(chosen, queue.folder_of(job.id), job)


class IMAGE_TO_3D_OT_open_folder(OfJob, bpy.types.Operator):
    """Show the job's picture, model and log in the system's file browser"""

    bl_idname = "image_to_3d.open_folder"
    bl_label = "Open Folder of Job"

    def execute(self, context: bpy.types.Context) -> set[str]:
        return outcome(self, self._open)

    def _open(self) -> None:
        folder = session.current().queue.folder_of(self.job_id())
        if not folder.is_dir():  # another Blender has removed it; Blender's own operator would show a traceback
            raise JobError(f"There is no job in {folder}.")
        bpy.ops.wm.path_open(filepath=str(folder))


class IMAGE_TO_3D_OT_copy_task_id(OfJob, bpy.types.Operator):
    """Copy the id of the job's task at the service to the clipboard"""

    bl_idname = "image_to_3d.copy_task_id"
    bl_label = "Copy Task ID"

    def execute(self, context: bpy.types.Context) -> set[str]:
        return outcome(self, lambda: self._copy(context))

    def _copy(self, context: bpy.types.Context) -> None:
        job = session.current().queue.refresh(self.job_id())
        if not job.task_id:
            raise JobError(f"{job.name} has no task at a service yet.")
        context.window_manager.clipboard = shown(job.task_id)
        report(self, "INFO", f"Copied {job.task_id}")


class IMAGE_TO_3D_OT_remove(OfJob, bpy.types.Operator):
    """Delete the job, its picture and its model from the disk; models in the scene stay"""

    bl_idname = "image_to_3d.remove"
    bl_label = "Remove Job"

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        job = self.known_job()
        lost = _lost_with(job, is_linked=is_linked(job)) if job else ""
        if job is None or not lost:
            return self.execute(context)
        return context.window_manager.invoke_confirm(
            self, event, title=shown(f"Remove {job.name}?"), message=lost, confirm_text="Remove", icon="WARNING"
        )

    def execute(self, context: bpy.types.Context) -> set[str]:
        return outcome(self, self._remove)

    def _remove(self) -> None:
        from ..session import assets  # here, as it would slow down the start of Blender

        queue = session.current().queue
        queue.remove(self.job_id())
        if bpy.app.background:
            queue.delete_removed()
        assets.refresh_browsers(queue.root)


LOST = {
    State.READY: "Its model has not been imported yet, and will be lost",
    State.UNCONFIRMED: "If the service has made a model, you can no longer get it",
}
"""What would be lost with a job, by its state."""

UNFETCHED = "The service may still have the model, and you can no longer get it"
UNREADABLE = "Its record cannot be read, and a model in its folder would be deleted with it"
UNTOLD = "The service has not been told that it was cancelled, and may go on and charge for it"


LINKED = "The open file links to its model, and would lose it"


def is_linked(job: "Job | None") -> bool:
    """Whether the open file has linked the job's model."""
    from ..scene.linked import jobs_linked

    return job is not None and job.id in jobs_linked(session.current().queue.root)


def _lost_with(job: "Job", *, is_linked: bool = False) -> str:
    """What would be lost with a job; "" for nothing."""
    if not job.service:
        return UNREADABLE
    if is_linked:
        return LINKED
    if job.untold:
        return UNTOLD
    return UNFETCHED if job.has_unfetched_task else LOST.get(job.state, "")


register, unregister = bpy.utils.register_classes_factory(
    (
        IMAGE_TO_3D_OT_import_result,
        IMAGE_TO_3D_OT_cancel,
        IMAGE_TO_3D_OT_retry,
        IMAGE_TO_3D_OT_adopt,
        IMAGE_TO_3D_OT_send_again,
        IMAGE_TO_3D_OT_forget,
        IMAGE_TO_3D_OT_use_settings,
        IMAGE_TO_3D_OT_open_folder,
        IMAGE_TO_3D_OT_copy_task_id,
        IMAGE_TO_3D_OT_remove,
    )
)
