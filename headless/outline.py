# SPDX-License-Identifier: GPL-3.0-or-later
"""A silhouette as a plane of cells in metres: where it is, how thick a body swollen from it would be, and how much like
a box it looks. Knows nothing of other silhouettes. Never imports bpy; numpy only.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .pixels import Floats, Mask, bilinear, blur, window_mean
from .shape import poisson, with_ghosts
from .thin import widened
from .views import AXES, View

CELLS = 24_000  # inside the silhouette, about: finer than the body's own cells
MOST_CELLS = 400_000  # in the whole plane: bounds the memory of hair-thin drawings
SOFT = 1.5  # cells over which a contour is drawn: evens out the steps of pixels
LOST = 2.0  # cells²: so much the blur of what swells takes from a contour
MARGIN = 6  # cells around the silhouette
WHOLE = 0.95  # of a cell, covered somewhere in a row and the next ones: a soft end of the silhouette tells no width
LONELY = 0.4  # of its square: what else is in a row is thinner, as a handle is beside its mug
ALIGNED = np.radians(7)  # from upright or level: so far an edge of a box may lean


class Outline(NamedTuple):
    """A silhouette's cells: the first axis goes up, the second along x or y of the body."""

    coverage: Floats  # (nz, na) 0 outside to 1 inside
    square: Floats  # (nz, na) metres²: the square of half the thickness, below 0 outside
    low: tuple[float, float]  # metres along the axis, and up: the middle of the first cell
    pitch: float  # metres

    @property
    def inside(self) -> Mask:
        return self.coverage >= 0.5

    @property
    def heights(self) -> NDArray[np.float64]:
        """Metres up of the rows."""
        return self.low[1] + np.arange(len(self.square)) * self.pitch

    def at(self, along: NDArray[np.float64], up: NDArray[np.float64]) -> Floats:
        """`square` at every pair of metres up and along, (up, along)."""
        down, right = ((places - low) / self.pitch + 0.5 for places, low in ((up, self.low[1]), (along, self.low[0])))
        return bilinear(self.square, *np.meshgrid(down, right, indexing="ij"))

    def widened(self, least: float) -> "Outline":
        """The outline, whose lines thinner than `least` metres are about that wide: a coarse grid would tear them."""
        cells = least / self.pitch
        room = int(cells / 2) + 1
        coverage = np.pad(self.coverage, room)
        wide = widened(coverage, cells)
        if wide is coverage or np.array_equal(wide, coverage):
            return self
        low = self.low[0] - room * self.pitch, self.low[1] - room * self.pitch
        return Outline(wide, swollen(wide, self.pitch), low, self.pitch)

    def highest(self, up: NDArray[np.float64]) -> Floats:
        """The highest `square` at so many metres up."""
        most = self.square.max(axis=1)[:, None]
        return bilinear(most, (up - self.low[1]) / self.pitch + 0.5, np.full(len(up), 0.5))


def size(view: View) -> tuple[float, float]:
    """Width and height of a view's silhouette, in metres. Raises IndexError where nothing is inside."""
    inside = view.cutout.matte >= 0.5
    rows, columns = np.nonzero(inside.any(axis=1))[0], np.nonzero(inside.any(axis=0))[0]
    return (
        float(columns[-1] + 1 - columns[0]) / view.frame.metre,
        float(rows[-1] + 1 - rows[0]) / view.frame.metre,
    )


def covered(view: View, along: NDArray[np.float64], up: NDArray[np.float64], window: float) -> Floats:
    """How much of squares with these middles is inside the silhouette, (up, along); `along` is x or y of the body, and
    `window` the squares' side in metres."""
    frame, direction = view.frame, sum(AXES[view.name][0])
    down, right = frame.bottom - up * frame.metre, frame.centre + direction * along * frame.metre
    return window_mean(view.cutout.matte, down, right, max(window * frame.metre, 0.5))


def drawn(view: View, *others: View) -> Outline:
    """The outline of a silhouette, or of several of the same side or its opposite, which then fills all of them."""
    everyone = (view, *others)
    width = max(size(one)[0] for one in everyone)
    height = max(size(one)[1] for one in everyone)
    area = max(float((one.cutout.matte >= 0.5).sum()) / one.frame.metre**2 for one in everyone)
    pitch = max(
        np.sqrt(area / CELLS), np.sqrt(width * height / MOST_CELLS), 1 / max(one.frame.metre for one in everyone)
    )
    columns, rows = (int(np.ceil(length / pitch)) + 2 * MARGIN for length in (width, height))
    columns += columns % 2
    low = (0.5 - columns / 2) * pitch, height / 2 + (0.5 - rows / 2) * pitch
    along, up = (start + np.arange(count) * pitch for start, count in zip(low, (columns, rows), strict=True))
    coverage = sum(covered(one, along, up, SOFT * pitch) for one in everyone) / np.float32(len(everyone))
    return Outline(coverage, swollen(coverage, pitch), low, pitch)


def swollen(coverage: Floats, pitch: float) -> Floats:
    square = _continued(coverage >= 0.5, with_ghosts(coverage, poisson(coverage)))
    return (blur(square, 1.0) + np.float32(LOST)) * np.float32(pitch * pitch)


def _continued(inside: Mask, square: Floats) -> Floats:
    """Continue the values, which are known inside and a cell around it, straight on outward."""
    ghost = beside(inside) & ~inside
    slope, value = np.zeros_like(square), square.copy()
    for shift, axis in ((1, 0), (-1, 0), (1, 1), (-1, 1)):
        step = np.where(np.roll(inside, shift, axis) & ghost, np.roll(square, shift, axis) - square, 0)
        slope = np.maximum(slope, step)
    known, edge = inside | ghost, ghost
    for _ in range(MARGIN - 1):
        total, steepness, count = np.zeros_like(square), np.zeros_like(square), np.zeros_like(square)
        for shift, axis in ((1, 0), (-1, 0), (1, 1), (-1, 1)):
            comes = np.roll(edge, shift, axis) & ~known
            total += np.where(comes, np.roll(value, shift, axis), 0)
            steepness += np.where(comes, np.roll(slope, shift, axis), 0)
            count += comes
        edge = count > 0
        slope = np.where(edge, steepness / np.maximum(count, 1), slope)
        value = np.where(edge, total / np.maximum(count, 1) - slope, value)
        known = known | edge
    return np.where(known, value, value.min()).astype(np.float32)


def beside(mask: Mask) -> Mask:
    """What has a neighbour in the mask."""
    return np.logical_or.reduce([np.roll(mask, shift, axis) for shift in (1, -1) for axis in (0, 1)])


def spans(outline: Outline) -> tuple[Floats, Floats, Mask]:
    """For each row: the metres across the silhouette where it is thickest, 0 where hardly anything is; the middle of
    that; and whether it is by far the thickest part of the row."""
    inside = outline.inside
    rows, columns = inside.shape
    thickest = outline.square.argmax(axis=1)[:, None]
    place = np.broadcast_to(np.arange(columns), inside.shape)
    before = np.where(~inside & (place < thickest), place, -1).max(axis=1)[:, None]
    after = np.where(~inside & (place > thickest), place, columns).min(axis=1)[:, None]
    here = (place >= before) & (place <= after)
    part = np.where(here, outline.coverage, 0)
    total = part.sum(axis=1)
    middle = outline.low[0] + (part @ np.arange(columns, dtype=np.float32)) / np.maximum(total, 1e-6) * outline.pitch
    whole = np.pad(outline.coverage.max(axis=1) >= WHOLE, 1)
    has, most = whole[1:-1] & whole[2:] & whole[:-2], outline.square.max(axis=1)
    lonely = has & (np.where(here, 0, outline.square).max(axis=1) < LONELY * most)
    return (
        np.where(has, total * outline.pitch, 0).astype(np.float32),
        np.where(has, middle, 0).astype(np.float32),
        lonely,
    )


def straightness(outline: Outline) -> float:
    """How much of the contour is upright or level, 0..1: nearly all of a box's, an eighth of a disc's."""
    soft = blur(outline.coverage, 1.0)
    up, along = np.gradient(soft)
    steep = np.hypot(up, along)
    lean = np.minimum(np.abs(up), np.abs(along)) <= np.sin(ALIGNED) * steep
    return float((steep * lean).sum() / max(float(steep.sum()), 1e-6))
