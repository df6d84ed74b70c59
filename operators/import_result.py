# SPDX-License-Identifier: GPL-3.0-or-later
"""`image_to_3d.import_result`: brings a finished job's model into the scene, as often as wanted."""

import bpy

from ..scene import session
from .job import OfJob
from .outcome import outcome


class IMAGE_TO_3D_OT_import_result(OfJob, bpy.types.Operator):
    """Add the finished model to the scene, where the settings say"""

    bl_idname = "image_to_3d.import_result"
    bl_label = "Import Result"

    def execute(self, context: bpy.types.Context) -> set[str]:
        return outcome(self, lambda: session.import_result(self.job_id(), context.scene))


def register() -> None:
    bpy.utils.register_class(IMAGE_TO_3D_OT_import_result)


def unregister() -> None:
    bpy.utils.unregister_class(IMAGE_TO_3D_OT_import_result)
