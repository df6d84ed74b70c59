# SPDX-License-Identifier: GPL-3.0-or-later
"""Small pictures of files and of Blender images, as icons. Blender makes an icon in the background when it is first on
the screen; no picture is read here.

The icons of what is chosen follow it: `look_at`, which a timer calls, has one made anew where its file or its image has
changed.
"""

import os
import stat
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

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


@dataclass
class Looks:
    """What is known of the icon of a chosen image."""

    state: ImageState | None = None
    """Of the image, when its icon was made last."""
    next_s: float = 0.0
    is_changed: bool = False
    is_blended: bool = False
    """Whether the icon is as it is to be drawn."""


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
        self._looks: dict[int, Looks] = {}
        """By the number of a chosen image."""
        self._turn_of_files = self._turn_of_images = 0
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

    def look_at(self, files: Sequence[str], images: Sequence[bpy.types.Image]) -> bool:
        """See whether one of the chosen picture files or images has changed, one of each at a time, and have its icon
        made anew then. Return whether something is to be drawn."""
        if files:
            self._look_at_file(files[self._turn_of_files % len(files)])
        if images:
            self._turn_of_images += 1
            self._look_at_image(images[self._turn_of_images % len(images)])
        self._redraws = max(-1, self._redraws - 1)
        return self._redraws >= 0  # an icon was made anew so lately that it may not be on the screen yet

    def _look_at_file(self, path: str) -> None:
        """Asks for the file's time and size only, and seldom."""
        began_s = self._clock()
        if began_s < self._next_s or _is_drawing():
            return
        self._turn_of_files += 1
        version = _version_of(path)
        self._next_s = began_s + max(LOOK_EVERY_S, (self._clock() - began_s) / SHARE)
        if version == self._versions.get(path) or (version and abs(time.time() - version[0] / 1e9) < SETTLES_S):
            return
        self._versions[path] = version
        if self._icons is not None and path in self._icons:
            if version is None:
                del self._icons[path]
            else:
                self._icons[path].reload()
        self._redraws = REDRAWS

    def _look_at_image(self, image: bpy.types.Image) -> None:
        self._listen()
        looks = self._looks.setdefault(image.session_uid, Looks())
        state = image.session_uid, image.is_dirty, image.filepath_raw
        now_s = self._clock()
        if _is_drawing():
            return
        if (state == looks.state and not looks.is_changed) or now_s < looks.next_s:
            self._blend(image, looks)
            return
        looks.state, looks.is_changed, looks.next_s = state, False, now_s + IMAGE_EVERY_S
        looks.is_blended = False
        if image.preview is not None:  # else it was not drawn yet
            image.preview.is_image_custom = False  # what `_blend` has written is not made anew otherwise
            image.preview.reload()
        self._redraws = REDRAWS

    def _blend(self, image: bpy.types.Image, looks: Looks) -> None:
        """Have the icon of an image show nothing where that is transparent, as soon as there is one.

        Blender (4.3.2, 5.2.2) draws it as if colors were multiplied by their alpha already: whatever color lies under
        an alpha of 0 is seen, as if nothing had been cut out or erased.
        """
        preview = image.preview
        if looks.is_blended or preview is None or not preview.image_size[0]:
            return
        import numpy as np  # here, as it would slow down the start of Blender

        looks.is_blended = True
        values = np.empty(len(preview.image_pixels_float), np.float32)
        preview.image_pixels_float.foreach_get(values)
        pixels = values.reshape(-1, 4)
        blended = pixels[:, :3] * pixels[:, 3:]
        if preview.is_image_custom or np.array_equal(blended, pixels[:, :3]):
            return
        pixels[:, :3] = blended
        preview.image_pixels_float.foreach_set(values)
        self._redraws = REDRAWS

    def _listen(self) -> None:
        """Have Blender say when an image was painted, reloaded or undone."""
        if self._handler is not None:
            return

        @bpy.app.handlers.persistent
        def note(scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> None:
            if depsgraph.id_type_updated("IMAGE"):
                for looks in self._looks.values():
                    looks.is_changed = True

        self._handler = note
        bpy.app.handlers.depsgraph_update_post.append(note)

    def close(self) -> None:
        """Let go of all icons, and listen no more."""
        if self._icons is not None:
            bpy.utils.previews.remove(self._icons)
            self._icons = None
        self._versions.clear()
        self._looks.clear()
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
