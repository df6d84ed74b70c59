# SPDX-License-Identifier: GPL-3.0-or-later
"""How large the pictures of GIF, BMP, PSD, TGA, DDS, HDR and OpenEXR files are by their headers. Decodes nothing.

Sources: GIF89a, 18; BITMAPINFOHEADER and BITMAPCOREHEADER; Adobe's Photoshop File Formats; Truevision TGA 2.0;
DDS_HEADER; Radiance's file formats; "OpenEXR File Layout".
"""

import re
import struct
from typing import BinaryIO

TEXT_BYTES = 1 << 16  # of the header of an HDR, and of an OpenEXR
HDR_SIZE = re.compile(rb"\n([-+])([XY]) (\d{1,9}) ([-+])([XY]) (\d{1,9})\n")
"""The line of an HDR that ends its header. The rows come first where Y does."""


def gif_size(stream: BinaryIO) -> tuple[int, int]:
    """The size of the screen that all frames lie on."""
    width, height = struct.unpack("<6xHH", stream.read(10))
    return width, height


def bmp_size(stream: BinaryIO) -> tuple[int, int]:
    """A negative height says that the first row comes first."""
    head = stream.read(26)
    if head[14:15] == b"\x0c":
        width, height = struct.unpack_from("<HH", head, 18)
        return width, height
    width, height = struct.unpack_from("<ii", head, 18)
    return abs(width), abs(height)


def psd_size(stream: BinaryIO) -> tuple[int, int]:
    """The size of the canvas."""
    height, width = struct.unpack(">14xII", stream.read(22))
    return width, height


def tga_size(stream: BinaryIO) -> tuple[int, int]:
    """Nothing says that it is one: whoever asks knows."""
    width, height = struct.unpack("<12xHH", stream.read(16))
    return width, height


def dds_size(stream: BinaryIO) -> tuple[int, int]:
    """The size of the largest level."""
    height, width = struct.unpack("<12xII", stream.read(20))
    return width, height


def hdr_size(stream: BinaryIO) -> tuple[int, int] | None:
    """The size in the header's last line."""
    found = HDR_SIZE.search(stream.read(TEXT_BYTES))
    if not found:
        return None
    first, second = int(found[3]), int(found[6])
    return (second, first) if found[2] == b"Y" else (first, second)


def exr_size(stream: BinaryIO) -> tuple[int, int] | None:
    """The size of the first part's data window."""
    head = stream.read(TEXT_BYTES)
    start = head.find(b"dataWindow\0box2i\0\x10\0\0\0")
    if start < 0:
        return None
    left, top, right, bottom = struct.unpack_from("<iiii", head, start + 21)
    return right - left + 1, bottom - top + 1
