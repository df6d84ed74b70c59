# SPDX-License-Identifier: GPL-3.0-or-later
"""Small pictures of files and of Blender images, as icons. Blender makes an icon in the background when it is first on
the screen; no picture is read here.

The icon of what is chosen follows it: `look_at_file` and `look_at_image`, which a timer calls, have it made anew where
the file or the image has changed.
"""

import os
import stat
import time
from collections.abc import Callable

import bpy.utils.previews

LOOK_EVERY_S = 2.0
"""How much time is between two looks at the chosen file."""

SHARE = 0.01
"""How much of the time the looks at a file may take: a folder in the network may be slow to answer."""

SLOW_S = 0.1
"""How long a folder may take to answer while something is drawn, before no other is asked for a while."""

SETTLES_S = 1.0
"""How old the last change of a file has to be: Blender keeps the icons of files by the second of their last change."""

IMAGE_EVERY_S = 1.0
"""How much time is between two icons of one image that is painted."""

REDRAWS = 3
"""In so many looks an icon that is made anew is drawn: Blender (4.3) does not say when it has it."""

Version = tuple[int, int]
"""What tells one version of a file from another: time of change (ns), size (bytes)."""

ImageState = tuple[int, bool, str]
"""What tells one state of an image from another: its number, whether it has unsaved changes, its file."""


class Previews:
    """The icons that were asked for, by the path of the picture. Blender's own collection is made with the first.
    `clock` gives seconds that only grow."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._icons: bpy.utils.previews.ImagePreviewCollection | None = None
        self._versions: dict[str, Version | None] = {}
        """By path: the version of the file that was seen last, None where there was none."""
        self._next_s = 0.0
        self._draw_next_s = 0.0
        """When files may be asked for again in a drawing, after a folder was slow."""
        self._image: ImageState | None = None
        """Of the chosen image, when its icon was made last."""
        self._image_next_s = 0.0
        self._is_image_changed = False
        self._is_blended = False
        """Whether the icon of the chosen image is as it is to be drawn."""
        self._handler: Callable[..., None] | None = None
        self._redraws = 0

    def icon_of(self, path: str) -> int:
        """The icon that shows the picture file at `path`, 0 where there can be none."""
        return self._icons[path].icon_id if self.is_there(path) and self._icons is not None else 0

    def is_there(self, path: str) -> bool:
        """Whether there is an icon for the picture file at `path`: there was such a file when it was asked for first,
        or looked at last."""
        if not path:
            return False
        if self._icons is None:
            self._icons = bpy.utils.previews.new()
        if path not in self._icons:
            began_s = self._clock()
            if began_s < self._draw_next_s:  # a menu of pictures in a dead folder would hold the window up for each
                return False
            version = _version_of(path)
            took_s = self._clock() - began_s
            if took_s > SLOW_S:
                self._draw_next_s = began_s + took_s / SHARE
            if version is None:  # a pipe would be waited for
                return False
            try:
                self._icons.load(path, path, "IMAGE")
            except ValueError:
                # Its name is no text, or none that a file can have: Blender's previews (4.2 to 5.2) take no bytes.
                return False
            self._versions[path] = version
        return True

    def look_at_file(self, path: str) -> bool:
        """See whether the chosen picture file has changed, and have its icon made anew then. Return whether it is to be
        drawn.

        Asks for the file's time and size only, and seldom.
        """
        began_s = self._clock()
        if not path or began_s < self._next_s:
            return self._is_still_new()
        if _is_drawing():
            return self._is_still_new()
        version = _version_of(path)
        self._next_s = began_s + max(LOOK_EVERY_S, (self._clock() - began_s) / SHARE)
        if version == self._versions.get(path) or (version and abs(time.time() - version[0] / 1e9) < SETTLES_S):
            return self._is_still_new()
        self._versions[path] = version
        if self._icons is not None and path in self._icons:
            if version is None:
                del self._icons[path]
            else:
                self._icons[path].reload()
        self._redraws = REDRAWS
        return self._is_still_new()

    def look_at_image(self, image: bpy.types.Image) -> bool:
        """See whether the chosen image has changed, and have its icon made anew then. Return whether it is to be
        drawn."""
        self._listen()
        state = image.session_uid, image.is_dirty, image.filepath_raw
        now_s = self._clock()
        if _is_drawing():
            return self._is_still_new()
        if (state == self._image and not self._is_image_changed) or now_s < self._image_next_s:
            self._blend(image)
            return self._is_still_new()
        self._image, self._is_image_changed, self._image_next_s = state, False, now_s + IMAGE_EVERY_S
        self._is_blended = False
        if image.preview is not None:  # else it was not drawn yet
            image.preview.is_image_custom = False  # what `_blend` has written is not made anew otherwise
            image.preview.reload()
        self._redraws = REDRAWS
        return self._is_still_new()

    def _blend(self, image: bpy.types.Image) -> None:
        """Have the icon of an image show nothing where that is transparent, as soon as there is one.

        Blender (4.3.2, 5.2.2) draws it as if colors were multiplied by their alpha already: whatever color lies under
        an alpha of 0 is seen, as if nothing had been cut out or erased.
        """
        preview = image.preview
        if self._is_blended or preview is None or not preview.image_size[0]:
            return
        import numpy as np  # here, as it would slow down the start of Blender

        self._is_blended = True
        values = np.empty(len(preview.image_pixels_float), np.float32)
        preview.image_pixels_float.foreach_get(values)
        pixels = values.reshape(-1, 4)
        blended = pixels[:, :3] * pixels[:, 3:]
        if preview.is_image_custom or np.array_equal(blended, pixels[:, :3]):
            return
        pixels[:, :3] = blended
        preview.image_pixels_float.foreach_set(values)
        self._redraws = REDRAWS

    def _is_still_new(self) -> bool:
        """Whether an icon was made anew so lately that it may not be on the screen yet."""
        self._redraws = max(-1, self._redraws - 1)
        return self._redraws >= 0

    def _listen(self) -> None:
        """Have Blender say when an image was painted, reloaded or undone."""
        if self._handler is not None:
            return

        @bpy.app.handlers.persistent
        def note(scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> None:
            if depsgraph.id_type_updated("IMAGE"):
                self._is_image_changed = True

        self._handler = note
        bpy.app.handlers.depsgraph_update_post.append(note)

    def close(self) -> None:
        """Let go of all icons, and listen no more."""
        if self._icons is not None:
            bpy.utils.previews.remove(self._icons)
            self._icons = None
        self._versions.clear()
        if self._handler in bpy.app.handlers.depsgraph_update_post:
            bpy.app.handlers.depsgraph_update_post.remove(self._handler)
        self._handler = None


def _is_drawing() -> bool:
    """Whether Blender draws an icon in the background: it crashes (4.3.2) where one is given up meanwhile."""
    return bool(bpy.app.is_job_running("RENDER_PREVIEW"))


def _version_of(path: str) -> Version | None:
    """The version of a plain file, None where there is none."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):  # the second for what can be no path
        return None
    return (found.st_mtime_ns, found.st_size) if stat.S_ISREG(found.st_mode) else None
