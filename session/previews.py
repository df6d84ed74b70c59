# SPDX-License-Identifier: GPL-3.0-or-later
"""Small pictures of files, as icons. Blender reads a file when its icon is first on the screen, in the background;
nothing is read here."""

import os

import bpy.utils.previews


class Previews:
    """The icons that were asked for, by the path of the picture. Blender's own collection is made with the first."""

    def __init__(self) -> None:
        self._icons: bpy.utils.previews.ImagePreviewCollection | None = None

    def icon_of(self, path: str) -> int:
        """The icon that shows the picture file at `path`, 0 where there can be none."""
        if not path:
            return 0
        if self._icons is None:
            self._icons = bpy.utils.previews.new()
        if path not in self._icons:
            try:
                if not os.path.isfile(path):  # a pipe would be waited for
                    return 0
                self._icons.load(path, path, "IMAGE")
            except ValueError:
                # Its name is no text, or none that a file can have: Blender's previews (4.2 to 5.2) take no bytes.
                return 0
        return self._icons[path].icon_id

    def close(self) -> None:
        """Let go of all icons."""
        if self._icons is not None:
            bpy.utils.previews.remove(self._icons)
            self._icons = None
