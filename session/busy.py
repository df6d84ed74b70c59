# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender is in the middle of: tools that are held, renders and bakes, and what a disabled add-on has left.
Changes nothing."""

import bpy

JOBS = {"RENDER": "the render", "OBJECT_BAKE": "the bake"}
"""Those of the jobs that `bpy.app.is_job_running` knows that read the whole scene again and again. The others read a
material or an image only: previews, compositing, the compiling of shaders. The names are the same from 4.2 to 5.2."""

HOLDING = frozenset({"UNDO", "UNDO_GROUPED", "BLOCKING"})
"""The options of operators that a hand holds. A stroke of sculpting or of painting on an image is an undo step too, and
does not say so: it only says that it has the mouse to itself. So does a turn of the view, which is over soon."""

VIEWPORT_RENDER = "RENDER_OT_opengl"
"""Renders an animation as the 3D View shows it. It is a job in 5.2, and a modal operator without one in 4.3."""


def tools(window: bpy.types.Window) -> list[bpy.types.Operator]:
    """The modal operators that run in a window, without those that `has_dead_handler` is about: Blender gives these as
    None, or (4.3) without data, where to ask them anything is an error."""
    return [found for found in window.modal_operators if found is not None and bpy.types.bpy_struct.as_pointer(found)]


def has_dead_handler() -> bool:
    """Whether a window still holds a modal operator whose class was unregistered: it does until its next event.

    Blender 4.3.2 ends with signal 11 where `modal_handler_add` puts another beside it (5.2.2 does not).
    """
    windows = bpy.context.window_manager.windows
    return any(len(tools(window)) < len(window.modal_operators) for window in windows)


def is_tool_held() -> bool:
    """Whether the user moves something, or uses another tool that will be an undo step: one in its middle would hold
    half of it, and in the middle of a sculpting stroke it ends Blender 5.2.2 with signal 11."""
    windows = bpy.context.window_manager.windows
    return any(HOLDING & operator.bl_options for window in windows for operator in tools(window))


def is_locked() -> bool:
    """Whether Blender has locked its interface: while it exports or bakes a simulation, which are jobs that it does not
    name to add-ons. Modal operators may get no event meanwhile (4.3.2 and 5.2.2: none while cloth is baked)."""
    return bpy.context.window_manager.is_interface_locked


def reader() -> str:
    """What reads the scene over a time, so that it must not change meanwhile; "" where nothing does."""
    running = next((name for kind, name in JOBS.items() if bpy.app.is_job_running(kind)), "")
    if running:
        return running
    windows = bpy.context.window_manager.windows
    if any(operator.bl_idname == VIEWPORT_RENDER for window in windows for operator in tools(window)):
        return "the render"
    return "Blender's task" if is_locked() else ""
