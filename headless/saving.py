# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that headless programs write: pixels as PNG or JPEG, and any file so that it is whole or not there.

Never decides where a file goes.
"""

import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from .. import files
from ..api.headers import PNG_START
from .pixels import Bytes

PNG_EFFORT = 4  # zlib's level, 0 to 9: the next ones take twice the time for a few per cent
COLOR_TYPE = {3: 2, 4: 6}
"""A PNG's color type by the number of channels (PNG, 11.2.1)."""


def save_whole(path: Path, write: Callable[[Path], Any]) -> None:
    """Have `write` make the file under another name, so that `path` is either whole or not there."""
    part = path.with_name(f"part-{os.getpid()}-{path.name}")  # the ending stays: Blender goes by it
    write(part)
    files.replace(part, path)


def write_png(path: Path, pixels: Bytes) -> None:
    """Write (h, w, 3 or 4) sRGB bytes, top row first. Blender's own writer takes five times as long."""
    height, width, channels = pixels.shape
    rows = np.empty((height, 1 + channels * width), np.uint8)
    rows[:, 0] = 2  # every row is stored as its difference from the row above
    rows[:, 1:] = pixels.reshape(height, channels * width)
    rows[1:, 1:] -= pixels[:-1].reshape(height - 1, channels * width)
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, COLOR_TYPE[channels], 0, 0, 0)),
        (b"IDAT", zlib.compress(rows, PNG_EFFORT)),
        (b"IEND", b""),
    )
    with path.open("wb") as file:
        file.write(PNG_START)
        for kind, data in chunks:
            file.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)))


def write_jpeg(path: Path, pixels: Bytes, quality: int) -> None:
    """Write (h, w, 3) sRGB bytes, top row first; `quality` is 1 to 100. Of a fourth channel nothing is kept."""
    height, width = pixels.shape[:2]
    values = np.ones((height, width, 4), np.float32)
    np.divide(pixels[::-1, :, :3], np.float32(255), out=values[..., :3])
    image = bpy.data.images.new(path.stem, width, height, alpha=False)
    image.pixels.foreach_set(values.ravel())
    image.file_format = "JPEG"
    image.save(filepath=str(path), quality=quality)
    bpy.data.images.remove(image)
