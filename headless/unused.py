# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the fourth channel of a file is one that nobody meant as transparency. Reads headers alone; never a pixel.

Blender (4.2 to 5.2) takes it for alpha in every case. Programs that fill four bytes a pixel and know of no transparency
leave zeros there, and what they write would show nothing. Sources: BITMAPINFOHEADER ("the high byte is not used");
Truevision TGA 2.0, field 5.6; TIFF 6.0, ExtraSamples.
"""

from pathlib import Path

from ..api.headers import kind_of
from ..api.tiff import entries

EXTRA_SAMPLES = 0x0152
UNSPECIFIED = 0  # a TIFF's word for a channel that is no transparency
TGA_ATTRIBUTE_BITS = 0x0F  # of the image descriptor: how many bits of a pixel are transparency
TGA_DESCRIPTOR = 17  # where that stands


def may_be_unused(path: Path) -> bool:
    """Whether a fourth channel of zeros alone says nothing in this file. Raises `OSError`."""
    kind = kind_of(path)
    with path.open("rb") as stream:
        if kind == "TGA":
            head = stream.read(TGA_DESCRIPTOR + 1)
            return len(head) > TGA_DESCRIPTOR and not head[TGA_DESCRIPTOR] & TGA_ATTRIBUTE_BITS
        if kind == "TIFF":
            return any(values[0] == UNSPECIFIED for _, values in entries(stream, EXTRA_SAMPLES))
    return kind == "BMP"
