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
    draw_textures(layout, [job])
    if _can_be_kept(job):
        layout.operator("image_to_3d.keep", text="Keep This One", icon="PINNED").job = job.id


def draw_show_small(row: bpy.types.UILayout, job: "Job") -> None:
    """The same for one variant in a row among others, as icons."""
    row.operator("image_to_3d.show", text="", icon="ZOOM_SELECTED").job = job.id
    if _can_be_kept(job):
        row.operator("image_to_3d.keep", text="", icon="PINNED").job = job.id


def draw_textures(layout: bpy.types.UILayout, jobs: "list[Job]") -> None:
    """The offer to show textures, where a model of one of the jobs was just seen without them."""
    if any(_misses_textures(job) for job in jobs):
        layout.operator("image_to_3d.show_textures", text="Show Textures", icon="TEXTURE")


def _can_be_kept(job: "Job") -> bool:
    """Whether the job's model is here, and another variant's is here or comes by itself."""
    current = session.current()
    if not job.group or not current.here.has_model(job.id, current.looks):
        return False
    return any(
        current.here.has_model(other, current.looks) or current.arrivals.is_expected(other)
        for other in current.joblist.of_group(job.group)
        if other != job.id
    )


def _misses_textures(job: "Job") -> bool:
    """Whether the user has just been shown the job's model, or it was the first to arrive, in a view that leaves out
    its textures."""
    from ..scene import view  # here, as it would slow down the start of Blender

    current = session.current()
    if job.id not in (current.shown, current.arrivals.first) or not view.without_textures(bpy.context.window):
        return False
    return current.here.has_images(job.id, current.looks)
