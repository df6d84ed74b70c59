# SPDX-License-Identifier: GPL-3.0-or-later
"""`image_to_3d.send_again`: sends the request of an unconfirmed job again, after asking."""

import bpy

from ..scene import session
from .outcome import outcome


class IMAGE_TO_3D_OT_send_again(bpy.types.Operator):
    """Send the request again; if the service did make a task the first time, both are charged"""

    bl_idname = "image_to_3d.send_again"
    bl_label = "Send Again"

    job: bpy.props.StringProperty(name="Job", description="Id of the job", options={"SKIP_SAVE", "HIDDEN"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        return context.window_manager.invoke_confirm(self, event)

    def execute(self, context: bpy.types.Context) -> set[str]:
        return outcome(self, lambda: session.send_again(self.job, context.scene))


def register() -> None:
    bpy.utils.register_class(IMAGE_TO_3D_OT_send_again)


def unregister() -> None:
    bpy.utils.unregister_class(IMAGE_TO_3D_OT_send_again)
