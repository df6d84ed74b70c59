# SPDX-License-Identifier: GPL-3.0-or-later
"""`image_to_3d.retry`: tries a job that has ended again."""

import bpy

from ..scene import session, settings
from .job import OfJob
from .outcome import outcome


class IMAGE_TO_3D_OT_retry(OfJob, bpy.types.Operator):
    """Try the job again, from where it stopped"""

    bl_idname = "image_to_3d.retry"
    bl_label = "Retry Job"

    def execute(self, context: bpy.types.Context) -> set[str]:
        return outcome(self, lambda: session.retry(self.job_id(), settings.target_of(context.scene)))


def register() -> None:
    bpy.utils.register_class(IMAGE_TO_3D_OT_retry)


def unregister() -> None:
    bpy.utils.unregister_class(IMAGE_TO_3D_OT_retry)
