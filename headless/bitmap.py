# SPDX-License-Identifier: GPL-3.0-or-later
"""Bitmaps (BMP) whose channels stand in an order that Blender (4.2 to 5.2) does not heed: it swaps their colours in
silence. Reads the header alone.

Source: BITMAPINFOHEADER and BITMAPV4HEADER (biCompression BI_BITFIELDS, and the masks behind it).
"""

import struct
from pathlib import Path

BITFIELDS = (3, 6)  # without and with a mask of the transparency
USUAL_MASKS = (0xFF0000, 0xFF00, 0xFF)
MASKS = 54  # where they stand, in every header that has them


def is_misread(path: Path) -> bool:
    """Whether the file is a bitmap of four bytes a pixel in another order than blue, green, red. Raises `OSError`."""
    with path.open("rb") as stream:
        head = stream.read(MASKS + 12)
    if len(head) < MASKS + 12 or not head.startswith(b"BM"):
        return False
    size, bits, packing = struct.unpack_from("<I10xHI", head, 14)
    return size >= 40 and bits == 32 and packing in BITFIELDS and struct.unpack_from("<3I", head, MASKS) != USUAL_MASKS
