# SPDX-License-Identifier: GPL-3.0-or-later
"""Tidies a body of quads: takes loose crumbs away that nobody would miss, and cuts quads in four. Never imports bpy;
numpy only.
"""

import numpy as np
from numpy.typing import NDArray

from .pixels import lowest_linked
from .shape import Indices
from .solid import Solid

CRUMB = 0.002  # of a body's quads, at most, in a crumb
LEAST = 60  # quads: what is smaller is a crumb in any body
HIDDEN = 0.8  # of a crumb's shadow that falls on that of the rest, from the front and from the side


def without_crumbs(solid: Solid, pitch: float) -> Solid:
    """The body without its small loose bits, where they hide before or behind the rest of it.

    A bit that shows beside the rest, from the front or from the side, is a part of its own, however small.
    """
    piece = pieces_of(solid)
    sizes = np.bincount(piece[solid.quads[:, 0]], minlength=int(piece.max(initial=-1)) + 1)
    small = sizes < max(LEAST, CRUMB * len(solid.quads))
    if not small.any() or small.all():
        return solid
    cells = np.floor((solid.points - solid.points.min(axis=0)) / pitch).astype(np.int64) + 1
    gone = small.copy()
    for axis in (0, 1):
        shadow = cells[:, axis] * (int(cells[:, 2].max()) + 2) + cells[:, 2]
        loose = small[piece]
        covered = np.isin(shadow, shadow[~loose])
        share = np.bincount(piece[loose], covered[loose], len(sizes)) / np.bincount(piece, minlength=len(sizes))
        gone &= share >= HIDDEN
    if not gone.any():
        return solid
    kept = ~gone[piece]
    number = np.cumsum(kept) - 1
    return Solid(solid.points[kept], number[solid.quads[kept[solid.quads[:, 0]]]].astype(np.int32))


def pieces_of(solid: Solid) -> NDArray[np.int64]:
    """For each point the number of the piece of the body that it belongs to, from 0."""
    edges = np.concatenate((solid.quads[:, :2], solid.quads[:, 1:3], solid.quads[:, 2:]))
    return np.unique(lowest_linked(edges.T, len(solid.points)), return_inverse=True)[1]


def in_four(solid: Solid) -> Solid:
    """Four quads for each, on a smoother surface (Catmull and Clark)."""
    points, quads = solid.points.astype(np.float64), solid.quads
    n, m = len(points), len(quads)
    a, b = quads.ravel().astype(np.int64), np.roll(quads, -1, axis=1).ravel().astype(np.int64)
    edges, edge = np.unique(np.minimum(a, b) * n + np.maximum(a, b), return_inverse=True)
    ends = np.stack((edges // n, edges % n), axis=1)
    middles = points[quads].mean(axis=1)
    halves = points[ends].mean(axis=1)
    count = np.bincount(a, minlength=n)[:, None]

    def summed(at: NDArray[np.int64], values: NDArray[np.float64], size: int) -> NDArray[np.float64]:
        return np.stack([np.bincount(at, column, size) for column in values.T], axis=1)

    beside = summed(edge, np.repeat(middles, 4, axis=0), len(edges)) / 2
    around = summed(a, np.repeat(middles, 4, axis=0), n) / count
    reach = summed(a, halves[edge], n) / count
    moved = (around + 2 * reach + (count - 3) * points) / count
    sides = n + edge.reshape(m, 4)  # a quad's side 0 runs from its corner 0 to its corner 1
    middle = np.arange(n + len(edges), n + len(edges) + m)
    cut = [np.stack((quads[:, k], sides[:, k], middle, sides[:, k - 1]), axis=1) for k in range(4)]
    result: Indices = np.concatenate(cut).astype(np.int32)
    return Solid(np.concatenate((moved, (halves + beside) / 2, middles)).astype(np.float32), result)
