# SPDX-License-Identifier: GPL-3.0-or-later
"""How well each view sees each point of a body: straight or aslant, free or hidden, inside its outline or at the rim.
Never imports bpy; numpy only.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .net import lowest, smoothed, summed
from .pixels import Floats, bilinear, blur, grow
from .raster import nearest
from .shape import Indices

DEPTH_SIZE = 448  # pixels for the longest of a body's sizes, in which it is seen what hides what
NEAR = 0.012  # of the longest size: what lies so little behind something is not hidden by it
ASLANT = 0.12  # cosine below which a view is not believed: its pixels are stretched eight times there
SHY = 3  # quads that a view keeps off the edge of what it does not see
RIM = 0.002  # of the longest size: half the width of the outline's rim, where pixels are believed less
RIM_SHARE = 0.02  # of its weight is left to a view outside its own outline


class Sight(NamedTuple):
    """What a view is to the points: its axes, and how far its pixels can be trusted."""

    right: tuple[int, int, int]
    out: tuple[int, int, int]
    trust: Floats  # (h, w) 0..1, small
    pixels: tuple[float, float, float]  # x = first + second * metres to the right; y = third - second * z in `trust`


def sights(points: Floats, normals: Floats, triangles: Indices, around: Indices, views: Sequence[Sight]) -> Floats:
    """The weight (n, views) 0..1 of each view at each point of a body; 0 where it is not seen."""
    size = float(np.ptp(points, axis=0).max())
    corners = points[triangles]
    facing = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    weights = []
    for view in views:
        straight = normals @ np.array(view.out, np.float32)
        towards = facing @ np.array(view.out, np.float32) > 0
        free = _free(points, straight, triangles[towards], view, size)
        free = np.minimum(smoothed(lowest(free, around, SHY), around, 2), free)
        weights.append(free * np.clip((straight - ASLANT) / (1 - ASLANT), 0, 1) ** 2 * _within(points, view, size))
    return np.stack(weights, axis=1).astype(np.float32)


def _free(points: Floats, straight: Floats, triangles: Indices, view: Sight, size: float) -> Floats:
    """1 where nothing stands between a point and the onlooker, 0 where something does."""
    scale = DEPTH_SIZE / size
    across, depth = points @ np.array(view.right, np.float32), points @ np.array(view.out, np.float32)
    at = np.stack((across, points[:, 2].max() - points[:, 2]), axis=1)
    at = (at - at.min(axis=0)) * scale + 2
    width, height = (int(number) + 3 for number in at.max(axis=0))
    seen = nearest(at[triangles], depth[triangles], (height, width))
    seen = grow(seen, 1)  # with a margin, so that an arm's edge is not printed on what is behind it
    column, row = at.astype(np.int64).T
    slope = np.sqrt(1 - np.clip(straight, 0.15, 1) ** 2) / np.clip(straight, 0.15, 1)
    behind = seen[row, column] - depth - 2.2 * slope / scale  # within two pixels a slope rises so much by itself
    return np.clip(2 - behind / (NEAR * size), 0, 1).astype(np.float32)


def _within(points: Floats, view: Sight, size: float) -> Floats:
    first, scale, third = view.pixels
    inside = blur(view.trust, max(0.4, RIM * size * scale))
    x = first + scale * (points @ np.array(view.right, np.float32))
    here = np.clip(bilinear(inside, third - scale * points[:, 2], x) * 2 - 1, 0, 1)
    return RIM_SHARE + (1 - RIM_SHARE) * here


def prevailing(weights: Floats, around: Indices) -> tuple[Floats, Floats]:
    """Two divisions of each point among the views, (n, views): a narrow one for details, and a wide one, over which
    views that differ are brought together. Each adds up to how sure the point's colour is, 0..1."""
    surely = np.clip(summed(weights)[:, None] / 0.01, 0, 1)
    both = []
    narrow = np.square(np.square(weights))  # the best view prevails: details change within a few degrees
    for shares, rounds in ((narrow, 2), (weights, 6)):
        divided = surely * shares / np.maximum(summed(shares), 1e-20)[:, None]
        both.append(smoothed(divided, around, rounds).astype(np.float32))
    return both[0], both[1]
