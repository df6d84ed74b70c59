# SPDX-License-Identifier: GPL-3.0-or-later
"""`image_to_3d.send_again`: sends the request of an unconfirmed job again, after asking."""

import bpy

from ..scene import session, settings
from .background import start_or_finish
from .job import OfJob


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
        scene = settings.target_of(context.scene)

        def send_again() -> str:
            job_id = self.job_id()
            session.send_again(job_id, scene)
            return job_id

        return start_or_finish(self, send_again, scene)


def register() -> None:
    bpy.utils.register_class(IMAGE_TO_3D_OT_send_again)


def unregister() -> None:
    bpy.utils.unregister_class(IMAGE_TO_3D_OT_send_again)
