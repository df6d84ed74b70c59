# SPDX-License-Identifier: GPL-3.0-or-later
"""`image_to_3d.remove`: deletes a job with all its files."""

import bpy

from ..scene import session
from .outcome import outcome


class IMAGE_TO_3D_OT_remove(bpy.types.Operator):
    """Delete the job, its picture and its model from the disk; models in the scene stay"""

    bl_idname = "image_to_3d.remove"
    bl_label = "Remove Job"

    job: bpy.props.StringProperty(name="Job", description="Id of the job", options={"SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        return outcome(self, lambda: session.remove(self.job))


def register() -> None:
    bpy.utils.register_class(IMAGE_TO_3D_OT_remove)


def unregister() -> None:
    bpy.utils.unregister_class(IMAGE_TO_3D_OT_remove)
