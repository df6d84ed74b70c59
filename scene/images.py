# SPDX-License-Identifier: GPL-3.0-or-later
"""A Blender image -> a picture file: what the user sees is what is sent. Leaves the image as it was."""

from pathlib import Path

import bpy
import numpy as np

from ..api.errors import PictureError
from .refusal import reason_of


def to_file(image: bpy.types.Image, folder: Path) -> Path:
    """Return a file that shows `image` as it is now: its own where that is current, else a new one in `folder`.

    Raises `PictureError` where the image has no pixels.
    """
    own = Path(bpy.path.abspath(image.filepath_raw, library=image.library))
    if image.source == "FILE" and not image.is_dirty:
        if image.packed_file:
            copy = folder / f"packed{own.suffix}"
            copy.write_bytes(image.packed_file.data)
            return copy
        if own.is_file():
            return own
    copy = folder / "image.png"
    try:
        _save_png(image, copy)
    except RuntimeError as error:
        raise PictureError(
            f"The image {image.name} has nothing to show ({reason_of(error)}): choose another."
        ) from None
    return copy


def _save_png(image: bpy.types.Image, path: Path) -> None:
    if image.type == "RENDER_RESULT":
        image.save_render(str(path))
        return
    # On a copy: saving would otherwise give the user's image the new path and format.
    copy = image.copy()
    try:
        pixels = np.empty(len(image.pixels), dtype=np.float32)
        image.pixels.foreach_get(pixels)
        copy.pixels.foreach_set(pixels)  # a copy has what is on the disk, not what was painted since
        copy.update()
        copy.file_format = "PNG"
        copy.save(filepath=str(path))
    finally:
        bpy.data.images.remove(copy)
