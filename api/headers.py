# SPDX-License-Identifier: GPL-3.0-or-later
"""What the header of a picture file tells: its kind, its size, and how the camera was held. Decodes nothing.

What only some kinds need is in `boxes.py`, `fixed.py` and `tiff.py`; what a file is, in `kinds.py`. Sources: PNG,
11.2.1 (IHDR is the first chunk) and 11.3.4.6 (eXIf); JPEG, ITU T.81, B.1.1 and B.2.2; EXIF 2.32, 4.6; WebP Container
Specification.
"""

import binascii
import os
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from . import boxes, fixed, tiff
from .kinds import kind_of as kind_of

PNG_START = b"\x89PNG\r\n\x1a\n"
JPEG_START = b"\xff\xd8\xff"

START_OF_SCAN = 0xDA
END_OF_IMAGE = 0xD9
EXIF_SEGMENT = 0xE1
NO_FRAMES = (0xC4, 0xC8, 0xCC)
"""Markers of a JPEG between C0 and CF that begin no frame."""
SEARCHED_BYTES = 32 << 20
"""Of a JPEG. Color profiles (16 MB at most) and what cameras write stand before its frame."""
CHUNKS_AT_MOST = 200_000
"""Of a PNG: one of 512 MB has 65,000 where each holds 8 KB, as is usual."""
EXIF_BYTES = 1 << 20
"""Of EXIF that is looked at: in a JPEG it has 64 KB at most, and the first directory stands at its beginning."""
RAW_PROFILE = b"Raw profile type exif\0"
"""The keyword under which ImageMagick writes EXIF into a PNG's texts, in hexadecimal."""


def kind_in(stream: BinaryIO) -> str:
    """Return "PNG", "JPEG" or "WEBP", the kinds that a model may hold, by what is read from the stream's start on; ""
    for anything else. The stream stands at its start again afterwards."""
    stream.seek(0)
    start = stream.read(12)
    stream.seek(0)
    if start.startswith(PNG_START):
        return "PNG"
    if start.startswith(JPEG_START):
        return "JPEG"
    return "WEBP" if start.startswith(b"RIFF") and start[8:] == b"WEBP" else ""


def size_of(file: Path) -> tuple[int, int] | None:
    """Return the width and height in pixels of a picture file, before it is turned upright; None where its header does
    not tell, and for what is cut off.

    Where a file holds several pictures, it is the largest for HEIC and AVIF, else the first. A stranger's word: what is
    decoded is looked at again.
    """
    kind = kind_of(file)
    with file.open("rb") as stream:
        return _size(stream, SIZES.get(kind))


def size_in(stream: BinaryIO) -> tuple[int, int] | None:
    """`size_of` what is read from its start on, for the kinds that `kind_in` knows."""
    return _size(stream, SIZES.get(kind_in(stream)))


def _size(stream: BinaryIO, read: "Callable[[BinaryIO], tuple[int, int] | None] | None") -> tuple[int, int] | None:
    stream.seek(0)
    try:
        size = read(stream) if read else None
    except struct.error:
        return None
    return size if size and min(size) > 0 else None


def orientation_of(file: Path) -> int:
    """Return the orientation (1 to 8, as EXIF counts) in which Blender opens the file: what is left to do after it.

    Blender (4.2 to 5.2) turns no JPEG, PNG, WebP and TIFF, whatever their EXIF says. HEIC and AVIF, where it opens
    them, come turned. 1 where nothing is told.
    """
    kind = kind_of(file)
    with file.open("rb") as stream:
        if kind == "TIFF":
            return tiff.orientation_of_tiff(stream)
        find = {"JPEG": _jpeg_exif, "PNG": _png_exif, "WEBP": _webp_exif}.get(kind)
        exif = find(stream) if find else b""
    return tiff.orientation_in(exif)


def _jpeg_exif(stream: BinaryIO) -> bytes:
    """The first EXIF of a JPEG; XMP may stand before it, in a segment of the same kind."""
    segments = _jpeg_segments(stream)
    return next((segment for marker, segment in segments if _is_exif(marker, segment)), b"")


def png_chunks(stream: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and length of the data of each chunk of a PNG, as they are told. One that is cut off is the last."""
    place = len(PNG_START)
    for _ in range(CHUNKS_AT_MOST):
        stream.seek(place)
        head = stream.read(8)
        if len(head) < 8:
            return
        length = int.from_bytes(head[:4], "big")
        yield head[4:], place + 8, length
        if head[4:] == b"IEND":
            return
        place += 12 + length


def _png_exif(stream: BinaryIO) -> bytes:
    """The EXIF of a PNG, wherever it stands: as its own chunk, or as a text of ImageMagick's."""
    profile: bytes | None = None  # the first alone: a stranger could have thousands unpacked
    for kind, start, length in png_chunks(stream):
        if kind not in (b"eXIf", b"tEXt", b"zTXt"):
            continue
        stream.seek(start)
        content = stream.read(min(length, EXIF_BYTES))
        if kind == b"eXIf":
            return content
        if profile is None and content.startswith(RAW_PROFILE):
            profile = _raw_profile(content[len(RAW_PROFILE) :], is_packed=kind == b"zTXt")
    return profile or b""


def _raw_profile(text: bytes, *, is_packed: bool) -> bytes:
    """What ImageMagick wrote: a name, a length, and bytes in hexadecimal, each on lines of their own."""
    try:
        if is_packed:
            text = zlib.decompressobj().decompress(text[1:], 2 * EXIF_BYTES)
        digits = b"".join(text.split()[2:])
        return binascii.unhexlify(digits[: len(digits) // 2 * 2])
    except (zlib.error, binascii.Error):
        return b""


def webp_chunks(stream: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and length of the data of each chunk of a WebP, as they are told."""
    last = stream.seek(0, os.SEEK_END)
    place = 12
    for _ in range(CHUNKS_AT_MOST):
        stream.seek(place)
        head = stream.read(8)
        if len(head) < 8 or place >= last:
            return
        length = int.from_bytes(head[4:], "little")
        yield head[:4], place + 8, length
        place += 8 + length + length % 2  # chunks begin at even places


def _webp_exif(stream: BinaryIO) -> bytes:
    for kind, start, length in webp_chunks(stream):
        if kind == b"EXIF":
            stream.seek(start)
            return stream.read(min(length, EXIF_BYTES))
    return b""


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
        if head == b"\xff\xff":
            head = b"\xff" + _behind_filling(stream)
        length = int.from_bytes(stream.read(2), "big")
        if len(head) < 2 or head[0] != 0xFF or head[1] in (START_OF_SCAN, END_OF_IMAGE) or length < 2:
            return
        yield head[1], stream.read(length - 2)


def _behind_filling(stream: BinaryIO) -> bytes:
    """The code of a marker, before which any number of bytes FF may stand."""
    while stream.tell() < SEARCHED_BYTES and (piece := stream.read(1 << 12)):
        if rest := piece.lstrip(b"\xff"):
            stream.seek(1 - len(rest), os.SEEK_CUR)
            return rest[:1]
    return b""


def _is_exif(marker: int, segment: bytes) -> bool:
    return marker == EXIF_SEGMENT and segment.startswith(b"Exif\0\0")


SIZES: dict[str, Callable[[BinaryIO], tuple[int, int] | None]] = {
    "PNG": _png_size,
    "JPEG": _jpeg_size,
    "WEBP": _webp_size,
    "GIF": fixed.gif_size,
    "BMP": fixed.bmp_size,
    "PSD": fixed.psd_size,
    "TGA": fixed.tga_size,
    "DDS": fixed.dds_size,
    "HDR": fixed.hdr_size,
    "EXR": fixed.exr_size,
    "TIFF": tiff.tiff_size,
    "HEIC": boxes.size_in_boxes,
    "AVIF": boxes.size_in_boxes,
    "JP2": boxes.size_in_boxes,
}
"""How the size is read, by kind. Each begins where the stream stands, at its start."""
