# SPDX-License-Identifier: GPL-3.0-or-later
"""What is painted on the back of an object that is known from the front and perhaps from behind. Shapes nothing.

A picture of the back is brought to the outline of the front, in a canvas that is the front's picture mirrored: the same
height, the same middle, and bent gently where the two outlines differ.
"""

import numpy as np

from . import maps, plain
from .atlas import Places, averaged, put_together
from .cutout import bounds
from .maps import Maps, trusted
from .opposite import aligned, without_holes
from .pixels import Bytes, Floats, bilinear, blur, window_mean
from .views import View

LARGEST = 2048  # pixels, longer side of the canvas: two of them make a texture of 4096
PLAIN = 512  # pixels, longer side of the picture of a plain back at most: it is smooth but for its rim
LEVEL = np.array((128, 128, 255), np.float32)  # a normal map's value where nothing slopes
STUDY = 192  # pixels, longer side of the figure at which the outlines are compared
SOFTNESS = (12.0, 6.0, 3.0)  # pixels at STUDY by which both are blurred, one after the other: far first, then near
STEPS = 12  # of bending at each softness
STIFFNESS = 4.0  # pixels at STUDY over which neighbours are bent alike
MOST = 0.12  # of the figure's longer side: nothing is moved further


def painted(front: View, behind: Bytes | None, unseen: str, texture_model: str) -> tuple[Maps, Places | None]:
    """The maps of a body, and where front and back lie in them where they are not the same.

    `behind` is the back's picture as `brought` gives it. Where there is none, `unseen` says what the back shows:
    "mirrored", the front's picture once more, or "plain", the colours of the contour.
    """
    matte, picture = front.cutout.matte, front.image
    if behind is not None:
        picture = averaged(picture, fewer(picture.shape, LARGEST))
    seen = maps.of_picture(picture, trusted(front.cutout), matte, texture_model)
    if behind is not None:
        other = maps.of_colour(behind, np.ascontiguousarray(matte[:, ::-1]), texture_model)
        return put_together(seen, other, matte)
    if unseen == "mirrored":
        return seen, None
    few = fewer(picture.shape, PLAIN)
    return put_together(seen, smooth(seen, matte, few), matte, few)


def smooth(front: Maps, matte: Floats, few: int) -> Maps:
    """The maps of a plain back, as seen from behind, with a pixel for `few` of the front's each way."""
    colour = plain.carried_in(averaged(front.colour, few), matte)[:, ::-1]
    surface, normal = None, None
    if front.surface is not None:
        inside = maps.fitted(matte, *front.surface.shape[:2])[..., None]
        mean = (front.surface * inside).sum(axis=(0, 1)) / max(float(inside.sum()), 1e-6)
        surface = filled(averaged(front.surface, few), mean)
    if front.normal is not None:
        normal = filled(averaged(front.normal, few), LEVEL)
    return Maps(colour, surface, normal)


def fewer(shape: tuple[int, ...], longest: int) -> int:
    """How many pixels each way must become one so that a picture's longer side is at most `longest`."""
    return -(-max(shape[:2]) // longest)


def filled(like: Bytes, value: Floats) -> Bytes:
    """A picture as large as another, all of one value."""
    return np.broadcast_to(np.round(value).astype(np.uint8), like.shape)


def brought(front: View, back: View) -> Bytes:
    """(h, w, 3) sRGB colours of the back on the canvas, h and w being at most those of the front's picture.

    The back's colours are continued beyond its outline, so that no background shows wherever the front has its own.
    """
    back = aligned(front, back)
    size = front.image.shape[:2]
    few = fewer(size, LARGEST)
    height, width = (-(-side // few) for side in size)  # as `averaged` has it
    colour = maps.base_colour(back.image, trusted(back.cutout))
    there = back.frame.metre * colour.shape[0] / back.cutout.matte.shape[0]
    here = front.frame.metre * height / front.cutout.matte.shape[0]
    if there >= 2 * here:  # finer than the canvas: averaged, or it would be seen with specks
        colour = averaged(colour, int(there / here))
    corner, cell, bend = bent(front, back)
    result = np.empty((height, width, 3), np.uint8)
    tall, wide = front.cutout.matte.shape
    right = (np.arange(width) + 0.5) * (wide / width)
    for rows in maps.bands(height):
        down = (np.arange(rows.start, rows.stop) + 0.5) * (tall / height)
        y, x = np.meshgrid(down, right, indexing="ij")
        at = (y - corner[0]) / cell, (x - corner[1]) / cell
        y, x = (side + cell * bilinear(bend[..., axis], *at) for axis, side in enumerate((y, x)))
        y, x = behind(front, back, y, x)
        y *= colour.shape[0] / back.cutout.matte.shape[0]
        x *= colour.shape[1] / back.cutout.matte.shape[1]
        for channel in range(3):
            result[rows, :, channel] = np.round(bilinear(colour[..., channel], y, x))
    return result


def behind(front: View, back: View, down: Floats, right: Floats) -> tuple[Floats, Floats]:
    """Where points of the canvas, in pixels of the front's matte, are in the back's."""
    scale = back.frame.metre / front.frame.metre
    middle = front.cutout.matte.shape[1] - front.frame.centre  # mirrored
    return (down - front.frame.bottom) * scale + back.frame.bottom, (right - middle) * scale + back.frame.centre


def bent(front: View, back: View) -> tuple[tuple[float, float], float, Floats]:
    """How the back is bent to the front's outline: the corner (y, x) of a grid on the canvas and the side of its cells,
    in pixels of the front's matte, and for each cell how far from there (down, right; in cells) the back's colour is.

    Thirion's demons: where the outlines differ each point moves along the slope of the back's, and its neighbours with
    it.
    """
    matte = np.ascontiguousarray(front.cutout.matte[:, ::-1])
    top, bottom, left, right = bounds(matte)
    cell = max(bottom - top, right - left) / STUDY
    margin = 0.1 * STUDY * cell
    corner = top - margin, left - margin
    down, across = (
        start + (np.arange(int((length + 2 * margin) / cell) + 1) + 0.5) * cell
        for start, length in zip(corner, (bottom - top, right - left), strict=True)
    )
    wanted = without_holes(window_mean(matte, down, across, max(1.0, cell)))
    scale = back.frame.metre / front.frame.metre
    own = behind(front, back, down, across)
    given = without_holes(window_mean(back.cutout.matte, *own, max(1.0, cell * scale)))
    y, x = np.mgrid[: wanted.shape[0], : wanted.shape[1]].astype(np.float32) + np.float32(0.5)
    bend = np.zeros((*wanted.shape, 2), np.float32)
    for softness in SOFTNESS:
        target, source = blur(wanted, softness), blur(given, softness)
        slope = np.stack(np.gradient(target), axis=2)
        for _ in range(STEPS):
            off = bilinear(source, y + bend[..., 0], x + bend[..., 1]) - target
            steepness = (slope * slope).sum(axis=2) + (off / softness) ** 2
            bend -= slope * (off / np.maximum(steepness, 1e-6))[..., None]
            bend = np.clip(blur(bend, STIFFNESS), -MOST * STUDY, MOST * STUDY)
    return corner, cell, bend
