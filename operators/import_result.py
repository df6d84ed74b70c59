# SPDX-License-Identifier: GPL-3.0-or-later
"""`image_to_3d.import_result`: brings a finished job's model into the scene, as often as wanted."""

import bpy

from ..jobs import folder as folders
from ..scene import session
from . import background
from .interrupt import Interrupt
from .job import OfJob
from .outcome import interruptible_outcome


class IMAGE_TO_3D_OT_import_result(OfJob, bpy.types.Operator):
    """Add the finished model to the scene, where the settings say"""

    bl_idname = "image_to_3d.import_result"
    bl_label = "Import Result"

    def execute(self, context: bpy.types.Context) -> set[str]:
        return interruptible_outcome(self, lambda interrupt: self._import(context.scene, interrupt))

    def _import(self, scene: bpy.types.Scene, interrupt: Interrupt) -> None:
        job_id = self.job_id()
        if bpy.app.background and session.refresh(job_id).state in folders.UNFINISHED:
            session.take_up(job_id)  # what another run has left goes on by nobody else
            background.finish(job_id, scene, interrupt)
        else:
            session.import_result(job_id, scene)


def register() -> None:
    bpy.utils.register_class(IMAGE_TO_3D_OT_import_result)


def unregister() -> None:
    bpy.utils.unregister_class(IMAGE_TO_3D_OT_import_result)
