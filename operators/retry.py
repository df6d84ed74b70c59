# SPDX-License-Identifier: GPL-3.0-or-later
"""`image_to_3d.retry`: tries a failed or cancelled job again."""

import bpy

from ..scene import session
from .outcome import outcome


class IMAGE_TO_3D_OT_retry(bpy.types.Operator):
    """Try the job again with the same picture and parameters"""

    bl_idname = "image_to_3d.retry"
    bl_label = "Retry Job"

    job: bpy.props.StringProperty(name="Job", description="Id of the job", options={"SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        return outcome(self, lambda: session.retry(self.job, context.scene))


def register() -> None:
    bpy.utils.register_class(IMAGE_TO_3D_OT_retry)


def unregister() -> None:
    bpy.utils.unregister_class(IMAGE_TO_3D_OT_retry)
