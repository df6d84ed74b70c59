# SPDX-License-Identifier: GPL-3.0-or-later
"""Has Blender draw again what shows something of ours: sidebars, preferences, status bar. Never the 3D view itself,
which may be slow."""

import bpy

from .busy import tools

SIDEBAR_AREAS = frozenset({"VIEW_3D", "IMAGE_EDITOR"})
"""The editors that have our tab."""

WATCH = "IMAGE_TO_3D_OT_watch"
"""Our own modal operator, as Blender lists it."""


def redraw() -> None:
    """Tag the regions; Blender draws them when it has time. Without windows nothing is drawn."""
    if bpy.app.background:
        return
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in SIDEBAR_AREAS:
                for region in area.regions:
                    if region.type == "UI":
                        region.tag_redraw()
            elif area.type == "PREFERENCES":
                area.tag_redraw()
        # The status bar is in no list of areas. This has it drawn, and clears its text, which belongs to whoever is
        # modal. Blender asks the window of the context for it, and ends with signal 11 where a script has taken that
        # away (`temp_override(window=None)`, 5.2.2).
        if bpy.context.window is not None and all(operator.bl_idname == WATCH for operator in tools(window)):
            window.workspace.status_text_set_internal(None)
