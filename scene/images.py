# SPDX-License-Identifier: GPL-3.0-or-later
"""A Blender image -> a picture file: what the user sees is what is sent. Leaves the image as it was."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import bpy

from ..api.errors import PictureError
from .refusal import reason_of

PNG = {"media_type": "IMAGE", "file_format": "PNG", "color_mode": "RGBA", "color_depth": "8"}
"""The settings of an output that is what the screen shows; each makes the next possible, and the first is new in Blender 5.0."""


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
    copy = folder / ("image.png" if _is_deep(image) else "image.tga")
    try:
        _save(image, copy)
    except RuntimeError as error:
        raise PictureError(
            f"The image {image.name} has nothing to show ({reason_of(error)}): choose another."
        ) from None
    return copy


def _is_deep(image: bpy.types.Image) -> bool:
    """Whether the image has more than 8 bits a channel, or has no pixels of its own."""
    return image.type == "RENDER_RESULT" or image.is_float


def _save(image: bpy.types.Image, path: Path) -> None:
    """Save as PNG; but 8 bits, which need no compression to be small enough, in a tenth of the time as raw TGA: the window waits for
    it. The job's process makes of it what the service takes.
    """
    if image.type == "RENDER_RESULT":
        with _png(bpy.context.scene.render.image_settings):
            image.save_render(str(path))
        return
    import numpy as np  # here, as it would slow down the start of Blender

    # On a copy: saving would otherwise give the user's image the new path and format.
    copy = image.copy()
    try:
        pixels = np.empty(len(image.pixels), dtype=np.float32)
        image.pixels.foreach_get(pixels)
        copy.pixels.foreach_set(pixels)  # a copy has what is on the disk, not what was painted since
        copy.update()
        copy.file_format = "PNG" if path.suffix == ".png" else "TARGA_RAW"
        copy.save(filepath=str(path))
    finally:
        bpy.data.images.remove(copy)


@contextlib.contextmanager
def _png(chosen: bpy.types.ImageFormatSettings) -> Iterator[None]:
    """A render is saved in the format of the scene's output, which may hold other colors than the screen shows, or be a video."""
    before = {name: getattr(chosen, name) for name in PNG if hasattr(chosen, name)}
    try:
        for name in before:
            setattr(chosen, name, PNG[name])
        yield
    finally:
        for name, value in before.items():
            setattr(chosen, name, value)
