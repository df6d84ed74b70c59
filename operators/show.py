# SPDX-License-Identifier: GPL-3.0-or-later
"""The operators that lead from a job to its model in the file: select and frame it, and show its textures."""

from typing import TYPE_CHECKING

import bpy

from .. import session
from ..api.errors import JobError
from ..jobs.state import HAS_RESULT, State
from ..scene.shown import shown
from .jobs import InScene
from .outcome import outcome, report

if TYPE_CHECKING:
    from ..jobs.folder import Job

# What finds and shows models is imported where it is used, as it would slow down the start of Blender.


class IMAGE_TO_3D_OT_show(InScene, bpy.types.Operator):
    """Select the job's model, and have the 3D View show it"""

    bl_idname = "image_to_3d.show"
    bl_label = "Show Model"
    bl_options = {"UNDO"}

    import_again: bpy.props.BoolProperty(
        name="Import Again",
        description="Import the model where it is no longer in the file",
        options={"SKIP_SAVE", "HIDDEN"},
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        from ..scene import found

        job = self.known_job()
        if job is None or job.state not in HAS_RESULT or found.in_scenes(job.id):
            return self.execute(context)
        self.import_again = True
        return context.window_manager.invoke_confirm(
            self,
            event,
            title=shown(f"{_missing(job)}."),
            message="Import it again?" if job.state is State.IMPORTED else "Import it?",
            confirm_text="Import",
            translate=False,
        )

    def execute(self, context: bpy.types.Context) -> set[str]:
        return outcome(self, lambda: self._show(context))

    def _show(self, context: bpy.types.Context) -> None:
        from ..scene import found, reveal
        from ..session import busy

        current = session.current()
        job = current.queue.refresh(self.job_id())
        if busy.is_tool_held():
            raise JobError(f"{job.name} cannot be shown while a tool is in use: end the tool first.")
        roots = found.in_scenes(job.id)
        if not roots:
            if job.state not in HAS_RESULT:
                raise JobError(f"{job.name} has no model yet: it is {job.state}.")
            if not self.import_again:
                raise JobError(f"{_missing(job)}: import it first.")
            reveal.leave_mode(context)
            # No step of its own, as this operator is one.
            roots = [current.arrivals.import_result(job.id, context.scene, undo_step=False).root]
        report(self, "INFO", reveal.show(context, job.name, roots))
        current.shown = job.id


def _missing(job: "Job") -> str:
    return f"{job.name} is {'no longer in this file' if job.state is State.IMPORTED else 'not in this file yet'}"


class IMAGE_TO_3D_OT_show_textures(bpy.types.Operator):
    """Show textures in the 3D Views of this window that use Solid shading; this costs nothing"""

    bl_idname = "image_to_3d.show_textures"
    bl_label = "Show Textures"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        from ..scene import view

        if not view.without_textures(context.window):
            cls.poll_message_set("No 3D View of this window uses Solid shading without textures")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ..scene import view

        for shading in view.without_textures(context.window):
            shading.color_type = "TEXTURE"
        return {"FINISHED"}


register, unregister = bpy.utils.register_classes_factory((IMAGE_TO_3D_OT_show, IMAGE_TO_3D_OT_show_textures))
