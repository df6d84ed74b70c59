# SPDX-License-Identifier: GPL-3.0-or-later
"""What lies beside what on a closed body of quads: neighbours, normals, smoothing, parts, finer quads. Never imports
bpy; numpy only.
"""

from dataclasses import dataclass

import numpy as np

from .pixels import Floats
from .shape import Indices
from .solid import Solid

MOST_NEIGHBOURS = 5  # of a point that are looked at; nearly all have three to five


@dataclass(frozen=True)
class Net:
    """Neighbours on a body: tables to gather from, padded with the thing itself."""

    around: Indices  # (n, 5) points that share an edge with each point
    across: Indices  # (m, 4) the quad across each edge of each quad; edge k runs from corner k to corner k + 1


def net_of(solid: Solid) -> Net:
    """The neighbours on a body."""
    n, m = len(solid.points), len(solid.quads)
    start = solid.quads.ravel().astype(np.int64)
    end = np.roll(solid.quads, -1, axis=1).ravel().astype(np.int64)
    order = np.argsort(start, kind="stable")
    count = np.bincount(start, minlength=n)
    rank = np.arange(len(start)) - np.repeat(np.cumsum(count) - count, count)
    around = np.repeat(np.arange(n, dtype=np.int32)[:, None], MOST_NEIGHBOURS, axis=1)
    kept = rank < MOST_NEIGHBOURS
    around[start[order][kept], rank[kept]] = end[order][kept]
    across = np.repeat(np.arange(m, dtype=np.int32), 4)
    order = np.argsort(np.minimum(start, end) * n + np.maximum(start, end), kind="stable")
    pairs = order[: len(order) // 2 * 2].reshape(-1, 2)  # on a closed body, each edge has two quads
    across[pairs[:, 0]], across[pairs[:, 1]] = pairs[:, 1] // 4, pairs[:, 0] // 4
    return Net(around, across.reshape(m, 4))


def smoothed(values: Floats, table: Indices, rounds: int) -> Floats:
    """Each value becomes the mean of itself and its neighbours', so many times: (n, c) or (n,)."""
    for _ in range(rounds):
        values = (values + mean_beside(values, table)) * np.float32(0.5)
    return values


def mean_beside(values: Floats, table: Indices) -> Floats:
    """The mean of each value's neighbours, (n, c) or (n,). Column by column: several times as fast as `mean`."""
    total = values.take(table[:, 0], axis=0)
    for column in range(1, table.shape[1]):
        total += values.take(table[:, column], axis=0)
    return total * np.float32(1 / table.shape[1])


def lowest(values: Floats, table: Indices, rounds: int) -> Floats:
    """Each value becomes the lowest of its own and its neighbours', so many times."""
    for _ in range(rounds):
        lower = values
        for column in range(table.shape[1]):
            lower = np.minimum(lower, values.take(table[:, column]))
        values = lower
    return values


def corner_areas(solid: Solid) -> Floats:
    """Twice the area, as a normal, of the triangle at each corner of each quad: (m, 4, 3)."""
    corners = solid.points[solid.quads]
    edges = np.roll(corners, -1, axis=1) - corners
    before = np.roll(edges, 1, axis=1)
    return np.cross(before, edges)


def point_normals(solid: Solid, areas: Floats) -> Floats:
    """Unit normals of the points, (n, 3), from the `corner_areas`."""
    index = solid.quads.ravel()
    flat = areas.reshape(-1, 3)
    summed = [np.bincount(index, flat[:, axis], minlength=len(solid.points)) for axis in range(3)]
    return unit(np.stack(summed, axis=1).astype(np.float32))


def unit(vectors: Floats) -> Floats:
    """Vectors (n, 3) of length 1."""
    return vectors / np.maximum(lengths(vectors), 1e-20)[:, None].astype(np.float32)


def summed(columns: Floats) -> Floats:
    """(n,) sums of (n, c). Column by column, as `lengths`."""
    total = np.zeros(len(columns), np.float32)
    for column in columns.T:
        total += column
    return total


def lengths(vectors: Floats) -> Floats:
    """How long vectors (n, 3) are. Column by column: several times as fast as `norm`."""
    x, y, z = vectors.T
    return np.sqrt(x * x + y * y + z * z)


def parts(kind: Indices, across: Indices) -> Indices:
    """Numbers (m,) for quads of one kind that hang together by edges, 0 upward in the order of their first quads."""
    root = np.arange(len(kind), dtype=np.int32)
    beside = np.where(kind[across] == kind[:, None], across, root[:, None])
    while True:
        low = root
        for column in range(4):
            low = np.minimum(low, root[beside[:, column]])
        changed = np.nonzero(low < root)[0]
        if not len(changed):
            break
        np.minimum.at(root, root[changed], low[changed])
        np.minimum.at(root, changed, low[changed])
        while True:
            further = root[root]
            if np.array_equal(further, root):
                break
            root = further
    first = root == np.arange(len(root))  # the root of each part is its first quad
    return (np.cumsum(first, dtype=np.int32) - 1)[root]


def finer(solid: Solid, values: Floats) -> tuple[Solid, Floats]:
    """Four quads for each, those of quad q at q, q + m, q + 2 m and q + 3 m; and the points' values (n, c) carried
    over."""
    n, m = len(solid.points), len(solid.quads)
    start = solid.quads.ravel().astype(np.int64)
    end = np.roll(solid.quads, -1, axis=1).ravel().astype(np.int64)
    edges, edge = np.unique(np.minimum(start, end) * n + np.maximum(start, end), return_inverse=True)
    ends = np.stack((edges // n, edges % n), axis=1)
    sides = (n + edge.reshape(m, 4)).astype(np.int32)
    middle = np.arange(n + len(edges), n + len(edges) + m, dtype=np.int32)
    quads = [np.stack((solid.quads[:, k], sides[:, k], middle, sides[:, k - 1]), axis=1) for k in range(4)]

    def grown(old: Floats) -> Floats:
        return np.concatenate((old, old[ends].mean(axis=1), old[solid.quads].mean(axis=1))).astype(np.float32)

    return Solid(grown(solid.points), np.concatenate(quads)), grown(values)
