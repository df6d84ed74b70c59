# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether BMP, PSD, DDS, SGI and TIFF files, and those of boxes, are as long as their headers say. Decodes nothing.

Blender (4.2 to 5.2) opens none of the others where they are cut off, but a PSD, a DDS, a TIFF that is not packed and,
up to 4.5, an SGI file as if nothing were missing. Sources: BITMAPINFOHEADER; Adobe's Photoshop File Formats;
DDS_HEADER; "The SGI Image File Format".
"""

import os
import struct
from typing import BinaryIO

from . import boxes, tiff

ROWS_AT_MOST = 1 << 22  # of all channels of a PSD or SGI file together, whose lengths are added up
BLOCK_BYTES = {b"DXT1": 8, b"DXT2": 16, b"DXT3": 16, b"DXT4": 16, b"DXT5": 16}
"""Of four by four pixels of a compressed DDS."""


def is_cut_off(stream: BinaryIO, kind: str) -> bool:
    """Whether the file, which is of that `kind` (see `kinds.kind_of`), plainly lacks something that its header tells
    of. False for kinds that are not known here."""
    last = stream.seek(0, os.SEEK_END)
    if kind == "TIFF":
        return not tiff.is_whole_tiff(stream)
    if kind in ("HEIC", "AVIF", "JP2"):
        return not boxes.is_whole_in_boxes(stream)
    needed = {"BMP": _bmp_bytes, "PSD": _psd_bytes, "DDS": _dds_bytes, "SGI": _sgi_bytes}.get(kind)
    stream.seek(0)
    try:
        return needed is not None and needed(stream) > last
    except struct.error:  # not even the header is there
        return True


def _bmp_bytes(stream: BinaryIO) -> int:
    head = stream.read(34)
    (start,) = struct.unpack_from("<I", head, 10)
    if head[14] == 12:
        return int(start)
    width, height, bits, packing = struct.unpack_from("<iixxHI", head, 18)
    return int(start) + (abs(width) * bits + 31) // 32 * 4 * abs(height) if packing in (0, 3) else int(start)


def _psd_bytes(stream: BinaryIO) -> int:
    version, channels, height, width, depth = struct.unpack(">4xH6xHIIH", stream.read(24))
    wide = version == 2  # a PSB, whose lengths have twice the bytes
    place = 26
    for length in ("I", "I", "Q" if wide else "I"):  # colours, resources, layers
        stream.seek(place)
        (skipped,) = struct.unpack(">" + length, stream.read(struct.calcsize(">" + length)))
        place += struct.calcsize(">" + length) + skipped
    stream.seek(place)
    (packing,) = struct.unpack(">H", stream.read(2))
    rows = channels * height
    if packing == 0:
        return place + 2 + int(rows * ((width * depth + 7) // 8))
    if packing != 1 or rows > ROWS_AT_MOST:
        return place + 2
    form = f">{rows}{'I' if wide else 'H'}"
    lengths = struct.unpack(form, stream.read(struct.calcsize(form)))
    return place + 2 + struct.calcsize(form) + int(sum(lengths))


def _dds_bytes(stream: BinaryIO) -> int:
    height, width = struct.unpack_from("<II", head := stream.read(128), 12)
    name, bits = head[84:88], struct.unpack_from("<I", head, 88)[0]
    if name in BLOCK_BYTES:
        return 128 + int((width + 3) // 4 * ((height + 3) // 4)) * BLOCK_BYTES[name]
    return 128 + int(width * bits // 8 * height) if name == bytes(4) else 128


def _sgi_bytes(stream: BinaryIO) -> int:
    packed, size, dimension, width, height, channels = struct.unpack(">2xBBHHHH", stream.read(12))
    rows = (height if dimension > 1 else 1) * (channels if dimension > 2 else 1)
    if not packed:
        return 512 + int(rows * width * size)
    if rows > ROWS_AT_MOST:
        return 512
    stream.seek(512)
    table = struct.unpack(f">{2 * rows}I", stream.read(8 * rows))
    return max((start + length for start, length in zip(table[:rows], table[rows:], strict=True)), default=512)
