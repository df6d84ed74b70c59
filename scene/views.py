# SPDX-License-Identifier: GPL-3.0-or-later
"""The 3D Views of windows: which is the largest, and which show no textures. Changes nothing."""

import bpy

View = tuple[bpy.types.Window, bpy.types.Area]


def largest(window: bpy.types.Window | None, scene: bpy.types.Scene) -> View | None:
    """The largest 3D View of a window, or where that has none, of the windows that show the same scene."""
    others = [other for other in bpy.context.window_manager.windows if other != window and other.scene == scene]
    for windows in ([window] if window else [], others):
        views = [(each, area) for each in windows for area in of_window(each)]
        if views:
            return max(views, key=lambda view: view[1].width * view[1].height)
    return None


def of_window(window: bpy.types.Window | None) -> list[bpy.types.Area]:
    """The 3D Views of a window."""
    return [area for area in window.screen.areas if area.type == "VIEW_3D"] if window else []


def without_textures(window: bpy.types.Window | None) -> list[bpy.types.View3DShading]:
    """The shading of each 3D View that is solid, and colored by something else than textures."""
    spaces = [area.spaces.active for area in of_window(window)]
    shadings = [space.shading for space in spaces if isinstance(space, bpy.types.SpaceView3D)]
    return [shading for shading in shadings if shading.type == "SOLID" and shading.color_type != "TEXTURE"]
