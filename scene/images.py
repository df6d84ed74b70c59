# SPDX-License-Identifier: GPL-3.0-or-later
"""A Blender image -> a picture file: what the user sees is what is sent. Leaves the image as it was."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy

from ..api import headers, picture
from ..api.errors import PictureError
from . import BEGUN_NS, frames
from .refusal import reason_of

PNG = {"media_type": "IMAGE", "file_format": "PNG", "color_mode": "RGBA", "color_depth": "8"}
"""The settings of an output that is what the screen shows; each makes the next possible, and the first is new in
Blender 5.0."""

ALPHA_DEPTHS = (32, 128)
"""The bits a pixel of an image that has alpha: of 8 bits a channel, and of floats."""

COMPARED_PX = 4096**2
"""Whether a file was changed since Blender read it is looked up for pictures of so many pixels: of larger ones, it
would hold the window up for seconds (three for 8192 x 8192)."""

OF_SEVERAL = ("SEQUENCE", "MOVIE", "TILED")
"""The sources of images of which Blender saves another frame or tile than the one that is shown, as a render."""

SAVE_ONE = "save the one that you want as a picture, and choose that."


def to_file(image: bpy.types.Image, folder: Path) -> Path:
    """Return a file that shows `image` as it is now: its own where that is current, else a new one in `folder`.

    Raises `PictureError` where the image has no pixels, or where it is not certain which of them are shown.
    """
    if image.type == "MULTILAYER":  # Python gets the pixels of one layer, which need not be the one on the screen
        raise PictureError(f"The image {image.name} has several layers: {SAVE_ONE}")
    if image.source in ("SEQUENCE", "MOVIE"):
        frames.show_frame(image)
    if image.source == "TILED" and image.tiles.active and image.tiles.active.number != image.tiles[0].number:
        return _tile(image, image.tiles.active.number, folder)
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


def _tile(image: bpy.types.Image, number: int, folder: Path) -> Path:
    """`to_file` of a tile of several that is not the first: Blender gives Python the pixels of the first only."""
    packed = next((entry for entry in image.packed_files if entry.tile_number == number), None)
    own = frames.tile_file(image, number)
    if packed and not image.is_dirty:
        own = folder / f"packed{picture.ending_of(own.name)}"
        own.write_bytes(packed.packed_file.data)
    elif image.is_dirty or not own.is_file():
        try:  # new in Blender 4.3
            image.save(filepath=str(folder / "tile.<UDIM>"), save_copy=True)  # type: ignore[call-arg]
        except (RuntimeError, TypeError):
            raise PictureError(f"The image {image.name} has {len(image.tiles)} tiles: {SAVE_ONE}") from None
        return folder / f"tile.{number}"
    with _read(own, image) as tile:
        return to_file(tile, folder)


@contextlib.contextmanager
def _read(file: Path, like: bpy.types.Image) -> Iterator[bpy.types.Image]:
    """The picture in `file` as an image that Blender reads and shows as it does another, for this moment."""
    image = bpy.data.images.load(str(file))
    try:
        image.colorspace_settings.name = like.colorspace_settings.name
        image.alpha_mode, image.use_view_as_render = like.alpha_mode, like.use_view_as_render
        yield image
    finally:
        bpy.data.images.remove(image)


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
    # The last has Blender try, which would wait for a pipe in its place.
    if not image.has_data and (own.exists() or not len(image.pixels)):
        raise PictureError(
            f"The file of the image {image.name} is gone ({own}): bring it back, or choose another image."
        )
    return None


def _shows_otherwise(image: bpy.types.Image, own: Path) -> bool:
    """Whether Blender shows the image in another way than whoever opens its file."""
    if _is_as_rendered(image) or image.alpha_mode == "NONE":
        return True
    size = headers.size_of(own)
    if size is not None:
        if headers.orientation_of(own) != 1:  # others turn it upright, Blender (4.2 to 5.2) shows it as it lies there
            return True
        is_replaced = image.has_data and size != tuple(image.size)  # since Blender read it
        if is_replaced or image.alpha_mode == "PREMUL":  # which is what no PNG is by itself
            return True
    is_small = image.size[0] * image.size[1] <= COMPARED_PX
    return not image.packed_file and image.has_data and is_small and _has_changed(own) and _holds_another(image, own)


def _has_changed(file: Path) -> bool:
    """Whether a file may have been written since Blender was started, or put in the place of another."""
    found = file.stat()  # the time of the last change of a name, too: a program may save with a new file
    return max(found.st_mtime_ns, found.st_ctime_ns) >= BEGUN_NS


def _holds_another(image: bpy.types.Image, own: Path) -> bool:
    """Whether the pixels that Blender holds of an image are not those that its file has by now."""
    import numpy as np  # here, as it would slow down the start of Blender

    with _read(own, image) as now:
        return tuple(now.size) != tuple(image.size) or not np.array_equal(_pixels(image), _pixels(now))


def _pixels(image: bpy.types.Image) -> Any:
    """All pixels that Blender holds of an image, as floats in one row."""
    import numpy as np

    pixels = np.empty(len(image.pixels), dtype=np.float32)
    image.pixels.foreach_get(pixels)
    return pixels


def _is_as_rendered(image: bpy.types.Image) -> bool:
    """Whether the screen shows the image as it does a render, which is not what its pixels are."""
    return image.source == "VIEWER" or image.use_view_as_render


def _save(image: bpy.types.Image, path: Path) -> None:
    """Save as PNG; but 8 bits, which need no compression to be small enough, in a tenth of the time as raw TGA: the
    window waits for it. The job's process makes of it what the service takes.
    """
    if _is_as_rendered(image) and image.source not in OF_SEVERAL:
        _save_render(image, path)
        return
    with _held(image) as shown:
        if _is_as_rendered(image):
            _save_render(shown, path)
        else:
            shown.file_format = "PNG" if path.suffix == ".png" else "TARGA_RAW"
            shown.save(filepath=str(path))


def _save_render(image: bpy.types.Image, path: Path) -> None:
    with _png(bpy.context.scene.render.image_settings):
        image.save_render(str(path))


@contextlib.contextmanager
def _held(image: bpy.types.Image) -> Iterator[bpy.types.Image]:
    """The pixels that Blender holds of an image as a new image, for this moment: saving would give the user's the new
    path and format, and a copy of it would have the size of the file on the disk."""
    width, height = image.size
    pixels = _pixels(image)
    if not len(pixels) or len(pixels) != width * height * 4:
        raise PictureError(f"The image {image.name} has nothing to show: choose another.")
    shown = bpy.data.images.new(
        image.name, width, height, alpha=image.depth in ALPHA_DEPTHS, float_buffer=image.is_float
    )
    try:
        # The floats of a file are linear once they are read, whatever its color space, as are a new image's; data are
        # neither.
        if not image.is_float or image.source == "GENERATED" or image.colorspace_settings.is_data:
            shown.colorspace_settings.name = image.colorspace_settings.name  # first, as it empties the image
        shown.pixels.foreach_set(pixels)
        yield shown
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
