# SPDX-License-Identifier: GPL-3.0-or-later
"""What the bytes of an image tell without being decoded: its size, whether it may be transparent, whether it is whole.

Never imports bpy, and never asks for more memory than the bytes take. Sources: PNG, 5 and 11.2; JPEG, ITU T.81, B.2.2;
WebP Container Specification and WebP Lossless Bitstream, 3.
"""

import io
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from ..api.headers import kind_in, size_in

PNG_WITH_ALPHA = (4, 6)  # colour types (PNG, 11.2.1)
PLAIN_FRAMES = (0xC0, 0xC1, 0xC2)  # a JPEG's markers of the frames that every decoder knows
BYTE_PIXEL, FLOAT_PIXEL = 4, 16  # bytes of a decoded pixel in Blender: what has 16 bits a channel becomes floats
HEADERS_BYTES = 33  # no file is shorter; what is looked at by its place stands before
TRIED_BYTES = 1 << 10  # of a PNG's pixels are inflated: what is no zlib stream shows at once
JPEG_END = 1 << 16  # bytes at the end of a JPEG among which its last marker stands, before what a camera appends


class Told(NamedTuple):
    """What the bytes tell of themselves."""

    width: int  # pixels; 0 where they do not tell
    height: int
    decoded_bytes: int  # in Blender, at most
    may_be_transparent: bool

    @property
    def pixels(self) -> int:
        return self.width * self.height


def told_by(content: bytes) -> Told:
    """Look at the header of a PNG, JPEG or WebP; of anything else nothing is told."""
    stream = io.BytesIO(content)
    width, height = size_in(stream) or (0, 0)
    kind = kind_in(stream)
    pixels = width * height
    if not pixels or len(content) < HEADERS_BYTES:
        return Told(0, 0, 0, True)
    if kind == "PNG":
        is_deep, is_interlaced = content[24] > 8, content[28] != 0
        size = pixels * (FLOAT_PIXEL if is_deep else BYTE_PIXEL) * (2 if is_interlaced else 1)
        return Told(width, height, size, _png_may_be_transparent(content))
    if kind == "JPEG":
        return Told(width, height, pixels * BYTE_PIXEL, False)
    return Told(width, height, pixels * BYTE_PIXEL * 2, _webp_may_be_transparent(content))


def is_whole(content: bytes) -> bool:
    """Whether the bytes of a PNG, JPEG or WebP are plainly whole; where this is False, only decoding tells. Reads all
    of them, unlike `told_by`."""
    if not told_by(content).pixels:
        return False
    looks = {"PNG": _is_whole_png, "JPEG": _is_whole_jpeg, "WEBP": _is_whole_webp}
    return looks[kind_in(io.BytesIO(content))](content)


def _png_chunks(content: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and end of the data of each chunk that is there with its checksum."""
    place = 8
    while place + 12 <= len(content):
        length = int.from_bytes(content[place : place + 4], "big")
        end = place + 8 + length
        if end + 4 > len(content):
            return
        yield content[place + 4 : place + 8], place + 8, end
        place = end + 4


def _png_may_be_transparent(content: bytes) -> bool:
    if content[25] in PNG_WITH_ALPHA:
        return True
    for kind, _, _ in _png_chunks(content):
        if kind in (b"tRNS", b"IDAT"):  # the one stands before the other
            return kind == b"tRNS"
    return True


def _is_whole_png(content: bytes) -> bool:
    """Whether all chunks are there and unchanged, and the pixels begin as they must."""
    view = memoryview(content)
    has_pixels = False
    for kind, start, end in _png_chunks(content):
        if zlib.crc32(view[start - 4 : end]) != int.from_bytes(content[end : end + 4], "big"):
            return False
        if kind == b"IDAT" and not has_pixels:
            try:
                has_pixels = bool(zlib.decompressobj().decompress(view[start : min(end, start + TRIED_BYTES)]))
            except zlib.error:
                return False
        if kind == b"IEND":
            return has_pixels
    return False


def _is_whole_jpeg(content: bytes) -> bool:
    """Whether it is of a kind that every decoder knows, and its end is marked."""
    place = 2
    while place + 4 < len(content) and content[place] == 0xFF:
        marker = content[place + 1]
        if marker == 0xFF:  # a fill byte
            place += 1
            continue
        if marker in PLAIN_FRAMES:
            end = content.rfind(b"\xff\xd9", max(place, len(content) - JPEG_END))
            return content[place + 4] == 8 and end >= 0  # 8 bits a channel
        place += 2 + int.from_bytes(content[place + 2 : place + 4], "big")
    return False


def _webp_may_be_transparent(content: bytes) -> bool:
    kind = content[12:16]
    if kind == b"VP8X":
        return bool(content[20] & 0x10)
    return kind != b"VP8 " and bool(content[24] & 0x10)


def _is_whole_webp(content: bytes) -> bool:
    """Whether it is as long as it says, and a plain picture. What has more chunks is left to the decoder."""
    return content[12:16] in (b"VP8 ", b"VP8L") and 8 + int.from_bytes(content[4:8], "little") <= len(content)
