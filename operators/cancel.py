# SPDX-License-Identifier: GPL-3.0-or-later
"""`image_to_3d.cancel`: gives a job up."""

import bpy

from ..scene import session
from .job import OfJob
from .outcome import outcome


class IMAGE_TO_3D_OT_cancel(OfJob, bpy.types.Operator):
    """Cancel the job"""

    bl_idname = "image_to_3d.cancel"
    bl_label = "Cancel Job"

    def execute(self, context: bpy.types.Context) -> set[str]:
        return outcome(self, lambda: session.cancel(self.job_id()))


def register() -> None:
    bpy.utils.register_class(IMAGE_TO_3D_OT_cancel)


def unregister() -> None:
    bpy.utils.unregister_class(IMAGE_TO_3D_OT_cancel)
