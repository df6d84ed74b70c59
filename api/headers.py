# SPDX-License-Identifier: GPL-3.0-or-later
"""What the header of a picture file tells: its kind, its size, and how the camera was held. Decodes nothing.

Sources: PNG, 11.2.1 (IHDR is the first chunk); JPEG, ITU T.81, B.1.1 and B.2.2; EXIF 2.32, 4.6; WebP Container
Specification.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

PNG_START = b"\x89PNG\r\n\x1a\n"
JPEG_START = b"\xff\xd8\xff"

START_OF_SCAN = 0xDA
END_OF_IMAGE = 0xD9
EXIF_SEGMENT = 0xE1
NO_FRAMES = (0xC4, 0xC8, 0xCC)
"""Markers of a JPEG between C0 and CF that begin no frame."""
ORIENTATION_TAG = 0x0112
SEARCHED_BYTES = 32 << 20
"""Of a JPEG. Color profiles (16 MB at most) and what cameras write stand before its frame."""


def kind_of(file: Path) -> str:
    """Return "PNG", "JPEG" or "WEBP" by the file's first bytes, "" for anything else. Its name does not count."""
    with file.open("rb") as stream:
        return kind_in(stream)


def kind_in(stream: BinaryIO) -> str:
    """`kind_of` what is read from its start on. The stream stands at its start again afterwards."""
    stream.seek(0)
    start = stream.read(12)
    stream.seek(0)
    if start.startswith(PNG_START):
        return "PNG"
    if start.startswith(JPEG_START):
        return "JPEG"
    return "WEBP" if start.startswith(b"RIFF") and start[8:] == b"WEBP" else ""


def size_of(file: Path) -> tuple[int, int] | None:
    """Return the width and height in pixels of a PNG, JPEG or WebP; None for anything else, and for what is cut off."""
    with file.open("rb") as stream:
        return size_in(stream)


def size_in(stream: BinaryIO) -> tuple[int, int] | None:
    """`size_of` what is read from its start on."""
    read = {"PNG": _png_size, "JPEG": _jpeg_size, "WEBP": _webp_size}.get(kind_in(stream))
    try:
        return read(stream) if read else None
    except struct.error:
        return None


def orientation_of(file: Path) -> int:
    """Return the EXIF orientation (1 to 8) of a JPEG, 1 for all others and where none is told."""
    if kind_of(file) != "JPEG":
        return 1
    with file.open("rb") as stream:
        exif = next((segment for marker, segment in _jpeg_segments(stream) if _is_exif(marker, segment)), None)
    return _orientation_in(exif[6:]) if exif else 1


def _png_size(stream: BinaryIO) -> tuple[int, int] | None:
    kind, width, height = struct.unpack(">12x4sII", stream.read(24))
    return (width, height) if kind == b"IHDR" else None


def _jpeg_size(stream: BinaryIO) -> tuple[int, int] | None:
    for marker, segment in _jpeg_segments(stream):
        if 0xC0 <= marker <= 0xCF and marker not in NO_FRAMES:
            height, width = struct.unpack(">xHH", segment[:5])
            return width, height
    return None


def _webp_size(stream: BinaryIO) -> tuple[int, int] | None:
    head = stream.read(30)
    kind = head[12:16]
    if kind == b"VP8X" and len(head) == 30:
        return 1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little")
    if kind == b"VP8L" and len(head) >= 25:
        bits = int.from_bytes(head[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 ":
        width, height = struct.unpack("<26xHH", head)
        return width & 0x3FFF, height & 0x3FFF
    return None


def _jpeg_segments(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Marker and content of each segment of a JPEG before the compressed data. One that is cut off is the last."""
    stream.seek(2)
    while stream.tell() < SEARCHED_BYTES:
        head = stream.read(2)
        while head == b"\xff\xff":  # fill bytes may come before a marker
            head = head[1:] + stream.read(1)
        length = int.from_bytes(stream.read(2), "big")
        if len(head) < 2 or head[0] != 0xFF or head[1] in (START_OF_SCAN, END_OF_IMAGE) or length < 2:
            return
        yield head[1], stream.read(length - 2)


def _is_exif(marker: int, segment: bytes) -> bool:
    return marker == EXIF_SEGMENT and segment.startswith(b"Exif\0\0")


def _orientation_in(tiff: bytes) -> int:
    order = "<" if tiff[:2] == b"II" else ">"
    try:
        (start,) = struct.unpack_from(order + "I", tiff, 4)
        (count,) = struct.unpack_from(order + "H", tiff, start)
        for number in range(count):
            tag, _, _, value = struct.unpack_from(order + "HHIH", tiff, start + 2 + 12 * number)
            if tag == ORIENTATION_TAG:
                return value if 1 <= value <= 8 else 1
    except struct.error:  # cut off
        pass
    return 1
