# SPDX-License-Identifier: GPL-3.0-or-later
"""`image_to_3d.cancel`: gives a job up."""

import bpy

from ..jobs.folder import State
from ..scene import session
from . import background
from .interrupt import Interrupt
from .job import OfJob
from .outcome import interruptible_outcome, report


class IMAGE_TO_3D_OT_cancel(OfJob, bpy.types.Operator):
    """Cancel the job"""

    bl_idname = "image_to_3d.cancel"
    bl_label = "Cancel Job"

    def execute(self, context: bpy.types.Context) -> set[str]:
        return interruptible_outcome(self, self._cancel)

    def _cancel(self, interrupt: Interrupt) -> None:
        job_id = self.job_id()
        session.cancel(job_id)
        if bpy.app.background:  # the service is told before the script goes on
            job = background.work_off(job_id, interrupt)
            is_over = job.state is not State.UNCONFIRMED and not job.has_unfetched_task
            report(self, "INFO" if is_over else "WARNING", f"{job.name}: {job.message}")


def register() -> None:
    bpy.utils.register_class(IMAGE_TO_3D_OT_cancel)


def unregister() -> None:
    bpy.utils.unregister_class(IMAGE_TO_3D_OT_cancel)
