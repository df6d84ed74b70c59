# SPDX-License-Identifier: GPL-3.0-or-later
"""`image_to_3d.remove`: deletes a job with all its files; asks where that would lose something."""

import bpy

from ..jobs.folder import Job, State
from ..scene import joblist, session
from ..scene.shown import shown
from .job import OfJob
from .outcome import outcome

LOST = {
    State.READY: "Its model has not been imported yet, and will be lost",
    State.UNCONFIRMED: "If the service has made its model, nothing will lead to it any more",
}
"""What would be lost with a job, by its state."""

UNFETCHED = "The service may still have its model, and nothing will lead to it any more"
UNREADABLE = "Its record cannot be read, and a model in its folder would be deleted with it"
UNTOLD = "The service has not been told that it was cancelled, and may go on and charge for it"


def _lost_with(job: Job) -> str:
    """What would be lost with a job; "" for nothing."""
    if not job.service:
        return UNREADABLE
    if job.untold:
        return UNTOLD
    return UNFETCHED if job.has_unfetched_task else LOST.get(job.state, "")


class IMAGE_TO_3D_OT_remove(OfJob, bpy.types.Operator):
    """Delete the job, its picture and its model from the disk; models in the scene stay"""

    bl_idname = "image_to_3d.remove"
    bl_label = "Remove Job"

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        job = session.job(self.job or joblist.selected())
        lost = _lost_with(job) if job else ""
        if job is None or not lost:
            return self.execute(context)
        return context.window_manager.invoke_confirm(
            self, event, title=shown(f"Remove {job.name}?"), message=lost, confirm_text="Remove", icon="WARNING"
        )

    def execute(self, context: bpy.types.Context) -> set[str]:
        result = outcome(self, self._remove)
        session.show()
        return result

    def _remove(self) -> None:
        session.remove(self.job_id())
        if bpy.app.background:
            session.delete_removed()


def register() -> None:
    bpy.utils.register_class(IMAGE_TO_3D_OT_remove)


def unregister() -> None:
    bpy.utils.unregister_class(IMAGE_TO_3D_OT_remove)
