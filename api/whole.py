# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a picture file is whole. Judges how the file is built, and decodes nothing.

What is cut off is decoded by some to a part of the picture, by others to nothing: it is to be said before anything is
sent. PNG, JPEG and WebP are followed to their end; of the others only those that Blender opens as if nothing were
missing (`complete.py`). A GIF is decoded later, and then its faults are found (`gif.py`).
"""

import os
import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from .complete import is_cut_off
from .errors import PictureError
from .headers import END_OF_IMAGE, NO_FRAMES, PNG_START, START_OF_SCAN
from .kinds import kind_of

PIECE_BYTES = 1 << 20  # of a file or of inflated pixels at a time
SEARCHED_BYTES = 1 << 16  # of a JPEG at a time: most of its markers stand close together

INFLATED_AT_MOST = 1 << 30  # bytes; what is more is too large for the background Blender, which says so

CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""A PNG's samples a pixel by its colour type (PNG, 11.2.1)."""
PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""Where the passes of an interlaced PNG begin (x, y), and their steps (PNG, 8.2)."""

JPEG_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd8\xff]")
"""A marker that ends the file or has a segment after it (ITU T.81, B.1.1). The others stand in the middle of the
compressed data."""

WEBP_IS_ANIMATED = 0x02  # among the flags of the chunk VP8X
FRAME_HEAD_BYTES = 16  # of an ANMF, before the chunks of its picture
PROGRESSIVE = (0xC2, 0xC6, 0xCA, 0xCE)
"""Markers of the frames of a JPEG that comes as a whole again and again, each time finer."""

DAMAGED = "{called} is cut off or damaged: open it and save it anew, or choose another."
CUT_OFF = "{called} is cut off, so {lost}: get the whole file if the model should have it."


def check(file: Path, called: str, check_cancelled: Callable[[], None]) -> None:
    """Raise `PictureError` where `file`, which the user knows as `called`, is a picture that is cut off or damaged.

    `check_cancelled` is called now and then, and may raise.
    """
    if not _is_whole(file, kind_of(file), check_cancelled):
        raise PictureError(DAMAGED.format(called=called))


def check_for_part(file: Path, called: str, check_cancelled: Callable[[], None]) -> str:
    """The same for whoever takes what is there of a JPEG that is cut off behind the beginning of its pixels: return a
    note about that, "" for what is whole."""
    kind = kind_of(file)
    if _is_whole(file, kind, check_cancelled):
        return ""
    if kind == "JPEG":
        with file.open("rb") as stream:
            frame = _frame_with_pixels(stream, check_cancelled)
        if frame:
            lost = "some of it is missing" if frame in PROGRESSIVE else "its lower part is missing"
            return CUT_OFF.format(called=called, lost=lost)
    raise PictureError(DAMAGED.format(called=called))


def _is_whole(file: Path, kind: str, check_cancelled: Callable[[], None]) -> bool:
    with file.open("rb") as stream:
        if kind == "PNG":
            return _is_whole_png(stream, check_cancelled)
        if kind == "JPEG":
            return _is_whole_jpeg(stream, check_cancelled)
        if kind == "WEBP":
            return _is_whole_webp(stream)
        return kind not in ("PSD", "DDS", "SGI", "TIFF") or not is_cut_off(stream, kind)


def _is_whole_png(stream: BinaryIO, check_cancelled: Callable[[], None]) -> bool:
    """Whether all chunks are there up to the last, none of them was changed, and the pixels in them are complete."""
    stream.seek(len(PNG_START))
    inflater, left = zlib.decompressobj(), 0  # bytes of pixels that are still to come
    is_first = True
    while len(head := stream.read(8)) == 8:
        check_cancelled()
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        if is_first:
            if head != b"\0\0\0\x0dIHDR":
                return False
            left = _pixel_bytes(stream.read(length))
            if not left:
                return False
            if left > INFLATED_AT_MOST:
                left = 0
            stream.seek(-length, os.SEEK_CUR)
            is_first = False
        checksum = zlib.crc32(kind)
        for piece in _pieces(stream, length):
            check_cancelled()
            length -= len(piece)
            checksum = zlib.crc32(piece, checksum)
            if kind == b"IDAT" and left > 0:
                try:
                    left -= _inflated_bytes(inflater, piece, left)
                except zlib.error:
                    return False
        if length or checksum.to_bytes(4, "big") != stream.read(4):
            return False
        if kind == b"IEND":
            return left <= 0
    return False


def _pieces(stream: BinaryIO, length: int) -> Iterator[bytes]:
    """The next `length` bytes, or as many as there are."""
    while length and (piece := stream.read(min(length, PIECE_BYTES))):
        length -= len(piece)
        yield piece


def _pixel_bytes(header: bytes) -> int:
    """How many bytes of pixels a PNG has by its header; 0 where there is no such PNG."""
    if len(header) < 13:
        return 0
    width, height = int.from_bytes(header[:4], "big"), int.from_bytes(header[4:8], "big")
    bits = CHANNELS.get(header[9], 0) * header[8]
    is_transient = PASSES if header[12] else ((0, 0, 1, 1),)
    sizes = [(-((x - width) // step_x), -((y - height) // step_y)) for x, y, step_x, step_y in is_transient]
    return sum(rows * (1 + -(-columns * bits // 8)) for columns, rows in sizes if columns > 0 and rows > 0 and bits)


def _inflated_bytes(inflater: "zlib._Decompress", piece: bytes, at_most: int) -> int:
    """How many bytes of pixels a piece of compressed ones holds; hardly more than `at_most` are counted. Keeps none."""
    number = 0
    while number < at_most and not inflater.eof:
        pixels = inflater.decompress(piece, PIECE_BYTES)
        number += len(pixels)
        piece = inflater.unconsumed_tail
        if len(pixels) < PIECE_BYTES:  # all that this piece has
            break
    return number


def _is_whole_jpeg(stream: BinaryIO, check_cancelled: Callable[[], None]) -> bool:
    """Whether the end is marked, behind compressed data. What a camera appends after it does not matter."""
    stream.seek(2)
    has_scan = False
    while (marker := _next_marker(stream, check_cancelled)) != END_OF_IMAGE:
        if marker is None:
            return False
        has_scan = has_scan or marker == START_OF_SCAN
        length = int.from_bytes(stream.read(2), "big")
        stream.seek(max(0, length - 2), os.SEEK_CUR)
    return has_scan


def _next_marker(stream: BinaryIO, check_cancelled: Callable[[], None]) -> int | None:
    """Read to behind the next marker and return it; None where there is no more."""
    last = b""  # a marker may lie across two pieces
    while piece := stream.read(SEARCHED_BYTES):
        check_cancelled()
        piece = last + piece
        if found := JPEG_MARKER.search(piece):
            stream.seek(found.end() - len(piece), os.SEEK_CUR)
            return piece[found.end() - 1]
        last = piece[-1:]
    return None


def _frame_with_pixels(stream: BinaryIO, check_cancelled: Callable[[], None]) -> int:
    """The marker of a JPEG's frame where some compressed data follows on it, else 0."""
    stream.seek(2)
    frame = 0
    while (marker := _next_marker(stream, check_cancelled)) not in (None, END_OF_IMAGE):
        if marker == START_OF_SCAN:
            length = int.from_bytes(stream.read(2), "big")
            return frame if len(stream.read(length)) == length else 0  # two bytes more than the segment has left
        if 0xC0 <= (marker or 0) <= 0xCF and marker not in NO_FRAMES:
            frame = marker or 0
        length = int.from_bytes(stream.read(2), "big")
        stream.seek(max(0, length - 2), os.SEEK_CUR)
    return 0


def _is_whole_webp(stream: BinaryIO) -> bool:
    """Whether the file is as long as it says, and has a picture that is, too; an animation, a frame with one (WebP
    Container Specification)."""
    length = stream.seek(0, os.SEEK_END)
    stream.seek(4)
    end = 8 + int.from_bytes(stream.read(4), "little")
    if end > length:
        return False
    stream.seek(12)
    has_picture = has_frame = is_animated = False
    while stream.tell() + 8 <= end:
        kind, length = stream.read(4), int.from_bytes(stream.read(4), "little")
        following = stream.tell() + length + length % 2  # chunks begin at even places
        if stream.tell() + length > end:
            return False
        if kind == b"ANIM" or (kind == b"VP8X" and length and stream.read(1)[0] & WEBP_IS_ANIMATED):
            is_animated = True
        elif kind == b"ANMF":
            has_frame = has_frame or _holds_picture(stream, length)
        has_picture = has_picture or kind in (b"VP8 ", b"VP8L")
        stream.seek(following)
    return has_frame if is_animated else has_picture or has_frame


def _holds_picture(stream: BinaryIO, length: int) -> bool:
    """Whether the frame of an animation that comes next, `length` bytes, has a picture that is whole."""
    place, end = stream.tell() + FRAME_HEAD_BYTES, stream.tell() + length
    for _ in range(8):  # ALPH, one of the two, and perhaps some that nobody knows yet
        stream.seek(place)
        head = stream.read(8)
        size = int.from_bytes(head[4:], "little")
        if place + 8 + size > end or len(head) < 8:
            return False
        if head[:4] in (b"VP8 ", b"VP8L"):
            return True
        place += 8 + size + size % 2
    return False
