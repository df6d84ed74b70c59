# SPDX-License-Identifier: GPL-3.0-or-later
"""Cuts the surface of a body into charts: pieces that are seen whole from one of six sides. Places none of them in a
texture. Never imports bpy; numpy only.
"""

import numpy as np

from .net import lengths, parts, smoothed
from .pixels import Floats, Mask
from .raster import covered, shares
from .shape import Indices
from .shape import triangulated as cut
from .solid import Solid
from .views import AXES

DIRECTIONS = {name: (right, (0, 0, 1), out) for name, (right, out) in AXES.items()}
DIRECTIONS |= {"top": ((1, 0, 0), (0, 1, 0), (0, 0, 1)), "bottom": ((1, 0, 0), (0, -1, 0), (0, 0, -1))}
"""Right, up and the way to the onlooker for each side: right x up = to the onlooker."""

SIDEWAYS = 0.2  # what a side's claim on a quad is raised by: only nearly level faces are seen by no view at all
CALM = 12  # rounds in which claims are evened out over neighbours
LEAN = 0.08  # the least cosine between any corner of a quad and its chart's direction: no quad is folded over
CRUMB = 0.002  # of all quads: smaller charts join a neighbour
TRIANGLES = np.array([[0, 1, 2, 0, 2, 3], [1, 2, 3, 1, 3, 0]], np.int32)
"""Which corners of a quad its two triangles have, cut from its first corner or from its second."""
FINE = 0.4  # of a quad's side: the pixels in which overlaps are looked for


def charts(solid: Solid, across: Indices, areas: Floats) -> tuple[Indices, Indices]:
    """The direction (an index of `DIRECTIONS`) of each quad, and the number of its chart; both (m,). `across` and
    `areas` are those of `net`.

    Quads of a chart hang together by edges, have one direction, and do not cover each other as seen from there.
    """
    normal = areas.sum(axis=1)
    size = np.maximum(lengths(normal), 1e-20)[:, None]
    outs = np.array([out for _, _, out in DIRECTIONS.values()], np.float32)
    least = areas[:, 0] @ outs.T
    for corner in range(1, 4):
        least = np.minimum(least, areas[:, corner] @ outs.T)
    lean = least * 4 / size  # (m, 6), of the corner that is turned away most
    claim = smoothed(normal / size, across, CALM) @ outs.T
    claim[:, :4] += SIDEWAYS
    allowed = lean > LEAN
    allowed |= (lean == lean.max(axis=1)[:, None]) & ~allowed.any(axis=1)[:, None]
    side = np.argmax(np.where(allowed, claim, -9), axis=1).astype(np.int32)
    side = _without_crumbs(_calm(side, across, allowed), across, allowed)
    return side, _laid_flat(solid, side, across)


def _calm(side: Indices, across: Indices, allowed: Mask) -> Indices:
    """Quads that most of their neighbours disagree with do as these do."""
    for _ in range(4):
        border = np.zeros(len(side), np.bool_)  # all others have nothing but their like around them
        for column in range(4):
            border |= side[across[:, column]] != side
        where = np.nonzero(border)[0]
        votes = np.where(allowed[where], _votes(side, across[where]), 0)
        side = side.copy()
        side[where] = np.where(votes.max(axis=1) >= 3, votes.argmax(axis=1), side[where])
    return side


def _votes(side: Indices, beside: Indices, counted: Mask | None = None) -> Indices:
    """How many of what is beside each of some quads, (k, 4), have each of the six directions: (k, 6)."""
    votes = np.zeros((len(beside), 6), np.int32)
    number = np.arange(len(beside))
    for column in range(4):
        other = beside[:, column]
        votes[number, side[other]] += 1 if counted is None else counted[other]
    return votes


def _without_crumbs(side: Indices, across: Indices, allowed: Mask) -> Indices:
    """Small pieces are given to what surrounds them, from their border inward, as far as it can see them."""
    least = max(8, round(CRUMB * len(side)))
    for _ in range(3):
        piece = parts(side, across)
        small = np.bincount(piece)[piece] < least
        if not small.any():
            break
        for _ in range(12):
            where = np.nonzero(small)[0]
            votes = np.where(allowed[where], _votes(side, across[where], ~small), 0)
            won = votes.max(axis=1) > 0
            if not won.any():
                break
            side = side.copy()
            side[where[won]] = votes[won].argmax(axis=1)
            small[where[won]] = False
    return side


def flat_corners(solid: Solid, side: Indices) -> Floats:
    """Where the corners of each quad lie as seen from its side: (m, 4, 3) to the right, up, and towards the onlooker,
    in metres."""
    turned = np.concatenate([solid.points @ np.array(axes, np.float32).T for axes in DIRECTIONS.values()])
    return turned.take(solid.quads + (side * np.int32(len(solid.points)))[:, None], axis=0)


def triangle_corners(solid: Solid) -> Indices:
    """Which corners of its quad each triangle has, (2 m, 3), as the body is cut."""
    other = cut(solid.points, solid.quads)[::2, 0] != solid.quads[:, 0]
    return TRIANGLES.take(other, axis=0).reshape(-1, 3)


def _laid_flat(solid: Solid, side: Indices, across: Indices) -> Indices:
    """Numbers of pieces of a side that do not cover themselves: what lies behind another quad of its piece is a piece
    of its own."""
    seen = flat_corners(solid, side)
    edge = np.linalg.norm(np.diff(seen, axis=1), axis=2).mean() * FINE
    corners = np.take_along_axis(np.repeat(seen, 2, axis=0), triangle_corners(solid)[..., None], axis=1)
    at = corners[..., :2] / edge
    at -= at.min(axis=(0, 1))
    triangle, row, column = covered(at)
    width, height = int(column.max()) + 1, int(row.max()) + 1
    key = (row.astype(np.int64) + height * side[triangle // 2]) * width + column
    doubly = np.bincount(key)[key] > 1  # only these pixels matter, and only where it is by the same piece
    triangle, row, column, key = triangle[doubly], row[doubly], column[doubly], key[doubly]
    part = shares(at, triangle, row, column)
    rise = corners[..., 2][triangle]
    depth = rise[:, 0] * (1 - part.sum(axis=1)) + rise[:, 1] * part[:, 0] + rise[:, 2] * part[:, 1]
    quad = triangle // 2
    layer = np.zeros(len(side), np.int32)
    for number in range(1, 8):
        piece = parts(side + 6 * layer, across)
        place = key + np.int64(6 * width * height) * piece[quad]
        order = np.lexsort((-depth, place))
        behind = quad[order[1:]][place[order[1:]] == place[order[:-1]]]
        if not len(behind):
            return piece
        hidden = np.zeros(len(side), np.bool_)
        hidden[behind] = True
        for _ in range(2):  # with some room, so that borders are calm and nothing is missed between pixels
            hidden |= (hidden[across] & (piece[across] == piece[:, None])).any(axis=1)
        layer[hidden] = number
    return parts(side + 6 * layer, across)
