# SPDX-License-Identifier: GPL-3.0-or-later
"""Moves a body's points so that its silhouettes agree with the pictures' to less than a pixel. Adds and removes
nothing. Never imports bpy; numpy only.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from .around import Around
from .pixels import Floats, bilinear
from .shape import Indices
from .solid import Solid
from .views import AXES, View

ROUNDS = 4  # the rim moves while points are moved, so it is looked for again
REACH = 1.6  # of an edge's length: so far from a rim its silhouette's contour is looked for
STEPS = 6  # places looked at on each side of a rim, before the contour's place is found between two of them
REFINED = 3  # times the place is narrowed down
SOFT = 4  # rounds in which moves are evened out among neighbours, so that what is around a rim follows it
WHOLE = 4.0  # times the share of points nearby that are pulled: so much of a move is made
UPRIGHT = 0.2  # cosine between a point's normal and the line of sight, up to which it may be on a rim
LEANING = 0.7  # the same in the last round
FLAT = 0.1  # of its area before: a quad that gets smaller, or turns over, does not follow

PAIRS = (("front", "back"), ("left", "right"))


def fit(solid: Solid, views: Mapping[str, View]) -> Solid:
    """The body with its rims on the views' contours, as far as these are near."""
    points, quads = solid.points.copy(), solid.quads
    if not len(quads):
        return solid
    around = Around(quads, len(points))
    start, end = quads[:, 0], quads[:, 1]
    edge = float(np.sqrt(((points[end] - points[start]) ** 2).sum(axis=1)).mean())
    mattes = {name: np.pad(view.cutout.matte, 1) for name, view in views.items()}
    for turn in range(ROUNDS):
        last = turn == ROUNDS - 1  # brings back what has followed too far, and no more
        for pair in PAIRS:
            seen = [view for name, view in views.items() if name in pair]
            if not seen:
                continue
            onlooker = np.array(AXES[seen[0].name][1], np.float32)
            normals, facing = normals_of(points, quads, onlooker)
            towards = np.bincount(quads[facing > 0].ravel(), minlength=len(points))
            rim = (towards > 0) & (towards < around.count)
            beside = np.abs(normals @ onlooker) < (LEANING if last else UPRIGHT)
            moves = np.zeros((len(points), 4), np.float32)  # and in the last column how many views ask for it
            for view in seen:
                outside = beside.copy()
                outside[beside] = _shown(points[beside], view, mattes[view.name]) <= 0
                at = np.nonzero(rim | outside)[0]
                along, way, found = _to_contour(points[at], normals[at], view, mattes[view.name], REACH * edge)
                found &= rim[at] & (not last) | (
                    along < 0
                )  # what is not on the rim may hide behind it, but not stand out
                moves[at[found], :3] += way[found]
                moves[at[found], 3] += 1
            moves /= np.maximum(moves[:, 3:], 1)
            for _ in range(0 if last else SOFT):  # a single point that is pulled makes a spike, a line of them a crease
                moves = np.float32(0.5) * (moves + around.mean(moves))
            spread = moves[:, :3] * (np.minimum(1, WHOLE * moves[:, 3:]) / np.maximum(moves[:, 3:], 1e-6))
            points = _unfolded(points, spread, quads)
    return Solid(points, quads)


def crosses(points: Floats, quads: Indices) -> Floats:
    """The quads' normals, each twice as long as its quad is large, (3, m)."""
    first, second, third, fourth = (np.take(points, quads[:, corner], axis=0) for corner in range(4))
    (a, b, c), (d, e, f) = (third - first).T, (fourth - second).T
    return np.stack((b * f - c * e, c * d - a * f, a * e - b * d))


def normals_of(points: Floats, quads: Indices, onlooker: Floats) -> tuple[Floats, Floats]:
    """The points' normals (n, 3); and how much each quad faces the onlooker, (m,)."""
    across = crosses(points, quads)
    corner = quads.ravel()
    normals = np.stack([np.bincount(corner, np.repeat(row, 4), len(points)) for row in across], axis=1)
    length = np.sqrt((normals * normals).sum(axis=1))
    return (normals / np.maximum(length, 1e-30)[:, None]).astype(np.float32), onlooker @ across


def _shown(points: Floats, view: View, matte: Floats) -> Floats:
    """How far inside a matte, that has a border of one pixel around it, points are, -0.5 to 0.5."""
    across = view.frame.centre + points @ np.array(AXES[view.name][0], np.float32) * view.frame.metre
    return bilinear(matte, view.frame.bottom - points[:, 2] * view.frame.metre + 1, across + 1) - np.float32(0.5)


def _to_contour(
    points: Floats, normals: Floats, view: View, matte: Floats, reach: float
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """How far it is along the normals, as the view shows them, to where its matte ends, in metres; the ways there
    (n, 3); and where there is one."""
    right = np.array(AXES[view.name][0], np.float32)
    flat = (normals @ right)[:, None] * right
    flat[:, 2] = normals[:, 2]
    flat /= np.maximum(np.sqrt((flat * flat).sum(axis=1)), 1e-9)[:, None]
    steps = np.linspace(-reach, reach, 2 * STEPS + 1).astype(np.float32)
    values = np.stack([_shown(points + flat * step, view, matte) for step in steps])
    leaves = (values[:-1] > 0) & (values[1:] <= 0)
    middle = np.abs(steps[:-1] + steps[1:])[:, None]
    nearest = np.argmin(np.where(leaves, middle, np.inf), axis=0)
    found = leaves.any(axis=0)
    columns = np.arange(len(points))
    low, high = steps[nearest], steps[nearest + 1]
    inner, outer = values[nearest, columns], values[nearest + 1, columns]
    for _ in range(REFINED):  # the matte is a ramp of a pixel, and a step may be many
        along = low + (high - low) * np.clip(inner / np.maximum(inner - outer, 1e-6), 0.15, 0.85)
        here = _shown(points + flat * along[:, None], view, matte)
        low, inner = np.where(here > 0, along, low), np.where(here > 0, here, inner)
        high, outer = np.where(here > 0, high, along), np.where(here > 0, outer, here)
    along = low + (high - low) * np.clip(inner / np.maximum(inner - outer, 1e-6), 0, 1)
    return along, flat * along[:, None], found


def _unfolded(points: NDArray[np.float64], moves: NDArray[np.float64], quads: Indices) -> NDArray[np.float64]:
    """The moved points; those of quads that would turn over or lose their area go less far, or not at all."""
    before = crosses(points, quads)
    size = (before * before).sum(axis=0)
    share = np.ones(len(points), np.float32)
    for attempt in range(4):
        moved = points + moves * share[:, None]
        bad = (crosses(moved, quads) * before).sum(axis=0) < FLAT * size
        if not bad.any():
            return moved
        share[quads[bad]] *= 0.5 if attempt < 2 else 0
    return points + moves * share[:, None]
