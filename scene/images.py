# SPDX-License-Identifier: GPL-3.0-or-later
"""A Blender image -> a picture file: what the user sees is what is sent. Leaves the image as it was."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import bpy

from ..api import headers, picture
from ..api.errors import PictureError
from .refusal import reason_of

PNG = {"media_type": "IMAGE", "file_format": "PNG", "color_mode": "RGBA", "color_depth": "8"}
"""The settings of an output that is what the screen shows; each makes the next possible, and the first is new in
Blender 5.0."""

ALPHA_DEPTHS = (32, 128)
"""The bits a pixel of an image that has alpha: of 8 bits a channel, and of floats."""

SAVE_ONE = "save the one that you want as a picture, and choose that."


def to_file(image: bpy.types.Image, folder: Path) -> Path:
    """Return a file that shows `image` as it is now: its own where that is current, else a new one in `folder`.

    Raises `PictureError` where the image has no pixels, or where it is not certain which of them are shown.
    """
    _refuse_several(image)
    own = _own_file(image, folder)
    if own and not _shows_otherwise(image, own):
        return own
    is_deep = _is_as_rendered(image) or image.is_float
    copy = folder / ("image.png" if is_deep else "image.tga")
    try:
        _save(image, copy)
    except RuntimeError as error:
        raise PictureError(
            f"The image {image.name} has nothing to show ({reason_of(error)}): choose another."
        ) from None
    return copy


def _refuse_several(image: bpy.types.Image) -> None:
    """What holds several pictures gives Python the pixels of one of them, which need not be the one on the screen."""
    if image.source == "SEQUENCE":
        raise PictureError(f"The image {image.name} is a sequence of frames: {SAVE_ONE}")
    if image.source == "MOVIE":
        raise PictureError(f"The image {image.name} is a movie of many frames: {SAVE_ONE}")
    if image.source == "TILED" and len(image.tiles) > 1:
        raise PictureError(f"The image {image.name} has {len(image.tiles)} tiles: {SAVE_ONE}")
    if image.type == "MULTILAYER":
        raise PictureError(f"The image {image.name} has several layers: {SAVE_ONE}")


def _own_file(image: bpy.types.Image, folder: Path) -> Path | None:
    """The file that the image was read from, which lies in `folder` if it was packed; None where the image is no file,
    or not any longer."""
    if image.source != "FILE" or image.is_dirty:  # painting, Image > Transform, scale() and resize() all make it dirty
        return None
    own = Path(bpy.path.abspath(image.filepath_raw, library=image.library))
    if image.packed_file:
        copy = folder / f"packed{picture.ending_of(own.name)}"
        copy.write_bytes(image.packed_file.data)
        return copy
    if own.is_file():
        return own
    if not image.has_data and not len(image.pixels):  # the second has Blender try
        raise PictureError(
            f"The file of the image {image.name} is gone ({own}): bring it back, or choose another image."
        )
    return None


def _shows_otherwise(image: bpy.types.Image, own: Path) -> bool:
    """Whether Blender shows the image in another way than whoever opens its file."""
    if _is_as_rendered(image) or image.alpha_mode == "NONE":
        return True
    size = headers.size_of(own)
    if size is None:
        return False
    if headers.orientation_of(own) != 1:  # others turn it upright, Blender (4.2 to 5.2) shows it as it lies in the file
        return True
    is_replaced = image.has_data and size != tuple(image.size)  # since Blender read it
    return is_replaced or image.alpha_mode == "PREMUL"  # which is what no PNG is by itself


def _is_as_rendered(image: bpy.types.Image) -> bool:
    """Whether the screen shows the image as it does a render, which is not what its pixels are."""
    return image.source == "VIEWER" or image.use_view_as_render


def _save(image: bpy.types.Image, path: Path) -> None:
    """Save as PNG; but 8 bits, which need no compression to be small enough, in a tenth of the time as raw TGA: the
    window waits for it. The job's process makes of it what the service takes.
    """
    if _is_as_rendered(image):
        with _png(bpy.context.scene.render.image_settings):
            image.save_render(str(path))
        return
    import numpy as np  # here, as it would slow down the start of Blender

    width, height = image.size
    number = len(image.pixels)
    if not number or number != width * height * 4:
        raise PictureError(f"The image {image.name} has nothing to show: choose another.")
    pixels = np.empty(number, dtype=np.float32)
    image.pixels.foreach_get(pixels)
    # In a new image: saving would give the user's the new path and format, and a copy of it would have the size of the
    # file on the disk.
    shown = bpy.data.images.new(
        image.name, width, height, alpha=image.depth in ALPHA_DEPTHS, float_buffer=image.is_float
    )
    try:
        # The floats of a file are linear once they are read, whatever its color space, as are a new image's; data are
        # neither.
        if not image.is_float or image.source == "GENERATED" or image.colorspace_settings.is_data:
            shown.colorspace_settings.name = image.colorspace_settings.name  # first, as it empties the image
        shown.pixels.foreach_set(pixels)
        shown.file_format = "PNG" if path.suffix == ".png" else "TARGA_RAW"
        shown.save(filepath=str(path))
    finally:
        bpy.data.images.remove(shown)


@contextlib.contextmanager
def _png(chosen: bpy.types.ImageFormatSettings) -> Iterator[None]:
    """A render is saved in the format of the scene's output, which may hold other colors than the screen shows, or be a
    video."""
    before = {name: getattr(chosen, name) for name in PNG if hasattr(chosen, name)}
    try:
        for name in before:
            setattr(chosen, name, PNG[name])
        yield
    finally:
        for name, value in before.items():
            setattr(chosen, name, value)
