# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries values over a body's surface: smooth ones from where they are known to where they are not. Never imports bpy;
numpy only.
"""

import numpy as np

from .net import mean_beside
from .pixels import Floats, Mask
from .shape import Indices

WIDE = 24  # cells along the longest side, over which differences between views are evened out
ROUNDS = 60  # in which what was carried over a gap settles on the surface
SLOWEST = 0.998  # what is left in a step of the slowest wave of a gap some 60 quads wide


def filled(values: Floats, weight: Floats, around: Indices) -> Floats:
    """Values (n, c) at all points, from those with a weight (n,) 0..1 in what is around the others."""
    guess = _ring_by_ring(values, weight >= 0.5, around)
    result = values * weight[:, None] + guess * (1 - weight[:, None])
    # Then what is open settles between what is known on the surface: Jacobi's steps, sped up as Chebyshev taught.
    open_ = np.nonzero(weight < 1)[0]
    beside, keep = around[open_], weight[open_][:, None]
    known, before, pace = values[open_] * keep, result[open_], 1.0
    for step in range(ROUNDS):
        settled = known + mean_beside(result, beside) * (1 - keep)
        pace = 1 / (1 - SLOWEST**2 / 2) if step == 1 else 1 / (1 - SLOWEST**2 * pace / 4) if step else 1.0
        here = result.take(open_, axis=0)
        result[open_] = before + np.float32(pace) * (settled - before) if step else settled
        before = here
    return result


def _ring_by_ring(values: Floats, known: Mask, around: Indices) -> Floats:
    """Values at all points: each ring of points round the known ones takes the mean of the last ring."""
    result, known = values.copy(), known.copy()
    left = np.nonzero(~known)[0]
    while len(left):
        told = known[around[left]]
        many = told.sum(axis=1)
        now = many > 0
        if not now.any():  # a piece of which nothing is seen
            result[left] = values[known].mean(axis=0) if known.any() else 0
            break
        ring = left[now]
        result[ring] = (result[around[ring]] * told[now][..., None]).sum(axis=1) / many[now][:, None]
        known[ring] = True
        left = left[~now]
    return result


def wide_means(points: Floats, values: Floats, weights: Floats) -> Floats:
    """Means of values (n, k, c), with weights (n, k), over a wide neighbourhood of each point; each k for itself."""
    index, shape = _cells(points, WIDE)
    many, channels = values.shape[1:]
    every = np.concatenate((values * weights[..., None], weights[..., None]), axis=2)
    sums = _gathered(index, shape, every.reshape(len(points), -1))
    for _ in range(2):
        for axis in range(3):
            padded = np.pad(sums, [(1, 1) if k == axis else (0, 0) for k in range(4)])
            sums = sum(np.take(padded, range(k, k + sums.shape[axis]), axis) for k in range(3)) / np.float32(3)
    sums = sums.reshape(*shape, many, channels + 1)
    means = sums[..., :-1] / np.maximum(sums[..., -1:], 1e-6)
    return _between(means.reshape(*shape, -1), points, WIDE).reshape(values.shape)


def _scaled(points: Floats, cells: int) -> Floats:
    low, size = points.min(axis=0), float(np.ptp(points, axis=0).max())
    return (points - low) * np.float32((cells - 1) / max(size, 1e-12))


def _cells(points: Floats, cells: int) -> tuple[Indices, tuple[int, int, int]]:
    index = np.round(_scaled(points, cells)).astype(np.int64)
    width, depth, height = (int(number) + 1 for number in index.max(axis=0))
    return index, (width, depth, height)


def _gathered(index: Indices, shape: tuple[int, int, int], values: Floats) -> Floats:
    flat = np.ravel_multi_index(tuple(index.T), shape)
    sums = [np.bincount(flat, column, minlength=int(np.prod(shape))) for column in values.T]
    return np.stack(sums, axis=1).reshape(*shape, -1).astype(np.float32)


def _between(grid: Floats, points: Floats, cells: int) -> Floats:
    """Values of a grid at points, linearly between the middles of its cells."""
    place = _scaled(points, cells)
    first = np.minimum(place.astype(np.int64), np.maximum(np.array(grid.shape[:3]) - 2, 0))
    part = (place - first).astype(np.float32)
    total = np.float32(0)
    for corner in np.ndindex(2, 2, 2):
        share = np.ones(len(points), np.float32)
        for axis, end in enumerate(corner):
            share = share * (part[:, axis] if end else 1 - part[:, axis])
        x, y, z = np.minimum(first + corner, np.array(grid.shape[:3]) - 1).T
        total = total + share[:, None] * grid[x, y, z]
    return total
