# SPDX-License-Identifier: GPL-3.0-or-later
"""`image_to_3d.open_folder`: shows a job's files in the system's file browser."""

import bpy

from ..api.errors import JobError
from ..scene import session
from .job import OfJob
from .outcome import outcome


class IMAGE_TO_3D_OT_open_folder(OfJob, bpy.types.Operator):
    """Show the job's picture, model and log in the system's file browser"""

    bl_idname = "image_to_3d.open_folder"
    bl_label = "Open Folder of Job"

    def execute(self, context: bpy.types.Context) -> set[str]:
        return outcome(self, self._open)

    def _open(self) -> None:
        folder = session.folder_of(self.job_id())
        if not folder.is_dir():  # another Blender has removed it; Blender's own operator would show a traceback
            raise JobError(f"There is no job in {folder}.")
        bpy.ops.wm.path_open(filepath=str(folder))


def register() -> None:
    bpy.utils.register_class(IMAGE_TO_3D_OT_open_folder)


def unregister() -> None:
    bpy.utils.unregister_class(IMAGE_TO_3D_OT_open_folder)
