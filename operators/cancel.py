# SPDX-License-Identifier: GPL-3.0-or-later
"""`image_to_3d.cancel`: gives a job up."""

import bpy

from ..scene import session
from .outcome import outcome


class IMAGE_TO_3D_OT_cancel(bpy.types.Operator):
    """Cancel the job"""

    bl_idname = "image_to_3d.cancel"
    bl_label = "Cancel Job"

    job: bpy.props.StringProperty(name="Job", description="Id of the job", options={"SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        return outcome(self, lambda: session.cancel(self.job))


def register() -> None:
    bpy.utils.register_class(IMAGE_TO_3D_OT_cancel)


def unregister() -> None:
    bpy.utils.unregister_class(IMAGE_TO_3D_OT_cancel)
