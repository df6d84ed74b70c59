# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the maps of a front and of a back into one texture, side by side or one under the other, so that they meet along
the contour without a seam. Makes up no colour. Never imports bpy; numpy only.

The back lies there as it is seen from behind: what is to the right in the front's half is to the left in the back's.
"""

from typing import NamedTuple

import numpy as np

from .maps import Maps, bands, fitted, stretched_rows
from .pixels import Bytes, Floats, blur, enlarge

GAP = 64  # the margin between the two is this part of the front's width or height
RIM = 0.006  # of the picture's longer side: over so much the back's colours become the front's towards the contour
RIM_SIZE = 512  # pixels, longer side at which that is worked out


class Place(NamedTuple):
    """Where a picture lies in a texture, in parts of the texture's width and height from its top left corner."""

    left: float
    top: float
    width: float
    height: float


class Places(NamedTuple):
    """Where the two pictures lie."""

    front: Place
    back: Place


def put_together(front: Maps, back: Maps, matte: Floats, few: int = 1) -> tuple[Maps, Places]:
    """Both in one texture that is near a square, and where they lie in it.

    The back has a pixel for `few` of the front's each way, and shows what lies behind the figure that `matte` tells in
    the front's picture. Towards the contour, and beyond, its colours are the front's.
    """
    rim = towards_contour(matte)
    height, width = front.colour.shape[:2]
    upright = width > height

    def joined(one: Bytes, other: Bytes, is_normal: bool = False) -> Bytes:
        seen_through = averaged(one, few)[:, ::-1].copy()
        if is_normal:
            seen_through[..., 0] = 255 - seen_through[..., 0]  # what slopes to the right, slopes to the left
        return beside(one, rimmed(other, seen_through, rim), upright)

    colour = joined(front.colour, back.colour)
    surface, normal = None, None
    if front.surface is not None and back.surface is not None:
        surface = joined(front.surface, back.surface)
    if front.normal is not None and back.normal is not None:
        normal = joined(front.normal, back.normal, is_normal=True)
    tall, wide = colour.shape[:2]
    start = (0.0, (height + gap(height)) / tall) if upright else ((width + gap(width)) / wide, 0.0)
    places = Places(Place(0, 0, width / wide, height / tall), Place(*start, width / few / wide, height / few / tall))
    return Maps(colour, surface, normal), places


def beside(one: Bytes, other: Bytes, upright: bool) -> Bytes:
    """Two pictures, the second no larger, beside each other, or one under the other; what is at their edges fills the
    rest."""
    height, width = one.shape[:2]
    less = height - other.shape[0], width - other.shape[1]
    space = gap(height if upright else width)
    half = space // 2, space - space // 2
    none = (0, 0)
    pads = ((0, half[0]), none, none), ((half[1], 0), (0, less[1]), none)
    if not upright:
        pads = (none, (0, half[0]), none), ((0, less[0]), (half[1], 0), none)
    parts = [np.pad(part, pad, mode="edge") for part, pad in zip((one, other), pads, strict=True)]
    return np.concatenate(parts, axis=0 if upright else 1)


def gap(length: int) -> int:
    """Pixels between the two where the front is so long."""
    return round(length / GAP)


def averaged(picture: Bytes, few: int) -> Bytes:
    """The picture with a pixel for `few` each way."""
    if few == 1:
        return picture
    padding = ((0, -picture.shape[0] % few), (0, -picture.shape[1] % few), (0, 0))
    padded = np.pad(picture, padding, mode="edge")
    rows = padded[::few].astype(np.uint16)
    for offset in range(1, few):
        rows += padded[offset::few]
    total = rows[:, ::few].astype(np.uint32)
    for offset in range(1, few):
        total += rows[:, offset::few]
    return (total // few**2).astype(np.uint8)


def towards_contour(matte: Floats) -> Floats:
    """1 on the contour of the figure and outside, falling to 0 inside, as seen from behind; at reduced size."""
    factor = max(1, -(-max(matte.shape) // RIM_SIZE))
    height, width = (max(1, side // factor) for side in matte.shape)
    inside = fitted(matte, height, width)[:, ::-1].clip(0, 1)
    return np.clip(2 - 2 * blur(inside, max(1.0, RIM * max(height, width))), 0, 1)


def rimmed(picture: Bytes, beyond: Bytes, rim: Floats) -> Bytes:
    """The picture, which becomes the one that lies `beyond` as far as the `rim` says, stretched to their size."""
    height, width = picture.shape[:2]
    wide = enlarge(rim, rim.shape[0], width)
    result = beyond.copy()
    for rows in bands(height):
        share = stretched_rows(wide, height, rows)
        inner = share < 1
        part = share[inner][:, None]
        result[rows][inner] = np.round(picture[rows][inner] * (1 - part) + beyond[rows][inner] * part)
    return result
