# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of jobs as Blender's windows show it: one item a row on the WindowManager, and which of them is selected.
Decides nothing about the rows: that is `session.rows`, which is loaded when it is needed.

The WindowManager is neither saved nor touched by undo; opening a file empties it, and the next looks fill it again.
"""

import bpy

from ..jobs.state import State

GO_ON_S = 0.01  # until the next step for somebody who types

STATES = (
    *(State.CONVERTING, State.DOWNLOADING, State.RUNNING, State.SUBMITTING, State.WAITING),
    *(State.UNCONFIRMED, State.FAILED, State.READY, State.CANCELLED, State.IMPORTED),
)
"""In the order in which they are sorted: first what goes on, then what needs somebody."""


def show_soon(self: bpy.types.PropertyGroup, context: bpy.types.Context) -> None:
    """The rows that are wanted are others now: have them shown before the next look of the timer."""
    # Persistent: a timer that goes with its file has the end of the process hang (4.5.15, without windows).
    if not bpy.app.background and not bpy.app.timers.is_registered(_go_on):
        bpy.app.timers.register(_go_on, first_interval=0.0, persistent=True)


def _go_on() -> float | None:
    """One step of the list. The function of a timer, as nothing may be removed from a list while it is used."""
    from . import begun
    from .redraw import redraw

    current = begun()
    if current is None:
        return None
    if (job := current.joblist.take_opened()) is not None:
        current.show_model(job.id)
    if current.joblist.fill():
        redraw()
    return GO_ON_S if current.joblist.is_behind else None


def _on_press(self: "IMAGE_TO_3D_PG_jobs", context: bpy.types.Context) -> None:
    """A row was pressed, or a script has selected one."""
    from . import begun

    current = begun()
    if current is not None:
        current.joblist.note_press(context)


def _on_fold(self: "IMAGE_TO_3D_PG_job", context: bpy.types.Context) -> None:
    from . import begun

    current = begun()
    if current is not None:
        current.joblist.unfold(self.name, self.is_unfolded)


class IMAGE_TO_3D_PG_job(bpy.types.PropertyGroup):
    """A job in the list; its name is its id, which the session knows everything else by"""

    is_unfolded: bpy.props.BoolProperty(name="Show Variants", description="Show each variant in a row of its own")


class IMAGE_TO_3D_PG_jobs(bpy.types.PropertyGroup):
    """The list of jobs"""

    items: bpy.props.CollectionProperty(
        name="Jobs", description="The jobs that are shown, in order", type=IMAGE_TO_3D_PG_job
    )
    index: bpy.props.IntProperty(name="Selected Job", description="Which job of the list is selected", default=-1)
    search: bpy.props.StringProperty(
        name="Search",
        description="Show only jobs with these words in their name, service or state",
        options={"TEXTEDIT_UPDATE", "SKIP_SAVE"},
    )
    sort: bpy.props.EnumProperty(
        name="Sort By",
        description="In which order the jobs stand in the list",
        items=(
            ("NEWEST", "Newest First", "The job that was started last stands first", "SORTTIME", 0),
            ("NAME", "Name", "By the names of their pictures", "SORTALPHA", 1),
            ("STATE", "State", "Jobs that are running and jobs that need you stand first", "SORTSIZE", 2),
        ),
        default="NEWEST",
    )
    other_files: bpy.props.BoolProperty(
        name="Other Files",
        description="Also show jobs of other files, and jobs that were cleared from the list",
    )
    large: bpy.props.BoolProperty(name="Large Thumbnails", description="Show larger pictures of the models")
    unfolded: bpy.props.CollectionProperty(
        name="Unfolded", description="The groups of variants that are shown in full", type=IMAGE_TO_3D_PG_job
    )


WATCHED = (
    (IMAGE_TO_3D_PG_job, "is_unfolded", _on_fold),
    (IMAGE_TO_3D_PG_jobs, "index", _on_press),
    *((IMAGE_TO_3D_PG_jobs, name, show_soon) for name in ("search", "sort", "other_files")),
)
"""The properties that call a function when they change. A class that still holds the function when Python ends has
Blender 4.2.23 crash there, as a module of Python, also where it is not registered any more."""

_register, _unregister = bpy.utils.register_classes_factory((IMAGE_TO_3D_PG_job, IMAGE_TO_3D_PG_jobs))


def register() -> None:
    for cls, name, update in WATCHED:
        cls.__annotations__[name].keywords["update"] = update
    _register()
    bpy.types.WindowManager.image_to_3d = bpy.props.PointerProperty(type=IMAGE_TO_3D_PG_jobs)


def unregister() -> None:
    if bpy.app.timers.is_registered(_go_on):
        bpy.app.timers.unregister(_go_on)
    if hasattr(bpy.types.WindowManager, "image_to_3d"):
        del bpy.types.WindowManager.image_to_3d
    _unregister()
    for cls, name, _ in WATCHED:
        cls.__annotations__[name].keywords.pop("update", None)
