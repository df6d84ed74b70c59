# SPDX-License-Identifier: GPL-3.0-or-later
"""`image_to_3d.forget`: gives an unconfirmed job up."""

import bpy

from ..scene import session
from .outcome import outcome


class IMAGE_TO_3D_OT_forget(bpy.types.Operator):
    """Give the job up, whatever has become of it at the service"""

    bl_idname = "image_to_3d.forget"
    bl_label = "Forget Task"

    job: bpy.props.StringProperty(name="Job", description="Id of the job", options={"SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        return outcome(self, lambda: session.forget(self.job))


def register() -> None:
    bpy.utils.register_class(IMAGE_TO_3D_OT_forget)


def unregister() -> None:
    bpy.utils.unregister_class(IMAGE_TO_3D_OT_forget)
