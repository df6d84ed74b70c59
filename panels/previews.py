# SPDX-License-Identifier: GPL-3.0-or-later
"""Small pictures of files, as icons. Blender reads a file when its icon is first on the screen, in the background; nothing is read here."""

import os

import bpy.utils.previews

_previews: bpy.utils.previews.ImagePreviewCollection | None = None


def icon_of(path: str) -> int:
    """The icon that shows the picture file at `path`, 0 where there can be none."""
    if _previews is None or not path:
        return 0
    if path not in _previews:
        try:
            if not os.path.isfile(path):  # a pipe would be waited for
                return 0
            _previews.load(path, path, "IMAGE")
        except (
            ValueError
        ):  # its name is no text, or none that a file can have: Blender's previews (4.2 to 5.2) take no bytes
            return 0
    return _previews[path].icon_id


def register() -> None:
    global _previews
    _previews = bpy.utils.previews.new()


def unregister() -> None:
    global _previews
    if _previews is not None:
        bpy.utils.previews.remove(_previews)
        _previews = None
