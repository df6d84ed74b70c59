# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pixels triangles cover, and the nearest surface at each of them. Paints nothing. Never imports bpy; numpy
only.
"""

import numpy as np
from numpy.typing import NDArray

from .pixels import Floats
from .shape import Indices

FAR = np.float32(-1e9)  # the depth where there is nothing: further away than anything


def covered(corners: NDArray[np.floating]) -> tuple[Indices, Indices, Indices]:
    """The pixels whose centres lie in triangles, corners (n, 3, 2) x, y in pixels: triangle, row and column of each.

    A pixel on the common edge of two triangles that lie side by side belongs to one of them. Triangles of either
    winding are covered.
    """
    order = np.argsort(corners[..., 1], axis=1, kind="stable")
    x = np.take_along_axis(corners[..., 0].astype(np.float64), order, axis=1).T.copy()
    y = np.take_along_axis(corners[..., 1].astype(np.float64), order, axis=1).T.copy()
    first = np.ceil(y[0] - 0.5).astype(np.int64)
    triangle, place = _runs(np.ceil(y[2] - 0.5).astype(np.int64) - first)
    row = first[triangle] + place
    middle = row + 0.5

    def at(start: int, end: int) -> NDArray[np.float64]:
        # An edge is always walked downward, so two triangles that share it find the same columns to the last bit.
        length = y[end] - y[start]
        slope = (x[end] - x[start]) / np.where(length > 0, length, 1)
        return (x[start] - slope * y[start])[triangle] + slope[triangle] * middle

    long = at(0, 2)
    short = np.where(middle < y[1][triangle], at(0, 1), at(1, 2))
    start = np.ceil(np.minimum(long, short) - 0.5).astype(np.int64)
    run, place = _runs(np.ceil(np.maximum(long, short) - 0.5).astype(np.int64) - start)
    return (
        triangle[run].astype(np.int32),
        row[run].astype(np.int32),
        (start[run] + place).astype(np.int32),
    )


def _runs(lengths: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For runs of these lengths, one after the other: which run each element is of, and its place in that."""
    lengths = np.maximum(lengths, 0)
    run = np.repeat(np.arange(len(lengths)), lengths)
    return run, np.arange(len(run)) - np.repeat(np.cumsum(lengths) - lengths, lengths)


def shares(corners: NDArray[np.floating], triangle: Indices, row: Indices, column: Indices) -> Floats:
    """How far pixel centres are on the way from a triangle's first corner to its second and to its third, (n, 2)."""
    origin = corners[:, 0].astype(np.float64)
    right, down = corners[:, 1] - origin, corners[:, 2] - origin
    area = right[:, 0] * down[:, 1] - right[:, 1] * down[:, 0]
    area = np.where(np.abs(area) > 1e-12, area, 1)
    # Both shares are planes over the pixels: three numbers a triangle.
    to_second = np.stack((down[:, 1], -down[:, 0]), axis=1) / area[:, None]
    to_third = np.stack((-right[:, 1], right[:, 0]), axis=1) / area[:, None]
    planes = [np.column_stack((plane, -(plane * (origin - 0.5)).sum(axis=1))) for plane in (to_second, to_third)]
    table = np.concatenate(planes, axis=1)[triangle]
    return np.stack([table[:, k] * column + table[:, k + 1] * row + table[:, k + 2] for k in (0, 3)], axis=1).astype(
        np.float32
    )


def nearest(corners: NDArray[np.floating], depth: Floats, shape: tuple[int, int]) -> Floats:
    """The highest depth at each pixel of (h, w), of triangles with corners (n, 3, 2) x, y and depths (n, 3); `FAR`
    where none is."""
    triangle, row, column = covered(corners)
    part = shares(corners, triangle, row, column)
    rises = np.stack((depth[:, 0], depth[:, 1] - depth[:, 0], depth[:, 2] - depth[:, 0]), axis=1)[triangle]
    here = rises[:, 0] + rises[:, 1] * part[:, 0] + rises[:, 2] * part[:, 1]
    inside = (row >= 0) & (row < shape[0]) & (column >= 0) & (column < shape[1])
    found = np.full(shape[0] * shape[1], FAR, np.float32)
    np.maximum.at(found, row[inside].astype(np.int64) * shape[1] + column[inside], here[inside].astype(np.float32))
    return found.reshape(shape)
