# SPDX-License-Identifier: GPL-3.0-or-later
"""Decodes the first frame of a GIF, in plain Python. Writes nothing.

Blender reads GIFs as videos, by the ending of their name alone, and 4.5 and 5.2 open none of a single frame. Source:
GIF89a, W3C's copy; its appendix F for the compression.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from .errors import PictureError
from .whole import DAMAGED

MOST_PIXELS = 1 << 26  # 67 megapixels, which take a byte each here; the largest GIFs in use have two
CODES_AT_ONCE = 1 << 16  # between two looks at whether the picture is still wanted

EXTENSION, IMAGE, TRAILER = 0x21, 0x2C, 0x3B
GRAPHIC_CONTROL = 0xF9
HAS_TABLE, IS_INTERLACED, IS_TRANSPARENT = 0x80, 0x40, 0x01
CODE_BITS = 12  # of a code, at most
PASSES = ((0, 8), (4, 8), (2, 4), (1, 2))
"""Where the rows of an interlaced picture begin, and their steps (appendix E)."""


@dataclass(frozen=True)
class Frame:
    """The first frame: its size in pixels, 256 colours of three bytes, the number of the one that is transparent, its
    rows from the top, a byte a pixel, and how many frames the file has as far as they were counted."""

    width: int
    height: int
    palette: bytes
    transparent: int | None
    rows: list[bytes]
    frames: int


def first_frame(stream: BinaryIO, called: str, check_cancelled: Callable[[], None]) -> Frame:
    """Decode the first frame. `check_cancelled` is called now and then, and may raise. Raises `PictureError`, which
    calls the file `called`, where it is cut off, damaged or too large."""
    try:
        return _decoded(stream, called, check_cancelled)
    except (struct.error, IndexError, ValueError):
        raise PictureError(DAMAGED.format(called=called)) from None


def _decoded(stream: BinaryIO, called: str, check_cancelled: Callable[[], None]) -> Frame:
    stream.seek(0)
    flags = stream.read(13)[10]
    palette = _table(stream, flags)
    transparent: int | None = None
    while (introducer := stream.read(1)[0]) != IMAGE:
        check_cancelled()
        if introducer == TRAILER:
            raise ValueError("no frame")
        if introducer == EXTENSION:
            is_control = stream.read(1)[0] == GRAPHIC_CONTROL
            block = b""
            for number, content in enumerate(_blocks(stream)):
                block = content if number == 0 else block
            if is_control and len(block) == 4:
                transparent = block[3] if block[0] & IS_TRANSPARENT else None
    width, height, flags = struct.unpack("<4xHHB", stream.read(9))
    if not width * height:
        raise ValueError("no pixels")
    if width * height > MOST_PIXELS:
        raise PictureError(f"{called} is {width} x {height} pixels, too large for a GIF: save it as PNG or JPEG.")
    palette = _table(stream, flags) or palette
    pixels = _unpacked(stream, width * height, check_cancelled)
    order = range(height)
    if flags & IS_INTERLACED:
        places = [row for first, step in PASSES for row in range(first, height, step)]
        order_of = {row: number for number, row in enumerate(places)}
        numbers = [order_of[row] for row in order]
    else:
        numbers = list(order)
    rows = [pixels[number * width : (number + 1) * width] for number in numbers]
    return Frame(width, height, palette.ljust(768, b"\0"), transparent, rows, 1 + _further(stream, check_cancelled))


def _table(stream: BinaryIO, flags: int) -> bytes:
    """The colours that follow; none where the flags say so."""
    return stream.read(3 << (flags & 7) + 1) if flags & HAS_TABLE else b""


def _blocks(stream: BinaryIO) -> Iterator[bytes]:
    """The blocks of data up to their end. Raises `IndexError` where the file ends before."""
    while size := stream.read(1)[0]:
        block = stream.read(size)
        if len(block) < size:
            raise IndexError("cut off")
        yield block


def _unpacked(stream: BinaryIO, number: int, check_cancelled: Callable[[], None]) -> bytes:
    """The first `number` pixels of compressed data, which ends with its blocks. Raises `ValueError` where there are
    fewer."""
    root_bits = stream.read(1)[0]
    if not 1 <= root_bits < CODE_BITS:
        raise ValueError("no such code")
    clear = 1 << root_bits
    roots = [bytes((value & 0xFF,)) for value in range(clear)] + [b"", b""]
    table, bits, previous = roots.copy(), root_bits + 1, b""
    pixels = bytearray()
    held, held_bits, codes, is_ended = 0, 0, 0, False
    for block in _blocks(stream):
        if is_ended or len(pixels) >= number:
            continue  # the rest is read, so that what comes after it is found
        held |= int.from_bytes(block, "little") << held_bits
        held_bits += 8 * len(block)
        while held_bits >= bits:
            code = held & (1 << bits) - 1
            held >>= bits
            held_bits -= bits
            if code == clear:
                table, bits, previous = roots.copy(), root_bits + 1, b""
                continue
            if code == clear + 1:
                is_ended = True
                break
            if code < len(table):
                entry = table[code]
            elif previous and code == len(table):
                entry = previous + previous[:1]
            else:
                raise ValueError("no such code")
            pixels += entry
            if previous and len(table) < 1 << CODE_BITS:
                table.append(previous + entry[:1])
                if len(table) == 1 << bits and bits < CODE_BITS:
                    bits += 1
            previous = entry
        codes += len(block)
        if codes > CODES_AT_ONCE:
            codes = 0
            check_cancelled()
    if len(pixels) < number:
        raise ValueError("too few pixels")
    return bytes(memoryview(pixels)[:number])


def _further(stream: BinaryIO, check_cancelled: Callable[[], None]) -> int:
    """1 where another frame follows; 0 where none does, or the file ends."""
    try:
        while (introducer := stream.read(1)[0]) != TRAILER:
            check_cancelled()
            if introducer == IMAGE:
                return 1
            if introducer == EXTENSION:
                stream.read(1)
                for _ in _blocks(stream):
                    pass
    except IndexError:
        pass
    return 0
