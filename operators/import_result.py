# SPDX-License-Identifier: GPL-3.0-or-later
"""`image_to_3d.import_result`: brings a finished job's model into the scene, as often as wanted."""

import bpy

from ..scene import session
from .outcome import outcome


class IMAGE_TO_3D_OT_import_result(bpy.types.Operator):
    """Add the finished model to the scene at the 3D cursor"""

    bl_idname = "image_to_3d.import_result"
    bl_label = "Import Result"

    job: bpy.props.StringProperty(name="Job", description="Id of the job", options={"SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        return outcome(self, lambda: session.import_result(self.job, context.scene))


def register() -> None:
    bpy.utils.register_class(IMAGE_TO_3D_OT_import_result)


def unregister() -> None:
    bpy.utils.unregister_class(IMAGE_TO_3D_OT_import_result)
