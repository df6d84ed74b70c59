# SPDX-License-Identifier: GPL-3.0-or-later
"""`image_to_3d.adopt`: says which task at the service an unconfirmed job has made."""

import bpy

from ..scene import joblist, session, settings
from .background import start_or_finish
from .job import OfJob


class IMAGE_TO_3D_OT_adopt(OfJob, bpy.types.Operator):
    """Go on with a task that the service has made, without paying again"""

    bl_idname = "image_to_3d.adopt"
    bl_label = "Adopt Task"

    task_id: bpy.props.StringProperty(
        name="Task ID",
        description="Id of the task, or code of the session, at the service",
        search=lambda operator, context, text: session.candidates(operator.job or joblist.selected()),
        search_options={"SUGGESTION"},
        options={"SKIP_SAVE"},
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        self.task_id = next(iter(session.candidates(self.job or joblist.selected())), "")
        return context.window_manager.invoke_props_dialog(self)

    def execute(self, context: bpy.types.Context) -> set[str]:
        scene = settings.target_of(context.scene)

        def adopt() -> str:
            job_id = self.job_id()
            session.adopt(job_id, self.task_id, scene)
            return job_id

        return start_or_finish(self, adopt, scene)


def register() -> None:
    bpy.utils.register_class(IMAGE_TO_3D_OT_adopt)


def unregister() -> None:
    bpy.utils.unregister_class(IMAGE_TO_3D_OT_adopt)
