# SPDX-License-Identifier: GPL-3.0-or-later
"""What a picture file tells of its colours: its ICC profile, or the few numbers that stand for one. Decodes no pixel
and judges nothing: `profiles.py` computes with it. Imports no bpy.

Sources: PNG, third edition, 4.3 and 11.3.2; ICC.1:2022, annex B (JPEG, TIFF); WebP Container Specification; ISO
15444-1, I.5.3.3, and ISO 23008-12 (`colr`); EXIF 2.32, 4.6.5 and 4.6.8; Adobe Photoshop File Formats (resource 1039).
"""

import io
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

MOST_BYTES = 16 << 20  # of a profile: what JPEG can hold (255 segments); printers' have 0.5 to 3 MB
MOST_PARTS = 10_000  # chunks, segments or boxes of a file: no real one has so many before its pixels
CHROMATICITIES = 8  # numbers of a PNG's cHRM: white, red, green, blue
ADOBE_RGB = b"R03"
"""The interoperability index of a picture in Adobe RGB (DCF 2.0)."""
CMYK, LABS = 5, (8, 9, 10)
"""What a TIFF says of its colours (TIFF 6.0, section 16 and 23, and its supplement: ICC's and ITU's Lab)."""
INTO_BOXES = {b"meta": 4, b"iprp": 0, b"ipco": 0, b"jp2h": 0}
"""Boxes that hold the one that is looked for, and how many bytes stand before their first."""


class Told(NamedTuple):
    """What a file tells of its colours. Nothing of it: they are sRGB, as far as anybody knows."""

    icc: bytes = b""  # the profile
    is_damaged: bool = False  # there is a profile, and it cannot be had
    cicp: tuple[int, int] | None = None  # numbers of the primaries and of the transfer (ITU-T H.273)
    gamma: float = 0.0  # exponent that makes light of a value, 0 where none is told
    primaries: tuple[float, ...] = ()  # x and y of white, red, green and blue
    is_adobe_rgb: bool = False
    is_cmyk: bool = False
    is_lab: bool = False  # lightness and two colours, of which Blender makes RGB for another white
    span: tuple[int, int] = (0, 0)
    """Where the profile begins in the file, and how many bytes it has there, of the kinds whose profiles Blender looks
    at (PNG, TIFF, Photoshop's); of a PNG, the content of its chunk."""


def blank(copy: Path, span: tuple[int, int]) -> None:
    """Put zeros in the place of a profile. Raises `OSError`."""
    start, length = span
    with copy.open("r+b") as stream:
        is_png = stream.read(4) == b"\x89PNG"
        stream.seek(start - 4)
        kind = stream.read(4)
        stream.write(bytes(length))
        if is_png:
            stream.write(struct.pack(">I", zlib.crc32(kind + bytes(length))))


def told_by(file: Path) -> Told:
    """Return what `file` tells of its colours, nothing for a format that is not known here. Raises `OSError`."""
    with file.open("rb") as stream:
        start = stream.read(16)
        stream.seek(0)
        try:
            if start.startswith(b"\x89PNG\r\n\x1a\n"):
                return _told_by_png(stream)
            if start.startswith(b"\xff\xd8\xff"):
                return _told_by_jpeg(stream)
            if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
                return _told_by_webp(stream)
            if start[:4] in (b"II*\0", b"MM\0*"):
                return _told_by_tiff(stream)
            if start.startswith(b"8BPS"):
                return _told_by_psd(stream)
            if start[4:8] in (b"ftyp", b"jP  "):
                return _told_by_boxes(stream, 0, stream.seek(0, 2))
        except struct.error:  # cut off or damaged: whoever decodes it will say so
            return Told(is_damaged=True)
    return Told()


def _bounded(stream: BinaryIO, length: int) -> bytes:
    """The next `length` bytes; nothing where there are too many, or fewer."""
    content = stream.read(length) if 0 < length <= MOST_BYTES else b""
    return content if len(content) == length else b""


def _with_profile(content: bytes, *, is_cmyk: bool = False, span: tuple[int, int] = (0, 0)) -> Told:
    return Told(icc=content, is_damaged=not content, is_cmyk=is_cmyk, span=span)


def _told_by_png(stream: BinaryIO) -> Told:
    """By the order of precedence: cICP, iCCP, sRGB, then gAMA and cHRM."""
    chunks, span = {}, (0, 0)
    for kind, content in _png_chunks(stream):
        chunks[kind] = content
        if kind == b"iCCP":
            span = stream.tell() - len(content), len(content)
    if len(cicp := chunks.get(b"cICP", b"")) == 4:
        return Told(cicp=(cicp[0], cicp[1]), span=span)
    if b"iCCP" in chunks:
        packed = chunks[b"iCCP"].partition(b"\0")[2][1:]  # a name, then the number of the method, 0
        return _with_profile(_inflated(packed), span=span)
    if b"sRGB" in chunks:
        return Told()
    gamma, primaries = chunks.get(b"gAMA", b""), chunks.get(b"cHRM", b"")
    value = int.from_bytes(gamma, "big") if len(gamma) == 4 else 0
    numbers = struct.unpack(">8I", primaries) if len(primaries) == 4 * CHROMATICITIES else ()
    return Told(gamma=100_000 / value if value else 0.0, primaries=tuple(number / 100_000 for number in numbers))


def _inflated(packed: bytes) -> bytes:
    """What was packed; nothing where it is damaged, or too much."""
    inflater = zlib.decompressobj()
    try:
        content = inflater.decompress(packed, MOST_BYTES)
    except zlib.error:
        return b""
    return content if inflater.eof else b""


def _png_chunks(stream: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """Those before the pixels that tell of colours."""
    stream.seek(8)
    for _ in range(MOST_PARTS):
        head = stream.read(8)
        if len(head) < 8 or head[4:] in (b"IDAT", b"IEND"):
            return
        length = int.from_bytes(head[:4], "big")
        following = stream.tell() + length + 4
        if head[4:] in (b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM"):
            yield head[4:], _bounded(stream, length)
        stream.seek(following)


def _told_by_jpeg(stream: BinaryIO) -> Told:
    parts: dict[int, bytes] = {}
    number, is_adobe_rgb, is_cmyk = 0, False, False
    for marker, segment in _jpeg_segments(stream):
        if marker == 0xE2 and segment.startswith(b"ICC_PROFILE\0") and len(segment) > 14:
            number = number or segment[13]
            parts.setdefault(segment[12], segment[14:])
        elif marker == 0xE1 and segment.startswith(b"Exif\0\0"):
            is_adobe_rgb = _is_adobe_rgb(segment[6:])
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC) and len(segment) > 5:
            is_cmyk = segment[5] == 4
    if parts:
        is_whole = all(place in parts for place in range(1, number + 1))
        content = b"".join(parts[place] for place in range(1, number + 1)) if is_whole else b""
        return _with_profile(content[:MOST_BYTES], is_cmyk=is_cmyk)
    return Told(is_adobe_rgb=is_adobe_rgb, is_cmyk=is_cmyk)


def _jpeg_segments(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Marker and content of each segment before the pixels (ITU T.81, B.1.1)."""
    stream.seek(2)
    for _ in range(MOST_PARTS):
        head = stream.read(2)
        while head == b"\xff\xff":  # fill bytes may come before a marker
            head = head[1:] + stream.read(1)
        if len(head) < 2 or head[0] != 0xFF or head[1] in (0xDA, 0xD9):
            return
        yield head[1], stream.read(max(0, int.from_bytes(stream.read(2), "big") - 2))


def _told_by_webp(stream: BinaryIO) -> Told:
    stream.seek(12)
    for _ in range(MOST_PARTS):
        kind, length = stream.read(4), int.from_bytes(stream.read(4), "little")
        if kind == b"ICCP":
            return _with_profile(_bounded(stream, length))
        if kind not in (b"VP8X", b"EXIF", b"XMP "):  # the profile comes before the pixels
            break
        stream.seek(length + length % 2, 1)
    return Told()


def _told_by_tiff(stream: BinaryIO) -> Told:
    order = "<" if stream.read(2) == b"II" else ">"
    tags = _tiff_tags(stream, order, stream.read(6)[2:])
    (colours,) = struct.unpack(order + "H", tags.get(262, (0, 0, bytes(2)))[2][:2])
    is_cmyk, is_lab = colours == CMYK, colours in LABS
    if 34675 not in tags:
        return Told(is_cmyk=is_cmyk, is_lab=is_lab)
    _, count, value = tags[34675]
    stream.seek(struct.unpack(order + "I", value)[0])
    span = stream.tell(), count
    content = _bounded(stream, count)
    return _with_profile(content, is_cmyk=is_cmyk, span=span if content else (0, 0))


def _tiff_tags(stream: BinaryIO, order: str, place: bytes) -> dict[int, tuple[int, int, bytes]]:
    """Kind, count and value, or where that stands, by the tags of the directory at `place` (as the file has it)."""
    stream.seek(struct.unpack(order + "I", place)[0])
    (number,) = struct.unpack(order + "H", stream.read(2))
    entries = [struct.unpack(order + "HHI4s", stream.read(12)) for _ in range(number)]
    return {tag: (kind, count, value) for tag, kind, count, value in entries}


def _is_adobe_rgb(tiff: bytes) -> bool:
    """Whether EXIF tells of Adobe RGB, as cameras do that write no profile."""
    order, stream = "<" if tiff[:2] == b"II" else ">", io.BytesIO(tiff)
    try:
        exif = _tiff_tags(stream, order, _tiff_tags(stream, order, tiff[4:8])[0x8769][2])
        return _tiff_tags(stream, order, exif[0xA005][2])[1][2].startswith(ADOBE_RGB)
    except (struct.error, KeyError):
        return False


def _told_by_psd(stream: BinaryIO) -> Told:
    stream.seek(24)
    (mode, palette) = struct.unpack(">HI", stream.read(6))
    stream.seek(palette, 1)
    (length,) = struct.unpack(">I", stream.read(4))
    end = stream.tell() + length
    for _ in range(MOST_PARTS):
        if stream.tell() >= end:
            break
        _, number, name = struct.unpack(">4sHB", stream.read(7))
        stream.seek(name + (name + 1) % 2, 1)  # a name and its length fill an even number of bytes
        (size,) = struct.unpack(">I", stream.read(4))
        if number == 1039:
            span = stream.tell(), size
            content = _bounded(stream, size)
            return _with_profile(content, is_cmyk=mode == 4, span=span if content else (0, 0))
        stream.seek(size + size % 2, 1)
    return Told(is_cmyk=mode == 4)


def _told_by_boxes(stream: BinaryIO, start: int, end: int) -> Told:
    """By the first `colr` box of a JPEG 2000, HEIC or AVIF."""
    for _ in range(MOST_PARTS):
        stream.seek(start)
        head = stream.read(8)
        if start + 8 > end or len(head) < 8:
            break
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        before = 8
        if length == 1:
            length, before = int.from_bytes(stream.read(8), "big"), 16
        following = end if length == 0 else min(end, start + length)
        if following < start + before:
            break
        if kind in INTO_BOXES:
            return _told_by_boxes(stream, start + before + INTO_BOXES[kind], following)
        if kind == b"colr":
            return _told_by_colr(_bounded(stream, following - start - before))
        start = following
    return Told()


def _told_by_colr(content: bytes) -> Told:
    if content[:4] in (b"prof", b"rICC"):
        return _with_profile(content[4:])
    if content[:4] == b"nclx" and len(content) >= 8:
        return Told(cicp=struct.unpack(">HH", content[4:8]))
    if content[:1] == b"\2":  # JPEG 2000: method 2, a profile; precedence and approximation follow
        return _with_profile(content[3:])
    return Told()
