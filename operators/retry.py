# SPDX-License-Identifier: GPL-3.0-or-later
"""`image_to_3d.retry`: tries a job that has ended again."""

import bpy

from ..scene import session, settings
from .background import start_or_finish
from .job import OfJob


class IMAGE_TO_3D_OT_retry(OfJob, bpy.types.Operator):
    """Try the job again, from where it stopped"""

    bl_idname = "image_to_3d.retry"
    bl_label = "Retry Job"

    def execute(self, context: bpy.types.Context) -> set[str]:
        scene = settings.target_of(context.scene)
        # In the background nothing goes on by itself, so that what was interrupted is tried again like what has ended.
        go_on = session.resume if bpy.app.background else session.retry

        def retry() -> str:
            job_id = self.job_id()
            go_on(job_id, scene)
            return job_id

        return start_or_finish(self, retry, scene)


def register() -> None:
    bpy.utils.register_class(IMAGE_TO_3D_OT_retry)


def unregister() -> None:
    bpy.utils.unregister_class(IMAGE_TO_3D_OT_retry)
