# SPDX-License-Identifier: GPL-3.0-or-later
"""`image_to_3d.copy_task_id`: puts the service's own name of a job into the clipboard, to be looked up there."""

import bpy

from ..api.errors import JobError
from ..scene import session
from ..scene.shown import shown
from .job import OfJob
from .outcome import outcome, report


class IMAGE_TO_3D_OT_copy_task_id(OfJob, bpy.types.Operator):
    """Copy the id of the job's task at the service to the clipboard"""

    bl_idname = "image_to_3d.copy_task_id"
    bl_label = "Copy Task ID"

    def execute(self, context: bpy.types.Context) -> set[str]:
        return outcome(self, lambda: self._copy(context))

    def _copy(self, context: bpy.types.Context) -> None:
        job = session.refresh(self.job_id())
        if not job.task_id:
            raise JobError(f"{job.name} has no task at a service yet.")
        context.window_manager.clipboard = shown(job.task_id)
        report(self, "INFO", f"Copied {job.task_id}")


def register() -> None:
    bpy.utils.register_class(IMAGE_TO_3D_OT_copy_task_id)


def unregister() -> None:
    bpy.utils.unregister_class(IMAGE_TO_3D_OT_copy_task_id)
