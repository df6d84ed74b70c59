# SPDX-License-Identifier: GPL-3.0-or-later
"""How large the pictures of HEIC, AVIF and JPEG 2000 files are, which are made of boxes. Decodes nothing, and follows
no more boxes than `BOXES_AT_MOST`.

Sources: ISO/IEC 14496-12, 4.2 (boxes); ISO/IEC 23008-12, 6.5.3 (ispe); ITU T.800, A.5.1 (SIZ) and I.5.3.1 (ihdr).
How such a picture is turned (irot, imir, EXIF) is not told: Blender's decoder does that itself.
"""

import os
import struct
from collections.abc import Iterator
from typing import BinaryIO

BOXES_AT_MOST = 10_000  # a picture of 100 megapixels in tiles has some hundreds
CODESTREAM = b"\xff\x4f\xff\x51"
"""SOC and SIZ, with which the codestream of a JPEG 2000 begins."""

INSIDE = {b"meta": 4, b"iprp": 0, b"ipco": 0, b"jp2h": 0}
"""The boxes on the way to a size, and how many bytes stand in them before their own boxes."""


def size_in_boxes(stream: BinaryIO) -> tuple[int, int] | None:
    """Return the width and height in pixels of the largest picture in a file of boxes, or of a bare codestream.

    The largest: a photograph may be laid out of tiles, each with a size of its own. Raises `struct.error`.
    """
    stream.seek(0)
    if stream.read(4) == CODESTREAM:
        return _codestream_size(stream)
    sizes = []
    for kind, start, _ in boxes(stream):
        stream.seek(start)
        if kind == b"ispe":
            sizes.append(struct.unpack(">4xII", stream.read(12)))
        elif kind == b"ihdr":
            height, width = struct.unpack(">II", stream.read(8))
            sizes.append((width, height))
    return max(sizes, key=lambda size: size[0] * size[1], default=None)


def boxes(stream: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and end of the content of each box of the file, and of those in the boxes `INSIDE`. The end of one
    that is cut off lies behind the file's."""
    last = stream.seek(0, os.SEEK_END)
    left = [(0, last)]
    number = 0
    while left and number < BOXES_AT_MOST:
        number += 1
        place, end = left.pop()
        stream.seek(place)
        head = stream.read(16)
        if end - place < 8 or len(head) < 8:
            continue
        length, start = int.from_bytes(head[:4], "big"), place + 8
        if length == 1 and len(head) == 16:
            length, start = int.from_bytes(head[8:], "big"), place + 16
        elif length == 0:  # up to the end of the file
            length = end - place
        if length < start - place:
            continue
        kind = head[4:8]
        yield kind, start, place + length
        left.append((place + length, end))
        if kind in INSIDE:
            left.append((start + INSIDE[kind], min(place + length, end)))


def is_whole_in_boxes(stream: BinaryIO) -> bool:
    """Whether no box ends behind the file, and there is one with a picture's data (mdat, idat, or JPEG 2000's jp2c). A
    bare codestream tells nothing of its length."""
    stream.seek(0)
    if stream.read(4) == CODESTREAM:
        return True
    last = stream.seek(0, os.SEEK_END)
    kinds = set()
    for kind, _, end in boxes(stream):
        kinds.add(kind)
        if end > last:
            return False
    return bool(kinds & {b"mdat", b"jp2c", b"idat"})


def _codestream_size(stream: BinaryIO) -> tuple[int, int]:
    right, bottom, left, top = struct.unpack(">4xIIII", stream.read(20))
    return right - left, bottom - top
