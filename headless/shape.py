# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns a matte into a closed body of quads, swollen from its silhouette. Never imports bpy; numpy only.

Lengths are in pixels of the matte, x to the right, y down the picture, depth towards the onlooker, until mesh.py turns
them into metres. The body is two sheets over the same grid, front and back, joined by a wall along the contour: closed
by construction.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .pixels import Floats, bilinear, grow, window_mean

Indices = NDArray[np.int32]

MOST_CELLS = 4_000_000  # in the grid, inside and outside: bounds memory (a hair-thin drawing in a large picture)
SWELL = 0.6  # half thickness of a disc, of its radius: a strip is 0.85 of its width deep
DEEPEST = 0.24  # half thickness, of the longer side: plates and discs stay shields and do not become balloons
RIM = 0.5  # half thickness at the contour, in cells


@dataclass(frozen=True)
class Sheet:
    """The silhouette as quads: one side of the body, without depth."""

    points: NDArray[np.float64]  # (n, 2) x, y
    quads: Indices  # (m, 4), counter-clockwise as seen from the front (y runs down)
    walls: Indices  # (k, 2) edges on the contour, directed as in their quads
    pitch: float  # side of a cell
    square: Floats  # (n,) solution of the swelling equation, pixels²: the square of a disc's half thickness

    @property
    def rim(self) -> NDArray[np.bool_]:
        """Which points lie on the contour, (n,)."""
        on = np.zeros(len(self.points), np.bool_)
        on[self.walls] = True
        return on


def faces_of(inside: NDArray[np.bool_]) -> int:
    """How many quads the body over a grid of cells has."""
    padded = np.pad(inside, 1)
    walls = np.count_nonzero(padded[1:] != padded[:-1]) + np.count_nonzero(padded[:, 1:] != padded[:, :-1])
    return 2 * int(np.count_nonzero(inside)) + walls


def make_sheet(matte: Floats, faces: int, least: int = 0) -> Sheet:
    """Cover the matte's inside with cells so that the body gets about so many quads.

    There are never fewer than `least`, nor more than 4 times that. Where `least` is 0 there are at most as many as
    asked for, and a tenth. Lines too thin for cells of that size become a cell thick.
    """
    most = 4 * least or faces * 11 // 10
    coverage, corner, pitch = _covered(matte, faces)
    wanted = faces
    while faces_of(coverage >= 0.5) > most:
        coverage, corner, pitch = _covered(matte, wanted, thicken=True)
        wanted = wanted * 2 // 3
    sheet = _net(coverage, corner, pitch)
    while 2 * len(sheet.quads) + len(sheet.walls) < least:
        sheet = _subdivided(sheet)
    return sheet


def _covered(matte: Floats, faces: int, thicken: bool = False) -> tuple[Floats, NDArray[np.float64], float]:
    """How much of each cell is inside, the grid's corner and the side of a cell, for a body of about `faces` quads.

    With `thicken`, every cell that holds anything is taken for full. Raises IndexError where nothing is inside.
    """
    inside = matte >= 0.5
    rows, columns = np.nonzero(inside.any(axis=1))[0], np.nonzero(inside.any(axis=0))[0]
    low = np.array([columns[0], rows[0]], np.float64)
    size = np.array([columns[-1] + 1, rows[-1] + 1]) - low
    finest = float(np.sqrt(size.prod() / MOST_CELLS))
    pitch = max(finest, float(np.sqrt((size.prod() if thicken else np.count_nonzero(inside)) * 2.2 / faces)))
    nearest = np.inf
    for _ in range(10):
        count = np.ceil(size / pitch).astype(int) + 2
        corner = low + (size - count * pitch) / 2
        centres = [corner[axis] + (np.arange(count[axis]) + 0.5) * pitch for axis in (0, 1)]
        solid = grow(inside, int(np.ceil(0.71 * pitch))).astype(np.float32) if thicken else matte
        coverage = window_mean(solid, centres[1], centres[0], max(pitch, 0.5))
        found = max(faces_of(coverage >= 0.5), 1)
        if abs(np.log(found / faces)) < nearest:
            nearest, best = abs(np.log(found / faces)), (coverage, corner, pitch)
        if 0.93 < found / faces < 1.07 or (pitch == finest and found < faces):
            break
        pitch = max(finest, pitch * float(np.clip(np.sqrt(found / faces), 0.4, 1.6)))
    return best


def _net(coverage: Floats, corner: NDArray[np.float64], pitch: float) -> Sheet:
    """Surface nets in the plane: cells are quads, and corners on the contour move onto it."""
    samples = np.pad(coverage, 1)
    inside = samples >= 0.5
    # A corner (row, column) lies between the cells nw, ne, sw, se of the padded grid.
    four = (np.s_[:-1, :-1], np.s_[:-1, 1:], np.s_[1:, :-1], np.s_[1:, 1:])
    touched = inside[four[0]] | inside[four[1]] | inside[four[2]] | inside[four[3]]
    rows, columns = np.nonzero(touched)
    nw, ne, sw, se = (samples[part][rows, columns] for part in four)
    offsets, crossed = _crossings(nw, ne, sw, se)
    # Where two cells meet only in this corner: it becomes two points, or an edge would get four faces.
    diagonal = crossed.all(axis=1)
    first = crossed.copy()
    north_west = nw >= 0.5
    first[diagonal] = np.where(north_west[diagonal, None], [True, False, True, False], [True, False, False, True])
    second = crossed[diagonal] & ~first[diagonal]
    moved = np.concatenate((_mean(offsets, first), _mean(offsets[diagonal], second)))
    at = np.concatenate((np.stack((columns, rows), axis=1), np.stack((columns, rows), axis=1)[diagonal])).astype(
        np.float64
    )
    grid_points = at + moved

    below = np.full(touched.shape, -1, np.int32)  # the point that cells under a corner use
    below[rows, columns] = np.arange(len(rows))
    above = below.copy()
    below[rows[diagonal], columns[diagonal]] = len(rows) + np.arange(np.count_nonzero(diagonal))
    cell_rows, cell_columns = np.nonzero(inside[1:-1, 1:-1])
    quads = np.stack(
        (
            below[cell_rows, cell_columns],
            above[cell_rows + 1, cell_columns],
            above[cell_rows + 1, cell_columns + 1],
            below[cell_rows, cell_columns + 1],
        ),
        axis=1,
    )
    walls = []
    for side, (down, right) in enumerate(((0, -1), (1, 0), (0, 1), (-1, 0))):  # left, bottom, right, top
        open_side = ~inside[cell_rows + 1 + down, cell_columns + 1 + right]
        walls.append(quads[open_side][:, [side, (side + 1) % 4]])
    sheet = Sheet(grid_points, quads, np.concatenate(walls), pitch, np.zeros(0, np.float32))
    grid_points = _relax(sheet)
    square = with_ghosts(coverage, poisson(coverage))
    square = np.maximum(bilinear(square, grid_points[:, 1], grid_points[:, 0]), 0)
    square[sheet.rim] = 0
    square = _smoothed(sheet, square)
    return replace(sheet, points=corner + grid_points * pitch, square=square * np.float32(pitch * pitch))


def _subdivided(sheet: Sheet) -> Sheet:
    """Four quads for each: new points in the middle of edges and of quads."""
    n, m = len(sheet.points), len(sheet.quads)
    a, b = sheet.quads.ravel().astype(np.int64), np.roll(sheet.quads, -1, axis=1).ravel().astype(np.int64)
    edges, edge = np.unique(np.minimum(a, b) * n + np.maximum(a, b), return_inverse=True)
    ends = np.stack((edges // n, edges % n), axis=1)
    sides = (n + edge.reshape(m, 4)).astype(np.int32)  # a quad's side 0 runs from its corner 0 to its corner 1
    middle = np.arange(n + len(edges), n + len(edges) + m, dtype=np.int32)
    quads = [np.stack((sheet.quads[:, k], sides[:, k], middle, sides[:, k - 1]), axis=1) for k in range(4)]
    start, end = sheet.walls.astype(np.int64).T
    halfway = (n + np.searchsorted(edges, np.minimum(start, end) * n + np.maximum(start, end))).astype(np.int32)
    walls = np.concatenate((np.stack((sheet.walls[:, 0], halfway), 1), np.stack((halfway, sheet.walls[:, 1]), 1)))

    def grown(values: NDArray) -> NDArray:
        return np.concatenate((values, values[ends].mean(axis=1), values[sheet.quads].mean(axis=1)))

    return Sheet(grown(sheet.points), np.concatenate(quads), walls, sheet.pitch / 2, grown(sheet.square))


def _crossings(nw: Floats, ne: Floats, sw: Floats, se: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Where the contour crosses the four lines between neighbouring samples.

    The answer is (n, 4, 2) offsets from the corner, and (n, 4) whether it crosses.
    """
    offsets = np.zeros((len(nw), 4, 2), np.float32)
    crossed = np.zeros((len(nw), 4), np.bool_)
    lines = ((nw, ne, 0, -0.5), (sw, se, 0, 0.5), (nw, sw, 1, -0.5), (ne, se, 1, 0.5))
    for number, (a, b, along, side) in enumerate(lines):
        crossed[:, number] = (a >= 0.5) != (b >= 0.5)
        gap = np.where(crossed[:, number], b - a, 1)
        offsets[:, number, along] = np.clip((0.5 - a) / gap, 0.1, 0.9) - 0.5  # clamped: no face without area
        offsets[:, number, 1 - along] = side
    return offsets, crossed


def _mean(offsets: Floats, chosen: NDArray[np.bool_]) -> Floats:
    return (offsets * chosen[..., None]).sum(axis=1) / np.maximum(chosen.sum(axis=1), 1)[:, None]


def _relax(sheet: Sheet, rounds: int = 6) -> NDArray[np.float64]:
    """Even out the cells near the contour.

    Inner points go to the middle of their neighbours; those on the contour slide along it.
    """
    a, b = sheet.quads.ravel(), np.roll(sheet.quads, -1, axis=1).ravel()
    count = np.maximum(np.bincount(a, minlength=len(sheet.points)), 1)
    inner = ~sheet.rim
    start, end = sheet.walls.T
    before, after = np.zeros((2, len(sheet.points)), np.int64)
    before[end], after[start] = start, end
    rim = np.nonzero(sheet.rim)[0]
    before, after = before[rim], after[rim]
    points = sheet.points.copy()
    for _ in range(rounds):
        tangent = points[after] - points[before]
        tangent /= np.maximum(np.linalg.norm(tangent, axis=1), 1e-9)[:, None]
        step = (points[before] + points[after]) / 2 - points[rim]
        points[rim] += 0.5 * (step * tangent).sum(axis=1)[:, None] * tangent
        for axis in (0, 1):  # inside, every edge is walked once each way, so one direction sees every neighbour
            mean = np.bincount(a, points[b, axis], minlength=len(points)) / count
            points[inner, axis] = mean[inner]
    return points


def _smoothed(sheet: Sheet, values: Floats, rounds: int = 2) -> Floats:
    """Each inner point's value becomes its neighbours' mean: takes out what is left of the cells' stair steps."""
    a, b = sheet.quads.ravel(), np.roll(sheet.quads, -1, axis=1).ravel()
    count = np.maximum(np.bincount(a, minlength=len(values)), 1)
    for _ in range(rounds):
        mean = np.bincount(a, values[b], minlength=len(values)) / count
        values = np.where(sheet.rim, values, mean).astype(np.float32)
    return values


def _theta(here: Floats, there: Floats) -> Floats:
    """Distance, in cells, from an inside sample to the contour on the way to an outside one."""
    return np.clip((here - 0.5) / np.maximum(here - there, 1e-6), 0.15, 1)


def poisson(coverage: Floats) -> Floats:
    """Solve laplace(u) = -4 inside, u = 0 on the contour; cells are 1 wide.

    Links that cross the contour are shortened to where it is, so that heights do not follow the cells' stair steps.
    Conjugate gradients, started from the solution at half the resolution.
    """
    inside = coverage >= 0.5
    rows, columns = np.nonzero(inside)
    number = len(rows)
    guess = np.zeros(number, np.float32)
    if number > 200:
        even = np.pad(coverage, ((0, coverage.shape[0] % 2), (0, coverage.shape[1] % 2)))
        half = (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4
        coarse = poisson(half)
        guess = 4 * bilinear(coarse, (rows + 0.5) / 2, (columns + 0.5) / 2)
    index = np.full((coverage.shape[0] + 2, coverage.shape[1] + 2), number, np.int32)
    index[rows + 1, columns + 1] = np.arange(number)
    samples = np.pad(coverage, 1)
    centre = samples[rows + 1, columns + 1]
    diagonal = np.zeros(number, np.float32)
    neighbours = []
    for down, right in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        beside = index[rows + 1 + down, columns + 1 + right]
        outside = beside == number
        diagonal += np.where(outside, 1 / _theta(centre, samples[rows + 1 + down, columns + 1 + right]), 1)
        neighbours.append(beside)

    def apply(u: Floats) -> Floats:
        padded = np.append(u, np.float32(0))
        return diagonal * u - sum(padded[beside] for beside in neighbours)

    solution = guess
    residual = np.float32(4) - apply(solution)
    scaled = residual / diagonal
    direction, energy = scaled, float(residual @ scaled)
    enough = 1e-6 * 16 * number
    for _ in range(60):
        if energy <= enough:
            break
        applied = apply(direction)
        step = np.float32(energy / float(direction @ applied))
        solution = solution + step * direction
        residual = residual - step * applied
        scaled = residual / diagonal
        energy, before = float(residual @ scaled), energy
        direction = scaled + np.float32(energy / before) * direction
    result = np.zeros(coverage.shape, np.float32)
    result[rows, columns] = np.maximum(solution, 0)
    return result


def with_ghosts(coverage: Floats, square: Floats) -> Floats:
    """Continue the solution linearly to below zero in the cells just outside.

    It can then be sampled right up to the contour.
    """
    inside = np.pad(coverage >= 0.5, 1)
    samples, values = np.pad(coverage, 1), np.pad(square, 1)
    total, count = np.zeros_like(values), np.zeros_like(values)
    core = np.s_[1:-1, 1:-1]
    for shift, axis in ((1, 0), (-1, 0), (1, 1), (-1, 1)):
        here, there = np.roll(samples, shift, axis), samples
        from_inside = np.roll(inside, shift, axis) & ~inside
        theta = _theta(here[from_inside], there[from_inside])
        total[from_inside] -= np.roll(values, shift, axis)[from_inside] * (1 - theta) / theta
        count[from_inside] += 1
    return (values + total / np.maximum(count, 1))[core]


def swollen(sheet: Sheet) -> Floats:
    """Half thickness at every point, in pixels: elliptical across, growing with the width, flatter towards DEEPEST."""
    square = SWELL**2 * sheet.square + np.float32(RIM * sheet.pitch) ** 2
    deepest = DEEPEST * np.ptp(sheet.points, axis=0).max()
    return np.sqrt(square) / (1 + (square / deepest**2) ** 2).astype(np.float32) ** 0.25


def body(
    outline: Floats, faces: Indices, walls: Indices, front: Floats, back: Floats
) -> tuple[Floats, Indices, Indices]:
    """The closed body over (n, 2) points.

    It has (2n, 3) points x, y, depth; the faces of both sheets; and the (k, 4) faces of the wall.
    """
    n = len(outline)
    points = np.empty((2 * n, 3), np.float32)
    points[:n, :2] = points[n:, :2] = outline
    points[:n, 2], points[n:, 2] = front, -back
    a, b = walls.T
    return points, np.concatenate((faces, faces[:, ::-1] + n)), np.stack((b, a, a + n, b + n), axis=1).astype(np.int32)


def contour(faces: Indices) -> Indices:
    """The directed edges (k, 2) that only one face of an open sheet has."""
    a, b = faces.ravel().astype(np.int64), np.roll(faces, -1, axis=1).ravel().astype(np.int64)
    size = int(faces.max()) + 1
    open_edge = ~np.isin(a * size + b, b * size + a)
    return np.stack((a[open_edge], b[open_edge]), axis=1).astype(np.int32)


def triangulated(points: Floats, quads: Indices) -> Indices:
    """Two triangles for each quad, cut so that the smaller of them is as large as can be.

    So a corner on a straight contour is not cut off.
    """
    corners = points.astype(np.float64).T[:, quads.T]  # column by column: several times as fast as `cross` and `norm`

    def area(a: int, b: int, c: int) -> NDArray[np.float64]:
        x, y, z = corners[:, b] - corners[:, a]
        u, v, w = corners[:, c] - corners[:, a]
        across = y * w - z * v, z * u - x * w, x * v - y * u
        return np.sqrt(across[0] * across[0] + across[1] * across[1] + across[2] * across[2])

    other = np.minimum(area(0, 1, 2), area(0, 2, 3)) < 0.999 * np.minimum(area(1, 2, 3), area(1, 3, 0))
    quads = np.where(other[:, None], np.roll(quads, -1, axis=1), quads)
    return quads[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3)
