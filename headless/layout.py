# SPDX-License-Identifier: GPL-3.0-or-later
"""Lays the charts of a body out in one square texture, as large as its pictures deserve. Never imports bpy; numpy
only.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .charts import DIRECTIONS
from .packing import packed
from .pixels import Floats
from .shape import Indices
from .views import View

MARGIN = 4  # texels round a chart, filled with its colours, so that no other is seen at a distance
SMALLEST, LARGEST = 512, 4096  # texels, side of a texture
ENOUGH = 0.72  # texels a picture's pixel: below that the next larger texture is taken
COARSE = 0.5  # of the front's texels a metre: where no view looks, colours are smooth
LEAST = 300  # texels a metre, however small the pictures are


class Plane(NamedTuple):
    """How a side's picture lies: x = first + metre * to the right, y = last - metre * up, in pixels."""

    first: float
    last: float
    metre: float

    def scaled(self, by: float) -> "Plane":
        return Plane(self.first * by, self.last * by, self.metre * by)


class Layout(NamedTuple):
    """Where charts lie in a square texture."""

    side: int  # texels
    planes: list[Plane]  # of each of `DIRECTIONS`, in texels
    shift: Indices  # (charts, 2) from a side's plane to the texture, right and down


def plane_of(view: View) -> Plane:
    """Where the body lies in a view's picture, in its pixels; the matte may be coarser than these."""
    ratio = view.image.shape[0] / view.cutout.matte.shape[0]
    ratio = round(ratio) if ratio > 1 else 1 / round(1 / ratio)  # whole blocks, the last of them perhaps not full
    return Plane(view.frame.centre, view.frame.bottom, view.frame.metre).scaled(ratio)


def laid_out(flat: Floats, side: Indices, chart: Indices, views: Mapping[str, View]) -> Layout:
    """Place charts: `flat` (m, 4, 3) are their quads' corners as seen from their sides, in metres."""
    planes = [plane_of(views[name]) if name in views else None for name in DIRECTIONS]
    finest = max(plane.metre for plane in planes if plane is not None)
    whole = [plane or Plane(0, 0, COARSE * finest) for plane in planes]
    whole = [plane.scaled(max(1, LEAST / plane.metre)) if planes[k] else plane for k, plane in enumerate(whole)]
    order = np.argsort(chart, kind="stable")
    starts = np.searchsorted(chart[order], np.arange(int(chart.max()) + 1))
    first, second, third, fourth = (flat[:, corner, :2] for corner in range(4))
    low = np.minimum(np.minimum(first, second), np.minimum(third, fourth))
    high = np.maximum(np.maximum(first, second), np.maximum(third, fourth))
    low, high = np.minimum.reduceat(low[order], starts), np.maximum.reduceat(high[order], starts)
    sides = side[order][starts]
    texels = SMALLEST
    while True:
        scale = _largest(low, high, [whole[k] for k in sides], texels)
        if texels == LARGEST or scale >= ENOUGH:
            break
        texels *= 2
    scaled = [plane.scaled(scale) for plane in whole]
    corners, sizes = _boxes(low, high, [scaled[k] for k in sides])
    places = packed(sizes, texels)
    if places is None:
        raise ValueError("the charts do not fit into a texture")
    return Layout(texels, scaled, (places - corners).astype(np.int32))


def _largest(low: Floats, high: Floats, planes: Sequence[Plane], texels: int) -> float:
    """The largest scale, at most 1, at which all charts fit into a texture."""

    def fits(scale: float) -> bool:
        return packed(_boxes(low, high, [plane.scaled(scale) for plane in planes])[1], texels) is not None

    if fits(1.0):
        return 1.0
    good, bad = 0.0, 1.0
    for _ in range(7):
        middle = (good + bad) / 2
        good, bad = (middle, bad) if fits(middle) else (good, middle)
    return good


def _boxes(low: Floats, high: Floats, planes: Sequence[Plane]) -> tuple[NDArray[np.int64], list[tuple[int, int]]]:
    """Left and top (n, 2) of each chart in its side's plane, and its width and height, both with the margin."""
    first, last, metre = np.array(planes, np.float64).T
    start = np.floor(np.stack((first + metre * low[:, 0], last - metre * high[:, 1]), axis=1)).astype(np.int64)
    end = np.ceil(np.stack((first + metre * high[:, 0], last - metre * low[:, 1]), axis=1)).astype(np.int64)
    size = end - start + 2 * MARGIN
    return start - MARGIN, [(int(width), int(height)) for width, height in size]
