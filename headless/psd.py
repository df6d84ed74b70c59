# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender (4.2 to 5.2) leaves out of a Photoshop file, and what it misreads: the transparency of the whole
picture, and the sort of its colours. Reads only these; never the layers. Numpy only.

Source: Adobe Photoshop File Formats Specification, November 2019.
"""

import struct
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from .pixels import Bytes

COLOURS = {1: 1, 3: 3}
"""How many channels stand before the transparency, by the mode: grey and RGB."""
MISREAD = (2, 7)
"""Modes of which Blender (4.2 to 5.2) makes other colours in silence: a palette, and inks (multichannel)."""
DISPLAYED_BITS = 16
"""Bits a channel of which Blender (4.2 to 5.2) makes floats as they stand there, as for a display, and takes them for
light. Those of 32 bits are light."""
MOST_ROW_BYTES = 1 << 16  # of a packed row: the numbers that tell it have no more


class UnreadableTransparency(Exception):
    """There is transparency, and it is stored in a manner that is not known here, or damaged."""


class Sort(NamedTuple):
    """What a Photoshop file's header says of its channels."""

    mode: int
    depth: int  # bits a channel


def sort_of(path: Path) -> Sort | None:
    """Return the sort of a Photoshop file, None for every other file. Raises `OSError`."""
    with path.open("rb") as stream:
        head = stream.read(26)
    if len(head) < 26 or not head.startswith(b"8BPS"):
        return None
    depth, mode = struct.unpack(">HH", head[22:])
    return Sort(mode, depth)


def alpha_of(path: Path) -> Bytes | None:
    """The transparency (h, w), first row first; None where the picture has none, as it is the case for every other
    kind of file, and where what is stored beside the colours is a selection.

    Raises `UnreadableTransparency`, `OSError`.
    """
    with path.open("rb") as stream:
        head = stream.read(26)
        if len(head) < 26 or head[:6] not in (b"8BPS\0\1", b"8BPS\0\2"):
            return None
        is_large = head[5] == 2  # a "PSB", some of whose lengths have twice the bytes
        channels, height, width, depth, mode = struct.unpack(">HIIHH", head[12:])
        if mode not in COLOURS or channels <= COLOURS[mode]:
            return None
        try:
            if not _is_transparency(stream, is_large):
                return None
            return _channel(stream, COLOURS[mode], channels, (height, width), depth, is_large)
        except (struct.error, ValueError, IndexError):
            raise UnreadableTransparency from None


def _is_transparency(stream: BinaryIO, is_large: bool) -> bool:
    """Whether the first channel behind the colours is the transparency. Leaves the stream at the whole picture.

    The number of layers is negative then. Where there are none at all, programs that know no selections (ImageMagick)
    have written the file.
    """
    for _ in range(2):  # the palette, and the resources
        stream.seek(struct.unpack(">I", stream.read(4))[0], 1)
    wide = "Q" if is_large else "I"
    (length,) = struct.unpack(">" + wide, stream.read(struct.calcsize(">" + wide)))
    start = stream.tell()
    is_it = True
    if length >= struct.calcsize(f">{wide}h"):
        size, layers = struct.unpack(f">{wide}h", stream.read(struct.calcsize(f">{wide}h")))
        is_it = not size or layers < 0
    stream.seek(start + length)
    return is_it


def _channel(stream: BinaryIO, number: int, channels: int, shape: tuple[int, int], depth: int, is_large: bool) -> Bytes:
    """The channel of that number, of 8 or 16 bits, stored as it is or row by row in packed bits."""
    height, width = shape
    if depth not in (8, 16):
        raise ValueError
    row_bytes = width * depth // 8
    (packing,) = struct.unpack(">H", stream.read(2))
    if packing == 0:
        stream.seek(number * height * row_bytes, 1)
        values = np.frombuffer(stream.read(height * row_bytes), np.uint8).reshape(height, row_bytes)
    elif packing == 1:
        one = np.dtype(">u4" if is_large else ">u2")
        stored = np.frombuffer(stream.read(one.itemsize * channels * height), one)
        lengths = stored.reshape(channels, height).astype(np.int64)
        stream.seek(int(lengths[:number].sum()), 1)
        values = np.empty((height, row_bytes), np.uint8)
        for row, length in zip(values, lengths[number], strict=True):
            row[:] = np.frombuffer(_unpacked(stream.read(int(length)), row_bytes), np.uint8)
    else:
        raise ValueError
    return np.ascontiguousarray(values[:, :: depth // 8])  # the upper half of 16 bits


def _unpacked(packed: bytes, length: int) -> bytes:
    """A row from its packed bits (Apple's PackBits), `length` bytes. Raises `ValueError`, `IndexError`."""
    row = bytearray()
    place = 0
    while len(row) < length:
        head = packed[place]
        if head < 128:
            row += packed[place + 1 : place + 2 + head]
            place += 2 + head
        else:  # 128 stands for nothing
            row += packed[place + 1 : place + 2] * (257 - head) if head > 128 else b""
            place += 1 + (head > 128)
    if len(row) != length:
        raise ValueError
    return bytes(row)
