# SPDX-License-Identifier: GPL-3.0-or-later
"""The first frame of an animation as a still picture: of an animated WebP, PNG or GIF. Changes no given file, and
decodes only GIFs (`gif.py`).

Blender 4.2 to 4.5 shows an animated WebP as fully transparent, every version takes a GIF for a video (4.5 opens none
that stands still), and what is sent to a service is to be one picture. A WebP and a PNG are taken apart and put
together anew, so that nothing of the picture changes. Sources: WebP Container Specification, "Animation"; PNG, 3rd
edition, 11.3.6 (acTL, fcTL, fdAT).
"""

import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from . import gif
from .errors import PictureError
from .headers import PNG_START, png_chunks, webp_chunks
from .kinds import kind_of
from .whole import DAMAGED

PIECE_BYTES = 1 << 20  # that are copied at a time

WEBP_HEAD = 16  # bytes of an ANMF before the chunks of its picture: place, size, duration and flags
WEBP_KEPT = (b"ICCP", b"EXIF")
HAS_PROFILE, HAS_ALPHA, HAS_EXIF = 0x20, 0x10, 0x08
"""Flags of the chunk VP8X."""


def still(file: Path, stem: Path, called: str, check_cancelled: Callable[[], None]) -> tuple[Path, str]:
    """Return `file` where it is no animation and no GIF, else its first frame, written to `stem` plus its ending; and a
    note for the user, "" where there were no further frames.

    A frame that covers only a part of the animation stands alone. `check_cancelled` is called now and then, and may
    raise. Raises `PictureError`, which calls the file `called`, where there is no such frame, and `OSError`.
    """
    write = {"WEBP": _write_webp, "PNG": _write_png, "GIF": _write_gif}.get(kind_of(file))
    if write is None:
        return file, ""
    with file.open("rb") as stream:
        try:
            written = write(stream, stem, called, check_cancelled)
        except (struct.error, ValueError):
            raise PictureError(DAMAGED.format(called=called)) from None
    if written is None:
        return file, ""
    made, frames = written
    return made, f"{called} is an animation: its first frame was taken." if frames > 1 else ""


def _write_gif(
    stream: BinaryIO, stem: Path, called: str, check_cancelled: Callable[[], None]
) -> tuple[Path, int] | None:
    picture = gif.first_frame(stream, called, check_cancelled)
    target = stem.with_suffix(".png")
    with target.open("wb") as made:
        made.write(PNG_START)
        _add_chunk(made, b"IHDR", struct.pack(">IIBBBBB", picture.width, picture.height, 8, 3, 0, 0, 0))
        _add_chunk(made, b"PLTE", picture.palette)
        if picture.transparent is not None:
            _add_chunk(made, b"tRNS", b"\xff" * picture.transparent + b"\0")
        packer = zlib.compressobj(6)
        for row in picture.rows:
            check_cancelled()
            if packed := packer.compress(b"\0" + row):
                _add_chunk(made, b"IDAT", packed)
        _add_chunk(made, b"IDAT", packer.flush())
        _add_chunk(made, b"IEND", b"")
    return target, picture.frames


def _add_chunk(made: BinaryIO, kind: bytes, content: bytes) -> None:
    made.write(struct.pack(">I", len(content)) + kind + content)
    made.write(struct.pack(">I", zlib.crc32(content, zlib.crc32(kind))))


def _write_png(
    stream: BinaryIO, stem: Path, called: str, check_cancelled: Callable[[], None]
) -> tuple[Path, int] | None:
    """Leave the chunks of the animation out. Where the first frame is not the picture that programs without animations
    show, it takes that one's place."""
    frames, is_shown = 0, False
    for kind, start, _ in png_chunks(stream):
        if kind == b"acTL":
            stream.seek(start)
            (frames,) = struct.unpack(">I", stream.read(4))
        elif kind == b"fcTL":
            is_shown = True
        elif kind == b"IDAT":
            break
    if not frames:
        return None
    target = stem.with_suffix(".png")
    with target.open("wb") as made:
        made.write(PNG_START)
        header, controls = b"", 0
        for kind, start, length in png_chunks(stream):
            check_cancelled()
            stream.seek(start)
            if kind == b"IHDR":
                header = stream.read(13)
                if not is_shown:
                    header = _first_size(stream) + header[8:]
                _add_chunk(made, kind, header)
            elif kind == b"fcTL":
                controls += 1
            elif kind == b"fdAT" and not is_shown and controls == 1:
                stream.seek(start + 4)
                for piece in _pieces(stream, length - 4):
                    _add_chunk(made, b"IDAT", piece)
            elif kind not in (b"acTL", b"fdAT") and (is_shown or kind != b"IDAT"):
                stream.seek(start - 8)
                for piece in _pieces(stream, length + 12):
                    made.write(piece)
    return target, frames


def _first_size(stream: BinaryIO) -> bytes:
    """Width and height of the first frame, as they stand in a PNG."""
    for kind, start, _ in png_chunks(stream):
        if kind == b"fcTL":
            stream.seek(start + 4)
            return stream.read(8)
    raise ValueError("an animation without frames")


def _write_webp(
    stream: BinaryIO, stem: Path, called: str, check_cancelled: Callable[[], None]
) -> tuple[Path, int] | None:
    chunks = list(webp_chunks(stream))
    frames = [(start, length) for kind, start, length in chunks if kind == b"ANMF"]
    if not frames:
        return None
    start, length = frames[0]
    stream.seek(start)
    head = stream.read(WEBP_HEAD)
    if len(head) < WEBP_HEAD:
        raise ValueError("a frame without a size")
    parts = [
        (kind, place, size)
        for kind, place, size in _webp_parts(stream, start + WEBP_HEAD, start + length)
        if kind in (b"ALPH", b"VP8 ", b"VP8L")
    ]
    kinds = {kind for kind, _, _ in parts}
    kept = [chunk for chunk in chunks if chunk[0] in WEBP_KEPT]
    flags = HAS_ALPHA if kinds & {b"ALPH", b"VP8L"} else 0
    flags |= sum({b"ICCP": HAS_PROFILE, b"EXIF": HAS_EXIF}[kind] for kind in {kind for kind, _, _ in kept})
    ordered = (
        [chunk for chunk in kept if chunk[0] == b"ICCP"] + parts + [chunk for chunk in kept if chunk[0] != b"ICCP"]
    )
    target = stem.with_suffix(".webp")
    with target.open("wb") as made:
        made.write(b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0" + bytes([flags, 0, 0, 0]) + head[6:12])
        for kind, place, size in ordered:
            made.write(kind + struct.pack("<I", size))
            stream.seek(place)
            for piece in _pieces(stream, size):
                check_cancelled()
                made.write(piece)
            made.write(bytes(size % 2))
        length = made.tell() - 8
        made.seek(4)
        made.write(struct.pack("<I", length))
    return target, len(frames)


def _webp_parts(stream: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and length of the chunks in a frame."""
    while start + 8 <= end:
        stream.seek(start)
        kind, size = struct.unpack("<4sI", stream.read(8))
        if start + 8 + size > end:
            return
        yield kind, start + 8, size
        start += 8 + size + size % 2


def _pieces(stream: BinaryIO, length: int) -> Iterator[bytes]:
    while length > 0 and (piece := stream.read(min(length, PIECE_BYTES))):
        length -= len(piece)
        yield piece
