# SPDX-License-Identifier: GPL-3.0-or-later
"""`image_to_3d.send_again`: sends the request of an unconfirmed job again, after asking."""

import bpy

from ..scene import session, settings
from .job import OfJob
from .outcome import outcome


class IMAGE_TO_3D_OT_send_again(OfJob, bpy.types.Operator):
    """Send the request again; if the service did make a task the first time, both are charged"""

    bl_idname = "image_to_3d.send_again"
    bl_label = "Send Again"

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        return context.window_manager.invoke_confirm(
            self,
            event,
            title="Send the request again?",
            message="If the service did make a task the first time, both are charged",
            confirm_text="Send Again",
            icon="WARNING",
        )

    def execute(self, context: bpy.types.Context) -> set[str]:
        return outcome(self, lambda: session.send_again(self.job_id(), settings.target_of(context.scene)))


def register() -> None:
    bpy.utils.register_class(IMAGE_TO_3D_OT_send_again)


def unregister() -> None:
    bpy.utils.unregister_class(IMAGE_TO_3D_OT_send_again)
