# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a picture file into upright sRGB bytes, with Blender's own decoders: for Local, for what services are sent, and
whoever else needs a picture's pixels.

Never changes the file; leaves nothing in bpy.data. The parts: `profile_bytes.py` and `profiles.py` (colours),
`psd.py` (a transparency that Blender leaves out), `unused.py` (one that is none), `scaling.py` (fewer pixels).
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import bpy
import numpy as np

from ..api.headers import orientation_of, size_of
from ..api.kinds import cannot_open
from ..api.tiff import packing_of
from . import bitmap
from .pixels import Bytes, Floats
from .profile_bytes import Told, blank, told_by
from .profiles import Conversion, UnknownProfile, conversion_of
from .psd import DISPLAYED_BITS, MISREAD, UnreadableTransparency, alpha_of, sort_of
from .scaling import as_bytes, as_colour, strips
from .unused import may_be_unused

LONGEST = 4096  # pixels: larger pictures are scaled down, a finer texture would not be seen
MOST_PIXELS = 16384 * 16384  # decoded at 4 bytes each, 1 GB
MOST_WHOLE = 80_000_000  # pixels that are read as they are, at 16 bytes each. Of more Blender makes fewer beforehand
VISIBLE = 7.5 / 255  # an alpha that rounds to what the Local service takes for the least that shows
WITHOUT_PROFILE = {"CMYK": "colours for print (CMYK)", "Lab": "Lab colours"}
USUAL_PACKINGS = (None, 1, 2, 3, 4, 5, 6, 7, 8, 32773, 32946)
"""Of a TIFF that every Blender unpacks: none, fax, LZW, JPEG, Deflate and PackBits. None is said of other files."""
SAME = 1.5 / 255  # a difference that rounds to one step: what a JPEG's rounding makes of one color


class UnreadablePicture(Exception):
    """The file cannot be used as a picture; the text says so to the user, and what to do."""


class Picture(NamedTuple):
    """What was read."""

    pixels: Bytes  # (h, w, 4), first row first, straight sRGB, upright
    notes: list[str]  # sentences for the user: what could not be done as it should


def read_picture(path: Path, longest: int = LONGEST, called: str = "The picture") -> Bytes:
    """`read`, the pixels alone."""
    return read(path, longest, called).pixels


def read(path: Path, longest: int = LONGEST, called: str = "The picture", *, may_be_flat: bool = True) -> Picture:
    """Return the picture turned upright, in sRGB, at most `longest` pixels on its longer side.

    Raises `UnreadablePicture`, which calls the picture `called`, where there is nothing to be read, or nothing to be
    seen: it is transparent everywhere or, unless it `may_be_flat`, of one color.
    """
    try:
        is_empty, size, orientation, told = path.stat().st_size == 0, size_of(path), orientation_of(path), told_by(path)
        is_deep, sort = is_deep_png(path), sort_of(path)
    except OSError as error:
        raise UnreadablePicture(f"{called} cannot be opened ({error.strerror}): check its file.") from error
    if is_empty:
        raise UnreadablePicture(f"{called} is an empty file: choose another.")
    _refuse_large(called, *(size or (0, 0)), longest, is_deep=is_deep)  # before it is decoded, where the header tells
    if (sort is not None and sort.mode in MISREAD) or bitmap.is_misread(path):
        raise _not_a_picture(path, called)
    values, linear = _decoded(path, called, longest, told)
    if _is_left_black(path, values):
        raise _not_a_picture(path, called)
    linear = linear and not (sort is not None and sort.depth == DISPLAYED_BITS)
    if values.shape[2] == 4 and not values[..., 3].any() and may_be_unused(path):
        values[..., 3] = 1
    notes = _add_transparency(values, path)
    _refuse_empty(values, linear, called, may_be_flat)
    conversion, note = _conversion(told, values)
    pixels = as_bytes(values, linear, longest, conversion.to_srgb if conversion else None)
    return Picture(upright(pixels, orientation), notes + note)


def is_as_seen(path: Path) -> bool:
    """Whether whoever knows nothing of profiles, EXIF and printers' colours sees the picture as it is meant. Raises
    `OSError`."""
    told = told_by(path)
    try:
        return orientation_of(path) == 1 and not told.is_cmyk and conversion_of(told, is_grey=True) is None
    except UnknownProfile:
        return True  # it could not be made better


def upright(picture: Bytes, orientation: int) -> Bytes:
    """Undo the turn that EXIF's orientation (1 to 8) stands for."""
    if orientation in (2, 4, 5, 7):
        picture = picture[:, ::-1] if orientation in (2, 5, 7) else picture[::-1]
    turns = {3: 2, 5: 1, 6: 3, 7: 3, 8: 1}.get(orientation, 0)
    return np.ascontiguousarray(np.rot90(picture, turns))


def is_deep_png(path: Path) -> bool:
    """Whether the file is a PNG of 16 bits a channel, of which Blender makes floats (PNG, 11.2.1)."""
    with path.open("rb") as stream:
        head = stream.read(25)
    return head.startswith(b"\x89PNG") and head[24:] == b"\x10"


def _refuse_large(called: str, width: int, height: int, longest: int, *, is_deep: bool) -> None:
    size = f"{width} x {height} pixels"
    if width * height > MOST_PIXELS:
        raise UnreadablePicture(f"{called} is {size}, too large to work on: scale it down to {longest} pixels or less.")
    if is_deep and width * height > MOST_WHOLE:
        raise UnreadablePicture(
            f"{called} is {size} of more than 8 bits a channel, too large to work on: "
            f"save it with 8 bits, or scale it down to {longest} pixels or less."
        )


def _not_a_picture(path: Path, called: str) -> UnreadablePicture:
    return UnreadablePicture(cannot_open(path, called))


def _decoded(path: Path, called: str, longest: int, told: Told) -> tuple[Floats, bool]:
    """The pixels (h, w, 1 to 4) as Blender has them, lowest row first, and whether they are linear and premultiplied.

    Only the values are kept, not the image: both together would be half as much again.
    """
    with _opened(path, told) as image:
        if image is None:
            raise _not_a_picture(path, called)
        if told.cicp:  # 5.2 converts by these what it makes floats of, the others nothing
            image.colorspace_settings.name = "sRGB"
        width, height = image.size
        if image.type == "MULTILAYER":
            raise UnreadablePicture(f"{called} has several layers: save the one that you want as PNG.")
        _refuse_large(called, width, height, longest, is_deep=image.is_float)
        if width * height > MOST_WHOLE:
            blocks = _blocks(width, height, longest, has_alpha=image.depth == 32)
            image.scale(max(1, width // blocks), max(1, height // blocks))
            width, height = image.size
        number = len(image.pixels)
        if not number:  # Blender has no decoder for it, and said so in the log
            raise _not_a_picture(path, called)
        values = np.empty(number, np.float32)
        image.pixels.foreach_get(values)
        return values.reshape(height, width, -1), image.is_float


def _blocks(width: int, height: int, longest: int, *, has_alpha: bool) -> int:
    """How many pixels along each side of a very large picture Blender makes one of: it takes their mean in place, in a
    third of the memory. It does not heed the alpha, so where there is one, no more than it has to be."""
    blocks = 2
    while (width // blocks) * (height // blocks) > MOST_WHOLE or (
        not has_alpha and max(width, height) // (blocks + 1) >= longest
    ):
        blocks += 1
    return blocks


@contextmanager
def _opened(path: Path, told: Told) -> Iterator[bpy.types.Image | None]:
    """The file as a Blender image, which goes afterwards; None where Blender knows nothing of the kind.

    Blender opens a GIF only by its ending, so one that has another is copied. So is a file with a profile that Blender
    would look at: 4.2.23 crashes on a damaged one.
    """
    with path.open("rb") as stream:
        is_gif = stream.read(4) == b"GIF8"
    with tempfile.TemporaryDirectory(prefix="picture_") as folder:
        if is_gif and path.suffix.lower() != ".gif":
            path = Path(shutil.copyfile(path, Path(folder) / "picture.gif"))
        elif told.span[1]:
            path = Path(shutil.copyfile(path, Path(folder) / f"picture{path.suffix}"))
            blank(path, told.span)
        try:
            image = bpy.data.images.load(str(path))
        except RuntimeError:
            yield None
            return
        try:
            yield image
        finally:
            bpy.data.images.remove(image)


def _is_left_black(path: Path, values: Floats) -> bool:
    """Whether Blender could not unpack a TIFF: it makes a black picture of it, and says so in the log alone."""
    with path.open("rb") as stream:
        packing = packing_of(stream)
    return packing not in USUAL_PACKINGS and not values[..., :3].any()


def _add_transparency(values: Floats, path: Path) -> list[str]:
    """Give the pixels the alpha of a Photoshop file; return sentences for the user."""
    note = "The transparency of the Photoshop file could not be read: save the picture as PNG to keep it."
    try:
        alpha = alpha_of(path)
    except UnreadableTransparency:
        return [note]
    if alpha is None or values.shape[2] != 4 or float(values[..., 3].min()) < 1:
        return []
    if alpha.shape != values.shape[:2]:  # of a very large picture, which was scaled down
        return [note]
    np.divide(alpha[::-1], np.float32(255), out=values[..., 3])
    return []


def _refuse_empty(values: Floats, linear: bool, called: str, may_be_flat: bool) -> None:
    """Refuse what is transparent everywhere, or, unless it `may_be_flat`, the same everywhere.

    Looks no further than to the first strip that shows something.
    """
    low, high = np.full(4, np.inf, np.float32), np.full(4, -np.inf, np.float32)
    for rows in strips(values, lambda rows: as_colour(rows, linear)):
        low, high = np.minimum(low, rows.min((0, 1))), np.maximum(high, rows.max((0, 1)))
        if high[3] >= VISIBLE and (may_be_flat or (high - low).max() > SAME):
            return
    if high[3] < VISIBLE:
        raise UnreadablePicture(f"{called} is fully transparent: choose one that shows something.")
    raise UnreadablePicture(f"{called} is one flat color without any shape: choose one that shows something.")


def _conversion(told: Told, values: Floats) -> tuple[Conversion | None, list[str]]:
    """How the colours become sRGB, None where they are or cannot; and sentences for the user."""
    is_grey = values.shape[2] < 3 or (told.icc[16:20] == b"GRAY" and np.array_equal(values[..., 0], values[..., 1]))
    try:
        return conversion_of(told, is_grey=is_grey), []
    except UnknownProfile as error:
        if str(error) in WITHOUT_PROFILE and not told.icc:
            kind = WITHOUT_PROFILE[str(error)]
            return None, [f"The picture has {kind}, so they may differ: save the picture as sRGB."]
        name = f"colour profile “{error}”" if str(error) else "colour profile of the picture"
        return None, [f"The {name} could not be converted, so colours may differ: save the picture as sRGB."]
