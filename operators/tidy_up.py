# SPDX-License-Identifier: GPL-3.0-or-later
"""`image_to_3d.tidy_up`: deletes old jobs that nobody needs any more. Never one whose model was not imported, or may be
paid for."""

from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from .. import session
from ..api.errors import ImageTo3DError, user_message
from ..jobs.state import State
from .outcome import outcome, report
from .polls import has_jobs

if TYPE_CHECKING:
    from ..jobs.folder import Job

# What is about records and amounts is imported where it is used, as it would slow down the start of Blender.

OVER = frozenset({State.IMPORTED, State.FAILED, State.CANCELLED})
"""The states in which nothing more is expected of a job."""

DAY_S = 24 * 3600.0


class IMAGE_TO_3D_OT_tidy_up(bpy.types.Operator):
    """Delete jobs that were imported, have failed or were cancelled some time ago; models in the scene stay"""

    bl_idname = "image_to_3d.tidy_up"
    bl_label = "Remove Old Jobs"

    days: bpy.props.IntProperty(
        name="Days to Keep", description="Jobs stay for so many days after they have ended", default=30, min=0
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return has_jobs(cls)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        return context.window_manager.invoke_props_dialog(self, confirm_text="Remove", width=360)

    def draw(self, context: bpy.types.Context) -> None:
        from ..scene.amount import in_words

        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(self, "days")
        col = layout.column(align=True)
        queue = session.current().queue
        linked = _linked()
        old = [job.id for job in queue.jobs() if is_old(job, self.days) and job.id not in linked]
        col.label(text=f"To be deleted: {in_words(len(old), sum(map(queue.size_of, old)))}")
        col.label(text="Models that were not imported yet are kept")
        if linked:
            col.label(text="Models that the open file links to are kept")

    def execute(self, context: bpy.types.Context) -> set[str]:
        return outcome(self, self._remove_old)

    def _remove_old(self) -> None:
        from ..jobs import history
        from ..jobs.folder import size_of
        from ..scene.amount import in_words
        from ..session import assets

        queue, linked = session.current().queue, _linked()
        removed, freed, troubles = 0, 0, []
        for job in history.list_jobs(queue.root):  # as they are now: another Blender may have gone on with one
            folder = queue.folder_of(job.id)
            if not is_old(job, self.days) or _may_hold_paid(job, folder):
                continue
            if job.id in linked:
                troubles.append(f"{job.name} stays: the open file links to its model")
                continue
            size = size_of(folder)
            try:
                queue.remove(job.id)
                removed, freed = removed + 1, freed + size
            except (ImageTo3DError, OSError) as error:  # the others can go all the same
                troubles.append(f"{job.name} stays: {user_message(error)}")
        if bpy.app.background:
            queue.delete_removed()
        if removed:
            assets.refresh_browsers(queue.root)
        for trouble in troubles:
            report(self, "WARNING", trouble)
        report(self, "INFO", f"Removed {in_words(removed, freed)}")


def is_old(job: "Job", days: int) -> bool:
    """Whether a job ended more than so many days ago, and nothing is lost with it. What cannot be read may be anything,
    and is not."""
    from ..jobs.folder import age_s

    is_over = job.state in OVER and not job.has_unfetched_task
    return is_over and bool(job.updated) and age_s(job.updated) > days * DAY_S


def _linked() -> set[str]:
    """The jobs whose models the open file links to: it would lose them."""
    from ..scene.linked import jobs_linked

    return jobs_linked(session.current().queue.root)


def _may_hold_paid(job: "Job", folder: Path) -> bool:
    """Whether a model that was paid for, and never imported, lies in the job's folder."""
    from ..jobs.folder import has_delivered

    return bool(job.sent) and job.state is not State.IMPORTED and has_delivered(folder)


register, unregister = bpy.utils.register_classes_factory((IMAGE_TO_3D_OT_tidy_up,))
