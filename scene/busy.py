# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender is in the middle of: tools that are held, and what a disabled add-on has left. Changes nothing."""

import bpy


def tools(window: bpy.types.Window) -> list[bpy.types.Operator]:
    """The modal operators that run in a window, without those that `has_dead_handler` is about: Blender gives these as None, or
    (4.3) without data, where to ask them anything is an error."""
    return [found for found in window.modal_operators if found is not None and bpy.types.bpy_struct.as_pointer(found)]


def has_dead_handler() -> bool:
    """Whether a window still holds a modal operator whose class was unregistered: it does until its next event.

    Blender 4.3.2 ends with signal 11 where `modal_handler_add` puts another beside it (4.5 and 5.2 do not).
    """
    windows = bpy.context.window_manager.windows
    return any(len(tools(window)) < len(window.modal_operators) for window in windows)
