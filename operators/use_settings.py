# SPDX-License-Identifier: GPL-3.0-or-later
"""`image_to_3d.use_settings`: sets the scene's settings to what a job was made of. Starts nothing."""

import bpy

from ..api.errors import JobError
from ..api.services import SERVICES
from ..jobs import folder as folders
from ..scene import session, settings
from .job import OfJob
from .outcome import outcome


class IMAGE_TO_3D_OT_use_settings(OfJob, bpy.types.Operator):
    """Set picture, service and parameters to those of the job"""

    bl_idname = "image_to_3d.use_settings"
    bl_label = "Use These Settings"
    bl_options = {"UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        return outcome(self, lambda: self._use(context.scene.image_to_3d))

    def _use(self, chosen: bpy.types.PropertyGroup) -> None:
        job = session.refresh(self.job_id())
        if job.service not in SERVICES:
            raise JobError(f"{job.name} was made with a service that is not known here: update the extension.")
        settings.use(chosen, job.service, folders.request_of(session.folder_of(job.id), job))


def register() -> None:
    bpy.utils.register_class(IMAGE_TO_3D_OT_use_settings)


def unregister() -> None:
    bpy.utils.unregister_class(IMAGE_TO_3D_OT_use_settings)
