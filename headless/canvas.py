# SPDX-License-Identifier: GPL-3.0-or-later
"""A view's picture in the scale of a texture, with its colours carried over the outline's rim, and sampled where points
lie. Never imports bpy; numpy only.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import maps
from .cutout import Cutout
from .layout import Plane, plane_of
from .pixels import Bytes, Floats, block_means, enlarge, fill_outward
from .shape import Indices
from .views import View

BLOCK = 4  # texels a side of the blocks that stand for a canvas where its fine detail does not matter


class Canvas(NamedTuple):
    """What a view shows, a pixel a texel."""

    colour: Bytes  # (h, w, 3)
    trust: Floats  # (h, w) 0..1
    matte: Floats  # (h, w) 0..1
    plane: Plane  # how it lies, in its own pixels
    start: tuple[int, int]  # left and top of it in the side's plane, in texels


def canvas_of(view: View, plane: Plane, low: Floats, high: Floats, margin: int) -> Canvas:
    """The part of a view's picture that shows a body between two corners (right, up; metres), with a margin of texels;
    `plane` is how the view's side lies in texels."""
    left, top = (
        int(np.floor(place)) for place in (plane.first + plane.metre * low[0], plane.last - plane.metre * high[1])
    )
    right, bottom = (
        int(np.ceil(place)) for place in (plane.first + plane.metre * high[0], plane.last - plane.metre * low[1])
    )
    scale = plane.metre / plane_of(view).metre
    columns = (np.arange(left - margin, right + margin) + 0.5) / scale
    rows = (np.arange(top - margin, bottom + margin) + 0.5) / scale
    height, width = view.image.shape[:2]
    ratio = view.cutout.matte.shape[0] / height
    ratio = 1 / round(1 / ratio) if ratio < 1 else round(ratio)
    trust = _at(maps.trusted(view.cutout), rows * ratio, columns * ratio, 1)
    matte = _at(view.cutout.matte, rows * ratio, columns * ratio, 1)
    straight = _at(view.image[..., :3], rows, columns, 1 / scale)
    colour = _over_the_rim(straight, trust)
    start = left - margin, top - margin
    moved = Plane(plane.first - start[0], plane.last - start[1], plane.metre)
    return Canvas((np.clip(colour, 0, 255) + np.float32(0.5)).astype(np.uint8), trust, matte, moved, start)


def _at(image: NDArray, rows: NDArray[np.float64], columns: NDArray[np.float64], window: float) -> Floats:
    """An image's values at rows x columns (pixel centres at 0.5), linearly between pixels, or averaged over blocks
    where pixels are much smaller than `window`; beyond the image its border goes on."""
    block = max(1, int(window + 0.25))
    for axis, places in ((0, rows), (1, columns)):
        size = image.shape[axis]
        total: NDArray = np.float32(0)
        for step in range(block):
            here = places + (step - (block - 1) / 2) * (window / block)
            spot = np.clip(here - 0.5, 0, size - 1)
            first = spot.astype(np.int64)
            part = (spot - first).astype(np.float32).reshape([-1 if k == axis else 1 for k in range(image.ndim)])
            near = image.take(first, axis).astype(np.float32)
            if part.any():
                near *= 1 - part
                near += image.take(np.minimum(first + 1, size - 1), axis) * part
            total = total + near if block > 1 else near
        image = total / np.float32(block) if block > 1 else total
    return image


def _over_the_rim(colour: Floats, trust: Floats) -> Floats:
    """Colours of trusted pixels carried over the others, from blocks of pixels: outside, they only have to fit."""
    height, width = trust.shape
    weight = np.clip(trust, 0, 1)
    weight *= weight
    weight *= weight
    sums = block_means(weight, BLOCK)
    means = block_means(colour * weight[..., None], BLOCK) / np.maximum(sums, 1e-6)[..., None]
    filled = fill_outward(means, np.minimum(sums * 2, 1))
    rows, columns = np.nonzero(trust < 1)
    half = BLOCK // 2  # between blocks, colours change in two steps
    under = enlarge(filled, 2 * filled.shape[0], 2 * filled.shape[1])[rows // half, columns // half]
    keep = np.clip(trust[rows, columns] * 2 - 1, 0, 1)[:, None]
    result = colour.copy()
    result[rows, columns] = colour[rows, columns] * keep + under * (1 - keep)
    return result


def mirrored(view: View, name: str) -> View:
    """What the opposite view `name` would show, were the object symmetric."""
    matte = view.cutout.matte[:, ::-1]
    cutout = Cutout(matte, view.cutout.origin)
    frame = view.frame._replace(centre=matte.shape[1] - view.frame.centre)
    return View(name, view.image[:, ::-1], cutout, frame, view.called)


def sampled(image: NDArray[np.uint32], x: Floats, y: Floats) -> Floats:
    """Four channels (n, 4) 0..255 of pixels packed into (h, w) at points (pixel centres at 0.5), linearly between."""
    height, width = image.shape
    x, y = np.clip(x - 0.5, 0, width - 1.001), np.clip(y - 0.5, 0, height - 1.001)
    left, top = x.astype(np.int32), y.astype(np.int32)
    right, down = (x - left).astype(np.float32)[:, None], (y - top).astype(np.float32)[:, None]
    first = top * np.int32(width) + left
    flat = image.ravel()

    def pixels(at: Indices) -> Floats:
        return flat[at].view(np.uint8).reshape(-1, 4).astype(np.float32)

    upper = pixels(first) * (1 - right) + pixels(first + 1) * right
    lower = pixels(first + width) * (1 - right) + pixels(first + width + 1) * right
    return upper * (1 - down) + lower * down


def wide_pixels(image: Bytes) -> NDArray[np.uint32]:
    """(h, w, 3) bytes packed into one number a pixel, which is much faster to gather."""
    four = np.zeros((*image.shape[:2], 4), np.uint8)
    four[..., :3] = image
    return four.view(np.uint32)[..., 0]
