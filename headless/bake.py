# SPDX-License-Identifier: GPL-3.0-or-later
"""Colours of a texture's texels, from the views that see what they show. Never imports bpy; numpy only."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .canvas import sampled, wide_pixels
from .layout import MARGIN, Plane
from .pixels import Bytes, Floats, Mask, fill_outward
from .raster import covered
from .shape import Indices
from .slopes import Places, slopes_of

AT_ONCE = 150_000  # texels: bounds memory
LEAST = 0.004  # of a texel's colour: a smaller share of a view does not count
ALONE = 0.985  # a view's share from which on it is taken as it is
UNSEEN = 0.5  # of 255: a change of colour that is left out
COARSE = 16  # texels of the texture between charts that get one colour


class Texels(NamedTuple):
    """The texels that a body's triangles cover, of a texture or of a coarser one in its place."""

    side: int  # of the texture
    triangle: Indices
    row: Indices
    column: Indices
    step: int = 1  # texels of the finest texture to one of this

    def coarser(self, step: int) -> "Texels":
        """Those of a texture of a fraction of the side."""
        chosen = np.nonzero((self.row % step == step // 2) & (self.column % step == step // 2))[0]
        row, column = self.row[chosen] // step, self.column[chosen] // step
        return Texels(self.side // step, self.triangle[chosen], row, column, self.step * step)

    def fine(self, some: Indices) -> tuple[Indices, Indices]:
        """Row and column of some of them in the finest texture."""
        middle = np.int32(self.step // 2)
        return self.row[some] * np.int32(self.step) + middle, self.column[some] * np.int32(self.step) + middle


class Layer(NamedTuple):
    """A kind of map, as the views show it."""

    images: Sequence[Bytes]  # of each view, as large as its canvas
    added: Floats  # (n, 3) 0..255, what is added at each point to the views' shares
    bare: Mask | None = None  # (k,) triangles on which no view counts
    instead: tuple[float, float, float] = (0, 0, 0)  # what they have


def texels_of(corners: NDArray[np.floating], side: int) -> Texels:
    """The texels of triangles with corners (n, 3, 2), x to the right and y down in texels."""
    triangle, row, column = covered(corners)
    inside = (row >= 0) & (row < side) & (column >= 0) & (column < side)
    return Texels(side, *(values[inside] for values in (triangle, row, column)))


class Ground(NamedTuple):
    """What texels are painted from: the triangles' corners, and what is known at the points."""

    corners: Floats  # (n, 3, 2) texels
    triangles: Indices  # (n, 3)
    points: Floats  # (k, 3) metres
    shares: Floats  # (k, views)
    own: Indices  # (n,) the view that each triangle's chart faces, -1 for none
    shift: Indices  # (n, 2) from the texture to that view's canvas, right and down
    rights: Sequence[tuple[int, int, int]]  # of each view
    planes: Sequence[Plane]  # of each view's canvas


def painted(texels: Texels, ground: Ground, layer: Layer) -> Bytes:
    """(side, side, 3): the texels' colours, carried outward over what no triangle covers."""
    images = [wide_pixels(image) for image in layer.images]
    packed = np.zeros(texels.side * texels.side, np.uint32)
    flat = texels.row * np.int32(texels.side) + texels.column
    shares = [_at_corners(column, ground.triangles) for column in ground.shares.T[: len(images)]]
    added = [_at_corners(column, ground.triangles) for column in layer.added.T]
    if layer.bare is not None:
        for corners in shares:
            corners[:, layer.bare] = 0
        for corners, value in zip(added, layer.instead, strict=True):
            corners[:, layer.bare] = value
    alone = np.zeros(len(ground.triangles), np.bool_)
    for view, corners in enumerate(shares):
        alone |= (ground.own == view) & (_least(corners) > ALONE)
        chosen = np.nonzero((ground.own == view)[texels.triangle])[0]
        packed[flat[chosen]] = _own_pixels(texels, chosen, ground, images[view])
    plain = alone.copy()
    for corners in added:
        plain &= (_least(corners) > -UNSEEN) & (_least(-corners) > -UNSEEN)
    slopes = slopes_of(ground.corners)
    falls = [slopes.of(corners) for corners in added]
    places = [slopes.of(_at_corners(column, ground.triangles)) for column in ground.points.T]
    parts = [(_least(-corners) < -LEAST, slopes.of(corners)) for corners in shares]
    mixed = np.nonzero(~plain[texels.triangle])[0]
    for start in range(0, len(mixed), AT_ONCE):
        part = mixed[start : start + AT_ONCE]
        triangle = texels.triangle[part]
        where = slopes.places(triangle, *texels.fine(part))
        colour = np.zeros((len(part), 4), np.float32)
        for channel, fall in enumerate(falls):
            colour[:, channel] = where.values(fall)
        own = ground.own[triangle]
        before = packed[flat[part]].view(np.uint8).reshape(-1, 4)
        for view, (has, share) in enumerate(parts):
            here = np.nonzero((own == view) & has[triangle])[0]
            weight = np.where(alone[triangle[here]], np.float32(1), where.some(here).values(share))
            colour[here] += before[here] * weight[:, None]
            there = np.nonzero((own != view) & has[triangle])[0]
            some = where.some(there)
            x, y = _in_view(some, places, ground.rights[view], ground.planes[view])
            colour[there] += sampled(images[view], x, y) * some.values(share)[:, None]
        packed[flat[part]] = np.clip(colour + np.float32(0.5), 0, 255).astype(np.uint8).view(np.uint32)[:, 0]
    has_one = _carry_outward(packed, flat, texels.side)
    return _between_charts(packed, has_one, texels.side)


def _at_corners(values: Floats, triangles: Indices) -> Floats:
    """(3, k): what is known at the points, at each corner of the triangles."""
    return np.stack([values.take(triangles[:, corner]) for corner in range(3)]).astype(np.float32, copy=False)


def _least(corners: Floats) -> Floats:
    """(k,): the least at a triangle's corners."""
    return np.minimum(np.minimum(corners[0], corners[1]), corners[2])


def _own_pixels(texels: Texels, some: Indices, ground: Ground, image: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """The pixels of the view that the charts of some texels face."""
    triangle = texels.triangle[some]
    row, column = texels.fine(some)
    row = np.clip(row + ground.shift[:, 1].take(triangle), 0, image.shape[0] - 1)
    column = np.clip(column + ground.shift[:, 0].take(triangle), 0, image.shape[1] - 1)
    return image.ravel().take(row * np.int32(image.shape[1]) + column)


def _in_view(
    where: Places, places: Sequence[Floats], right: tuple[int, int, int], plane: Plane
) -> tuple[Floats, Floats]:
    """Where texels lie in a view's canvas, in its pixels; `places` are the triangles' x, y and z."""
    across = sum(np.float32(sign) * where.values(place) for sign, place in zip(right, places, strict=True) if sign)
    return plane.first + plane.metre * across, plane.last - plane.metre * where.values(places[2])


def _carry_outward(packed: NDArray[np.uint32], flat: Indices, side: int) -> Mask:
    """Give the texels round each chart the colour of the nearest in it; say which texels have one then."""
    has = np.zeros(side * side, np.bool_)
    has[flat] = True
    grid = has.reshape(side, side)
    border = grid.copy()
    border[1:-1, 1:-1] &= ~(grid[:-2, 1:-1] & grid[2:, 1:-1] & grid[1:-1, :-2] & grid[1:-1, 2:])
    edge = np.nonzero(border.ravel())[0]
    for _ in range(MARGIN):
        found = []
        for move in (-1, 1, -side, side):
            target = edge + move
            inside = (target >= 0) & (target < side * side)
            if abs(move) == 1:
                inside &= target // side == edge // side
            source, target = edge[inside], target[inside]
            free = ~has[target]
            source, target = source[free], target[free]
            packed[target] = packed[source]
            has[target] = True
            found.append(target)
        edge = np.concatenate(found)
    return has


def _between_charts(packed: NDArray[np.uint32], has: Mask, side: int) -> Bytes:
    """Fill what lies between charts with the smooth colours of what is around, so that no map is seen to be empty."""
    count, step = side // COARSE, COARSE // 4
    known = has.reshape(count, 4, step, count, 4, step)[:, :, 0, :, :, 0]
    some = packed.reshape(count, 4, step, count, 4, step)[:, :, 0, :, :, 0]
    colours = np.ascontiguousarray(some).view(np.uint8).reshape(*some.shape, 4)
    sums = (colours * known[..., None].astype(np.float32)).sum((1, 3))
    weight = known.sum((1, 3)).astype(np.float32)
    means = fill_outward(sums[..., :3] / np.maximum(weight, 1)[..., None], np.minimum(weight, 1))
    wide = wide_pixels(np.round(means).astype(np.uint8)).repeat(COARSE, axis=0).repeat(COARSE, axis=1)
    full = np.where(has.reshape(side, side), packed.reshape(side, side), wide)
    return np.ascontiguousarray(full.view(np.uint8).reshape(side, side, 4)[..., :3])
