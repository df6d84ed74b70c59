# SPDX-License-Identifier: GPL-3.0-or-later
"""`image_to_3d.adopt`: says which task at the service an unconfirmed job has made."""

import bpy

from ..scene import session
from .outcome import outcome


class IMAGE_TO_3D_OT_adopt(bpy.types.Operator):
    """Go on with a task that the service has made, without paying again"""

    bl_idname = "image_to_3d.adopt"
    bl_label = "Adopt Task"

    job: bpy.props.StringProperty(name="Job", description="Id of the job", options={"SKIP_SAVE", "HIDDEN"})
    task_id: bpy.props.StringProperty(
        name="Task ID",
        description="Id of the task, or code of the session, at the service",
        search=lambda operator, context, text: session.candidates(operator.job),
        search_options={"SUGGESTION"},
        options={"SKIP_SAVE"},
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        self.task_id = next(iter(session.candidates(self.job)), "")
        return context.window_manager.invoke_props_dialog(self)

    def execute(self, context: bpy.types.Context) -> set[str]:
        return outcome(self, lambda: session.adopt(self.job, self.task_id, context.scene))


def register() -> None:
    bpy.utils.register_class(IMAGE_TO_3D_OT_adopt)


def unregister() -> None:
    bpy.utils.unregister_class(IMAGE_TO_3D_OT_adopt)
