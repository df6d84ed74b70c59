# SPDX-License-Identifier: GPL-3.0-or-later
"""The buttons that lead from a job to its model in the open file. Draws what is in memory; reads no file."""

from typing import TYPE_CHECKING

import bpy

from .. import session

if TYPE_CHECKING:
    from ..jobs.folder import Job


def draw_show(layout: bpy.types.UILayout, job: "Job", context: bpy.types.Context) -> None:
    """What can be done with the model of an imported job: show it, with its textures where these were just missed, and
    keep it instead of the other variants."""
    layout.operator("image_to_3d.show", text="Show", icon="ZOOM_SELECTED").job = job.id
    if _misses_textures(job):
        layout.operator("image_to_3d.show_textures", text="Show Textures", icon="TEXTURE")
    current = session.current()
    if job.group and current.here.has_model(job.id, current.looks):
        layout.operator("image_to_3d.keep", text="Keep This One", icon="PINNED").job = job.id


def _misses_textures(job: "Job") -> bool:
    """Whether the user has just been shown the job's model, or it was the first to arrive, in a view that leaves out
    its textures."""
    from ..scene import views  # here, as it would slow down the start of Blender

    current = session.current()
    if job.id not in (current.shown, current.arrivals.first) or not views.without_textures(bpy.context.window):
        return False
    return current.here.has_images(job.id, current.looks)
