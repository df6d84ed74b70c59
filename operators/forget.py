# SPDX-License-Identifier: GPL-3.0-or-later
"""`image_to_3d.forget`: gives an unconfirmed job up."""

import bpy

from ..scene import session
from .job import OfJob
from .outcome import outcome


class IMAGE_TO_3D_OT_forget(OfJob, bpy.types.Operator):
    """Give the job up, whatever has become of it at the service"""

    bl_idname = "image_to_3d.forget"
    bl_label = "Forget Task"

    def execute(self, context: bpy.types.Context) -> set[str]:
        return outcome(self, lambda: session.forget(self.job_id()))


def register() -> None:
    bpy.utils.register_class(IMAGE_TO_3D_OT_forget)


def unregister() -> None:
    bpy.utils.unregister_class(IMAGE_TO_3D_OT_forget)
