# SPDX-License-Identifier: GPL-3.0-or-later
"""The first directory of a TIFF, which EXIF is, too: its size, how the camera was held, where its pixels lie. Decodes
nothing, and follows no further directory.

Sources: TIFF 6.0, section 2; BigTIFF; EXIF 2.32, 4.6.
"""

import io
import os
import struct
from collections.abc import Iterator
from typing import BinaryIO

WIDTH = 0x0100
HEIGHT = 0x0101
PACKING = 0x0103
ORIENTATION = 0x0112
STRIP_OFFSETS, STRIP_BYTES = 0x0111, 0x0117
TILE_OFFSETS, TILE_BYTES = 0x0144, 0x0145

ENTRIES_AT_MOST = 1000  # of a directory; TIFF knows some hundreds of tags
VALUES_AT_MOST = 1 << 20  # of a tag: a strip for each row, of the highest picture that is opened, and many more

FORMATS = {1: "B", 3: "H", 4: "I", 16: "Q"}
"""The types of a value that is a whole number (BYTE, SHORT, LONG; BigTIFF's LONG8), as `struct` calls them."""


def entries(stream: BinaryIO, *wanted: int) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Tag and values of the first entry of each of the tags `wanted` in the first directory, as far as its values are
    whole numbers. Begins at the stream's start; one that is cut off is left out, with all that follow."""
    left = set(wanted)
    stream.seek(0)
    head = stream.read(16)
    order = {b"II": "<", b"MM": ">"}.get(head[:2], "")
    try:
        version = struct.unpack_from(order + "H", head, 2)[0] if order else 0
        if version == 42:
            (start,), count_format, entry_format, room = struct.unpack_from(order + "I", head, 4), "H", "HHI", 4
        elif version == 43:
            (start,), count_format, entry_format, room = struct.unpack_from(order + "Q", head, 8), "Q", "HHQ", 8
        else:
            return
        stream.seek(start)
        (count,) = struct.unpack(order + count_format, stream.read(struct.calcsize(count_format)))
        size = struct.calcsize("=" + entry_format) + room
        directory = stream.read(min(count, ENTRIES_AT_MOST) * size)
        for place in range(0, len(directory) - size + 1, size):
            tag, kind, number = struct.unpack_from(order + entry_format, directory, place)
            if tag not in left or kind not in FORMATS or not 0 < number <= VALUES_AT_MOST:
                continue
            left.remove(tag)  # a stranger could have the same values read a thousand times
            length = number * struct.calcsize("=" + FORMATS[kind])
            values = directory[place + size - room : place + size]
            if length > room:
                (there,) = struct.unpack(order + ("I" if room == 4 else "Q"), values)
                stream.seek(there)
                values = stream.read(length)
            yield tag, struct.unpack(f"{order}{number}{FORMATS[kind]}", values[:length])
    except (struct.error, OverflowError, ValueError):  # cut off, or it points to nowhere
        return


def orientation_in(exif: bytes) -> int:
    """Return the orientation (1 to 8) in the bytes of an EXIF block, which may have its name before; 1 where none is
    told."""
    stream = io.BytesIO(exif.removeprefix(b"Exif\0\0"))
    return orientation_of_tiff(stream)


def orientation_of_tiff(stream: BinaryIO) -> int:
    """The same of a TIFF, from its start on."""
    value = next((values[0] for _, values in entries(stream, ORIENTATION)), 1)
    return value if 1 <= value <= 8 else 1


def tiff_size(stream: BinaryIO) -> tuple[int, int] | None:
    """Return the width and height in pixels of a TIFF's first picture."""
    found = {tag: values[0] for tag, values in entries(stream, WIDTH, HEIGHT)}
    return (found[WIDTH], found[HEIGHT]) if len(found) == 2 else None


def packing_of(stream: BinaryIO) -> int | None:
    """Return the number of the method (TIFF 6.0: "Compression") by which a TIFF's first picture is packed; None where
    it does not tell, and for every other file."""
    return next((values[0] for _, values in entries(stream, PACKING)), None)


def is_whole_tiff(stream: BinaryIO) -> bool:
    """Whether the first picture has pixels, and all of them lie in the file."""
    last = stream.seek(0, os.SEEK_END)
    found = dict(entries(stream, STRIP_OFFSETS, STRIP_BYTES, TILE_OFFSETS, TILE_BYTES))
    offsets = found.get(STRIP_OFFSETS) or found.get(TILE_OFFSETS)
    lengths = found.get(STRIP_BYTES) or found.get(TILE_BYTES)
    if not offsets:
        return False
    if not lengths:  # some programs of old leave them out
        return max(offsets) < last
    return len(lengths) == len(offsets) and all(
        start + length <= last for start, length in zip(offsets, lengths, strict=True)
    )
