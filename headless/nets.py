# SPDX-License-Identifier: GPL-3.0-or-later
"""The surface of a body on a grid as closed quads (surface nets): one point in a cell, one quad for each of the grid's
edges that the surface crosses. Knows nothing of pictures. Never imports bpy; numpy only.

A cell that the surface passes more than once gets a point for each sheet of it, as in dual marching cubes, so that
every edge has exactly two faces.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .around import Around
from .cells import AMBIGUOUS, COUNT, FACES, LOOP, NUMBER
from .crumbs import in_four, without_crumbs
from .grid import Grid
from .pixels import Floats
from .shape import Indices
from .solid import Solid

Longs = NDArray[np.int64]
Mask = NDArray[np.bool_]

NEAREST = 0.1  # of a grid's edge: so far from its ends the surface crosses it at least, or faces would have no area
BARELY = 0.05  # of the highest value around it: what a corner gets that is filled so that the body hangs together
GUESS = 1 / 64  # metres, the pitch at which the surface is estimated first
MOST_VALUES = 12_000_000  # of a grid: bounds memory and time for wires, of which a fine grid would be empty
TRIES = 5  # pitches
NEAR = 0.1  # logarithm of the ratio between the quads made and those wanted: near enough
ROUNDS = 4  # of evening out the quads
ROOM = 0.02  # of a cell: so far from its cell's walls a point stays, which keeps sheets from passing through each other


def quads_of(grid: Grid) -> Solid:
    """The closed surface between what is above 0 and what is not, in metres.

    Places where the body would touch itself in an edge are filled, so that they hang together. A body that is cut off
    by the grid's border is closed there. There are no quads where nothing is inside.
    """
    values = bordered(grid.values)
    corner = grid.corner - grid.pitch * (np.array(values.shape) - grid.values.shape) / 2
    values, cells, kinds = mended(values)
    points, quads, at = _net(values, cells, kinds)
    count = COUNT[kinds]
    points = _relaxed(points, quads, at, np.repeat(count > 1, count), values)
    return Solid((corner + points * grid.pitch).astype(np.float32), quads)


def solid(make_grid: Callable[[float], Grid], wanted: int, most: int) -> Solid:
    """The surface in about `wanted` quads, and never more than `most`.

    `make_grid` gives the field at a pitch in metres; the body is about a metre large. A body of so little surface that
    the grid would become too large has fewer quads, or each of them is cut in four. There are no quads where nothing is
    inside at any pitch.
    """
    grid = make_grid(GUESS)
    finest = GUESS * (grid.values.size / MOST_VALUES) ** (1 / 3)
    count, best, nearest = faces_of(grid.values), None, np.inf
    for _ in range(TRIES):
        pitch = max(finest, grid.pitch * float(np.clip(np.sqrt(count / wanted), 0.2, 3)))
        if best is not None and pitch == grid.pitch:
            break
        grid = make_grid(pitch)
        count = faces_of(grid.values)
        if count > most:
            continue
        made = without_crumbs(quads_of(grid), pitch)
        count = len(made.quads)
        if 0 < count <= most and abs(np.log(count / wanted)) < nearest:
            best, nearest = made, abs(np.log(count / wanted))
        if nearest < NEAR:
            break
    if best is None:
        return Solid(np.zeros((0, 3), np.float32), np.zeros((0, 4), np.int32))
    while len(best.quads) < 0.6 * wanted and 4 * len(best.quads) <= most:
        best = in_four(best)
    return best


def bordered(values: Floats) -> Floats:
    """The same, with a border of outside around it where there is none."""
    sides = [values.take(end, axis) for axis in range(3) for end in (0, -1)]
    if all(float(side.max()) <= 0 for side in sides):
        return values
    padded = np.pad(values, 1, mode="edge")
    for axis in range(3):
        for end in (0, -1):
            side = np.moveaxis(padded, axis, 0)[end]
            np.minimum(side, -np.abs(side) - np.float32(1e-6), out=side)
    return padded


def faces_of(values: Floats) -> int:
    """How many quads the surface has, about."""
    inside = values > 0
    return sum(int(np.count_nonzero(np.diff(inside, axis=axis))) for axis in range(3))


def _corners(shape: tuple[int, ...]) -> Longs:
    """How far a cell's 8 corners are from its first, in the flat array."""
    number = np.arange(8)
    return (number & 1) * shape[1] * shape[2] + (number >> 1 & 1) * shape[2] + (number >> 2)


def _passed(inside: Mask) -> tuple[Longs, Longs]:
    """The cells that the surface passes: the number of their first corner in the flat array, and their kind."""
    some, every = inside, inside
    for axis in range(3):
        low, high = (np.s_[:-1], np.s_[1:])
        cut = [(slice(None),) * axis + (part,) for part in (low, high)]
        some, every = some[cut[0]] | some[cut[1]], every[cut[0]] & every[cut[1]]
    at = np.nonzero((some & ~every).ravel())[0]
    shape = some.shape
    x, rest = np.divmod(at, shape[1] * shape[2])
    y, z = np.divmod(rest, shape[2])
    cells = (x * inside.shape[1] + y) * inside.shape[2] + z
    flat = inside.ravel()
    kinds = np.zeros(len(cells), np.int64)
    for number, offset in enumerate(_corners(inside.shape)):
        kinds |= flat[cells + offset].astype(np.int64) << number
    return cells, kinds


def mended(values: Floats) -> tuple[Floats, Longs, Longs]:
    """The values, in which no two corners hang together by an edge alone; the cells that the surface passes; their
    kinds.

    Such a place would give an edge four faces: the two cells at an ambiguous face would be linked by two edges between
    the same two points. Of the two corners that are outside there, the higher one is taken in.
    """
    inside = values > 0
    lookup = np.zeros(0, np.int32)
    while True:
        cells, kinds = _passed(inside)
        tricky = np.nonzero(AMBIGUOUS[kinds].any(axis=1))[0]
        if not len(tricky):
            return values, cells, kinds
        if not len(lookup):
            lookup = np.zeros(values.size, np.int32)
            values = values.copy()
        lookup[cells[tricky]] = tricky
        steps = np.array([values.shape[1] * values.shape[2], values.shape[2], 1])
        filled = []
        flat = values.reshape(-1)
        for axis in range(3):
            face, opposite = 2 * axis + 1, 2 * axis
            here = tricky[AMBIGUOUS[kinds[tricky], face]]
            there = lookup[cells[here] + steps[axis]]
            alone = _in_one_loop(kinds[here], face) & _in_one_loop(kinds[there], opposite)
            four = cells[here[alone]][:, None] + _corners(values.shape)[FACES[face, 0]]
            around = flat[four]
            higher = np.argmax(np.where(around > 0, -np.inf, around), axis=1)
            corner = four[np.arange(len(four)), higher]
            flat[corner] = np.maximum(flat[corner], np.maximum(around.max(axis=1) * np.float32(BARELY), 1e-30))
            filled.append(corner)
        new = np.concatenate(filled)
        if not len(new):
            return values, cells, kinds
        inside.reshape(-1)[new] = True


def _in_one_loop(kinds: Longs, face: int) -> Mask:
    loops = LOOP[kinds][:, FACES[face, 1]]
    return (loops == loops[:, :1]).all(axis=1)


def _net(values: Floats, cells: Longs, kinds: Longs) -> tuple[NDArray[np.float64], Indices, Longs]:
    """Points in cells from the first value, the quads, and the cell (i, j, k) of each point."""
    count = COUNT[kinds]
    first = np.cumsum(count) - count
    lookup = np.zeros(values.size, np.int32)
    lookup[cells] = np.arange(len(cells), dtype=np.int32)
    steps = np.array([values.shape[1] * values.shape[2], values.shape[2], 1])
    flat, inside = values.reshape(-1), (values > 0).reshape(-1)
    quads, places = [], []
    for axis in range(3):
        step, b, c = steps[axis], (axis + 1) % 3, (axis + 2) % 3
        start = np.nonzero(inside[:-step] != inside[step:])[0]  # never across the border: it is outside
        leaving = inside[start]
        four = np.empty((len(start), 4), np.int32)
        for turn, (right, up) in enumerate(((1, 1), (0, 1), (0, 0), (1, 0))):
            cell = lookup[start - right * steps[b] - up * steps[c]]
            four[:, turn] = first[cell] + NUMBER[kinds[cell], 4 * axis + right + 2 * up]
        four[~leaving] = four[~leaving, ::-1]
        low, high = flat[start], flat[start + step]
        place = np.stack(np.unravel_index(start, values.shape), axis=1).astype(np.float64)
        place[:, axis] += np.clip(low / (low - high), NEAREST, 1 - NEAREST)
        quads.append(four)
        places.append(place)
    joined = np.concatenate(quads)
    corner = joined.ravel()
    number = np.maximum(np.bincount(corner, minlength=int(count.sum())), 1)
    place = np.repeat(np.concatenate(places), 4, axis=0)
    points = np.stack([np.bincount(corner, place[:, axis]) / number for axis in range(3)], axis=1)
    at = np.stack(np.unravel_index(np.repeat(cells, count), values.shape), axis=1)
    return points, joined, at


def _relaxed(points: NDArray[np.float64], quads: Indices, at: Longs, crowded: Mask, values: Floats) -> Floats:
    """Even out the quads: points go to the middle of their neighbours and back onto the surface, each in its cell.

    Those that share a cell stay where they are, or they might meet.
    """
    around = Around(quads, len(points))
    points, first = points.astype(np.float32), at.astype(np.float32)
    low, high = first + np.float32(ROOM), first + np.float32(1 - ROOM)
    low[crowded] = high[crowded] = points[crowded]
    corners = _values_around(at, values)
    for _ in range(ROUNDS):
        points = np.clip(around.mean(points), low, high)
        points = np.clip(points + _to_surface(points - first, corners), low, high)
    return points


def _values_around(at: Longs, values: Floats) -> list[Floats]:
    """The values at the eight corners of each of the cells."""
    first = (at[:, 0] * values.shape[1] + at[:, 1]) * values.shape[2] + at[:, 2]
    return [np.take(values.reshape(-1), first + offset) for offset in _corners(values.shape)]


def _to_surface(places: Floats, corners: list[Floats]) -> Floats:
    """The way from places in cells to where the values are 0, straight up or down their slope, in cells; at most half a
    cell."""
    c000, c100, c010, c110, c001, c101, c011, c111 = corners
    x, y, z = places.T
    # Trilinear, along x first; d.. are the slopes along x.
    d00, d10, d01, d11 = c100 - c000, c110 - c010, c101 - c001, c111 - c011
    c00, c10, c01, c11 = c000 + d00 * x, c010 + d10 * x, c001 + d01 * x, c011 + d11 * x
    low, high = c00 + (c10 - c00) * y, c01 + (c11 - c01) * y
    slopes = (
        (d00 + (d10 - d00) * y) * (1 - z) + (d01 + (d11 - d01) * y) * z,
        (c10 - c00) * (1 - z) + (c11 - c01) * z,
        high - low,
    )
    steep = sum(slope * slope for slope in slopes)
    value = low + (high - low) * z
    share = -value / np.maximum(steep, np.float32(1e-30))
    share *= np.minimum(1, np.float32(0.5) / np.maximum(np.abs(share) * np.sqrt(steep), np.float32(1e-9)))
    return np.stack([slope * share for slope in slopes], axis=1)
