# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of jobs as Blender's windows show it: one item a job on the WindowManager, and which of them is selected. Reads no file.

The WindowManager is neither saved nor touched by undo; opening a file empties it, and the next tick fills it again.
"""

from collections.abc import Sequence

import bpy

from ..jobs.folder import Job, label_of

_shown: dict[str, str] = {}
"""By job, in the order of the list: the text in which a search looks, in small letters."""


class IMAGE_TO_3D_PG_job(bpy.types.PropertyGroup):
    """A job in the list; its name is its id, which the session knows everything else by"""


class IMAGE_TO_3D_PG_jobs(bpy.types.PropertyGroup):
    """The list of jobs"""

    items: bpy.props.CollectionProperty(name="Jobs", description="All jobs, newest first", type=IMAGE_TO_3D_PG_job)
    index: bpy.props.IntProperty(name="Selected Job", description="Which job of the list is selected", default=-1)
    search: bpy.props.StringProperty(
        name="Search",
        description="Show only jobs with these words in their name, service or state",
        options={"TEXTEDIT_UPDATE", "SKIP_SAVE"},
    )


def fill(jobs: Sequence[Job]) -> None:
    """Make the list show `jobs`. The selected one stays selected; a new one is selected when it comes."""
    shown = bpy.context.window_manager.image_to_3d
    ids = [job.id for job in jobs]
    if ids != list(_shown) or len(shown.items) != len(ids):
        old = [item.name for item in shown.items]
        before = old[shown.index] if 0 <= shown.index < len(old) else ""
        shown.items.clear()
        for job_id in ids:
            shown.items.add().name = job_id
        is_newest_new = bool(ids) and bool(old) and ids[0] not in old
        keep = before if before in ids and not is_newest_new else next(iter(ids), "")
        shown.index = ids.index(keep) if keep else -1
        _shown.clear()
    for job in jobs:
        _shown[job.id] = f"{job.name} {label_of(job.service)} {job.state}".casefold()


def selected() -> str:
    """The id of the selected job, "" where there is none."""
    shown = bpy.context.window_manager.image_to_3d
    return shown.items[shown.index].name if 0 <= shown.index < len(shown.items) else ""


def found(search: str) -> list[bool]:
    """For each job of the list: whether all words of `search` are in it."""
    words = search.casefold().split()
    return [all(word in text for word in words) for text in _shown.values()]


_CLASSES = (IMAGE_TO_3D_PG_job, IMAGE_TO_3D_PG_jobs)


def register() -> None:
    for cls in _CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.WindowManager.image_to_3d = bpy.props.PointerProperty(type=IMAGE_TO_3D_PG_jobs)


def unregister() -> None:
    _shown.clear()
    if hasattr(bpy.types.WindowManager, "image_to_3d"):
        del bpy.types.WindowManager.image_to_3d
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
