# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a picture file into upright sRGB bytes, with Blender's own decoders.

Never changes the file; leaves nothing in bpy.data.
"""

from pathlib import Path

import bpy
import numpy as np

from ..api.headers import orientation_of, size_of
from ..api.kinds import cannot_open, kind_of
from .pixels import Bytes

LONGEST = 4096  # pixels: larger pictures are scaled down, a finer texture would not be seen
MOST_PIXELS = 80_000_000  # decoded at 4 bytes each, 320 MB: above, memory would not hold


class UnreadablePicture(Exception):
    """The file cannot be used as a picture; the text says so to the user, and what to do."""


def read_picture(path: Path) -> Bytes:
    """Straight sRGB bytes, (h, w, 4), top row first, at most LONGEST pixels on the longer side, turned upright."""
    try:
        is_empty, size, orientation = path.stat().st_size == 0, size_of(path), orientation_of(path)
    except OSError as error:
        raise UnreadablePicture(f"The picture cannot be opened ({error.strerror}): check its file.") from error
    if is_empty:
        raise UnreadablePicture("The picture is an empty file: choose another.")
    _refuse_large(*(size or (0, 0)))
    try:
        image = bpy.data.images.load(str(path))
    except RuntimeError as error:
        raise UnreadablePicture("Blender cannot read the picture: save it as PNG, JPEG or WebP.") from error
    try:
        width, height = image.size
        if not width or not height:
            named = cannot_open(path, "The picture") if kind_of(path) else ""
            raise UnreadablePicture(named or "The file is not a picture, or is damaged: save it as PNG, JPEG or WebP.")
        _refuse_large(width, height)
        if max(width, height) > LONGEST:
            factor = LONGEST / max(width, height)
            image.scale(max(1, round(width * factor)), max(1, round(height * factor)))
        return upright(_pixels(image), orientation)
    finally:
        bpy.data.images.remove(image)


def _refuse_large(width: int, height: int) -> None:
    if width * height > MOST_PIXELS:
        raise UnreadablePicture(
            f"The picture is {width} x {height} pixels, too large to work on: "
            f"scale it down to {LONGEST} pixels or less."
        )


def _pixels(image: bpy.types.Image) -> Bytes:
    width, height = image.size
    channels = image.channels
    values = np.empty(width * height * channels, np.float32)
    image.pixels.foreach_get(values)
    if image.is_float:
        values = displayed(values.reshape(-1, channels)).ravel()
    np.clip(values, 0, 1, out=values)
    values *= 255
    values += 0.5
    loaded = values.astype(np.uint8).reshape(height, width, channels)[::-1]
    if channels == 4:
        return np.ascontiguousarray(loaded)
    picture = np.full((height, width, 4), 255, np.uint8)
    picture[..., :3] = loaded[..., :3] if channels == 3 else loaded[..., :1]
    return picture


def displayed(values: np.ndarray) -> np.ndarray:
    """Turn float pixels (n, channels), which are linear and premultiplied, into straight sRGB values.

    A 16-bit PNG gives such pixels, too.
    """
    colour = np.nan_to_num(values[:, :3], nan=0.0, posinf=1.0, neginf=0.0)
    if values.shape[1] == 4:
        alpha = np.clip(np.nan_to_num(values[:, 3:]), 0, 1)
        colour = np.where(alpha > 0, colour / np.maximum(alpha, 1e-6), 0)
    colour = np.clip(colour, 0, 1)
    colour = np.where(colour <= 0.0031308, colour * 12.92, 1.055 * np.maximum(colour, 1e-8) ** (1 / 2.4) - 0.055)
    return np.concatenate((colour, alpha), axis=1) if values.shape[1] == 4 else colour


def upright(picture: Bytes, orientation: int) -> Bytes:
    """Undo the turn that EXIF's orientation (1 to 8) stands for."""
    if orientation in (2, 4, 5, 7):
        picture = picture[:, ::-1] if orientation in (2, 5, 7) else picture[::-1]
    turns = {3: 2, 5: 1, 6: 3, 7: 3, 8: 1}.get(orientation, 0)
    return np.ascontiguousarray(np.rot90(picture, turns))
