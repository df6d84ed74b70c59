# SPDX-License-Identifier: GPL-3.0-or-later
"""The results' folder as an asset library of this Blender: enters it in the preferences, and has Asset Browsers read it
again. Makes no file, and marks no asset."""

import contextlib
import os
from pathlib import Path
from typing import Any

import bpy

NAME = "Image to 3D"
"""What the library is called where it is new. People may call it otherwise."""

IMPORT_METHODS = ("APPEND_REUSE", "APPEND")
"""Of these the first that Blender offers. A model belongs to the file that it is dragged into, and where it was dragged
before, to 5.1, it shares mesh and images with that. 5.2 offers to append, link or pack, and packs by itself; what is
packed cannot be edited."""


def library_of(folder: Path) -> Any:
    """The asset library in Blender's preferences that is `folder`, None where there is none."""
    wanted = os.path.realpath(folder)
    libraries = bpy.context.preferences.filepaths.asset_libraries
    return next((entry for entry in libraries if entry.path and _real(entry.path) == wanted), None)


def _real(path: str) -> str:
    return os.path.realpath(bpy.path.abspath(path))


def add_library(folder: Path) -> Any:
    """Enter `folder` as an asset library, and return it. Blender saves it with its preferences, and not before."""
    preferences = bpy.context.preferences
    made = preferences.filepaths.asset_libraries.new(name=NAME, directory=str(folder))
    for method in IMPORT_METHODS:
        with contextlib.suppress(TypeError):  # the enum's list of items has them all, whatever Blender offers
            made.import_method = method
            break
    preferences.is_dirty = True  # so that Blender saves them, where it is to do that by itself
    return made


def switch_on(library: Any) -> bool:
    """Have Blender show a library that the user has switched off, which can be done from 5.2 on; return whether it
    was."""
    if getattr(library, "enabled", True):
        return False
    library.enabled = True
    bpy.context.preferences.is_dirty = True
    return True


def refresh_browsers(folder: Path) -> None:
    """Have the open Asset Browsers that show `folder` read it again, in Blender's own time."""
    browsers = [
        (window, area)
        for window in bpy.context.window_manager.windows
        for area in window.screen.areas
        if area.ui_type == "ASSETS"
    ]
    library = library_of(folder) if browsers else None
    for window, area in browsers:
        params = _params(area)
        if library is None or params is None or params.asset_library_reference not in ("ALL", library.name):
            continue
        region = next(region for region in area.regions if region.type == "WINDOW")
        with bpy.context.temp_override(window=window, area=area, region=region):
            bpy.ops.asset.library_refresh()


def _params(area: bpy.types.Area) -> Any:
    """What an Asset Browser shows, None where it was not drawn yet."""
    space: Any = area.spaces.active
    return space.params
