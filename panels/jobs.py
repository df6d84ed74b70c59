# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of jobs in the tab, and what can be done with the selected one. Draws what the session saw last; reads no
file."""

import time
from typing import TYPE_CHECKING, Any

import bpy

from .. import session
from ..api.services import label_of
from ..jobs.state import HAS_RESULT, UNFINISHED, State
from ..scene.shown import shown
from .found import draw_show
from .sentences import draw_sentence, waiting
from .sidebar import ImageEditorTab, Mixin, Tab

if TYPE_CHECKING:
    from ..jobs.folder import Job

ROWS = 5
THUMBNAIL_SCALE = 5.0

ICONS = {
    State.READY: "IMPORT",
    State.IMPORTED: "CHECKMARK",
    State.FAILED: "ERROR",
    State.CANCELLED: "X",
    State.UNCONFIRMED: "QUESTION",
}
"""How a job that has ended looks in the list."""

BUTTONS: dict[State, tuple[tuple[str, str, str], ...]] = {
    State.READY: (("image_to_3d.import_result", "Import", "IMPORT"),),
    State.IMPORTED: (("image_to_3d.import_result", "Import Again", "IMPORT"),),
    State.FAILED: (("image_to_3d.retry", "Retry", "FILE_REFRESH"),),
    State.CANCELLED: (("image_to_3d.retry", "Retry", "FILE_REFRESH"),),
    # Each of these costs something else, so each says what it is.
    State.UNCONFIRMED: (
        ("image_to_3d.retry", "Look Again", "VIEWZOOM"),
        ("image_to_3d.adopt", "Adopt Task...", "LINKED"),
        ("image_to_3d.send_again", "Send Again...", "EXPORT"),
        ("image_to_3d.forget", "Forget Task", "X"),
    ),
}
"""What can be done with a job that has ended: operator, words, icon."""


class IMAGE_TO_3D_UL_jobs(bpy.types.UIList):
    """One row a job, newest first"""

    def draw_item(
        self,
        context: bpy.types.Context,
        layout: bpy.types.UILayout,
        data: Any,
        item: Any,
        icon: int,
        active_data: Any,
        active_property: str,
        index: int = 0,
        flt_flag: int = 0,
    ) -> None:
        current = session.current()
        job = current.queue.job(item.name)
        if job is None:  # it was just removed
            return
        if job.state in UNFINISHED:
            split = layout.split(factor=0.45)
            split.label(text=shown(job.name), icon_value=current.previews.icon_of(current.queue.picture_of(job)))
            row = split.row(align=True)
            row.progress(factor=job.progress, text=shown(job.message))
            row.operator("image_to_3d.cancel", text="", icon="X", emboss=False).job = job.id
            return
        split = layout.split(factor=0.62)
        split.label(text=shown(job.name), icon_value=current.previews.icon_of(current.queue.picture_of(job)))
        row = split.row()
        row.label(text=shown(label_of(job.service)) if job.service else "")
        row.label(text="", icon=ICONS[job.state])

    def filter_items(self, context: bpy.types.Context, data: Any, property: str) -> tuple[list[int], list[int]]:
        search = data.search
        if not search:
            return [], []
        return [self.bitflag_filter_item if found else 0 for found in session.current().joblist.found(search)], []


class _Jobs(Mixin):
    bl_label = "Jobs"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        listed = context.window_manager.image_to_3d
        current = session.current()
        if current.queue.trouble:
            draw_sentence(layout, current.queue.trouble, context, icon="ERROR")
            return
        if not listed.items:
            layout.label(text="No jobs yet")
            return
        if len(listed.items) > ROWS:
            layout.prop(listed, "search", text="", icon="VIEWZOOM")
        layout.template_list(
            "IMAGE_TO_3D_UL_jobs", "", listed, "items", listed, "index", rows=min(ROWS, max(2, len(listed.items)))
        )
        job = current.queue.job(current.joblist.selected())
        if job is not None:
            _draw_job(layout, job, context)


class IMAGE_TO_3D_PT_jobs(Tab, _Jobs, bpy.types.Panel):
    """All jobs, and what can be done with them"""


class IMAGE_TO_3D_PT_jobs_image(ImageEditorTab, _Jobs, bpy.types.Panel):
    """All jobs, and what can be done with them"""


def _draw_job(layout: bpy.types.UILayout, job: "Job", context: bpy.types.Context) -> None:
    """The selected job: what it looks like, how it is, and what can be done with it."""
    from ..session import pace  # here, as it would slow down the start of Blender

    current = session.current()
    icon = current.previews.icon_of(current.queue.picture_of(job))
    if icon:
        layout.template_icon(icon_value=icon, scale=THUMBNAIL_SCALE)
    credits = f", {job.credits} credits" if job.credits else ""
    service = f"{label_of(job.service)}, " if job.service else ""  # of a record that cannot be read, nobody knows it
    draw_sentence(layout, f"{job.name}: {service}{job.state}{credits}", context)
    if job.state in UNFINISHED:
        left = pace.words(current.pace.seconds_left(job.id, time.monotonic()))
        layout.progress(factor=job.progress, text=f"{job.progress:.0%}, {left}" if left else f"{job.progress:.0%}")
        draw_sentence(layout, current.queue.reason_to_wait(job) or job.message, context)
        layout.operator("image_to_3d.cancel", text="Cancel", icon="X").job = job.id
    else:
        said = job.note if job.state in HAS_RESULT else job.message
        if current.arrivals.waits_for(job):
            said = waiting([job])
        if said.casefold() != job.state:  # "Cancelled" stands there already
            draw_sentence(layout, said, context)
        grid = layout.grid_flow(row_major=True, columns=2 if len(BUTTONS[job.state]) > 1 else 1, align=True)
        for operator, text, icon_name in BUTTONS[job.state]:
            grid.operator(operator, text=text, icon=icon_name).job = job.id
        if job.state is State.IMPORTED:
            draw_show(layout, job, context)
    row = layout.row(align=True)
    row.operator("image_to_3d.use_settings", text="Use Settings", icon="SETTINGS").job = job.id
    row.operator("image_to_3d.open_folder", text="", icon="FILE_FOLDER").job = job.id
    if job.task_id:
        row.operator("image_to_3d.copy_task_id", text="", icon="COPYDOWN").job = job.id
    if job.state not in UNFINISHED:
        row.operator("image_to_3d.remove", text="", icon="TRASH").job = job.id


register, unregister = bpy.utils.register_classes_factory(
    (IMAGE_TO_3D_UL_jobs, IMAGE_TO_3D_PT_jobs, IMAGE_TO_3D_PT_jobs_image)
)
