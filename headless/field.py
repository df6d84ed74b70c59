# SPDX-License-Identifier: GPL-3.0-or-later
"""Two outlines, one from the front and one from the side -> the body that both allow, as numbers on a grid in space.
Finds no surface. Never imports bpy; numpy only.

Each outline swells as a picture alone would (`shape.poisson`): that says how thick it is at each of its cells. Where a
point is as thick as the thickest of its height, the other outline has it all; where it is thinner, the body narrows, as
an ellipse does. So an arm that is thin from the front is thin in depth, a seat is as deep as the side says up to its
corners, and every cell of both outlines has some of the body behind it. A ball's two discs make the ball.
"""

import numpy as np
from numpy.typing import NDArray

from . import section
from .grid import Grid
from .handles import sticking_out
from .outline import Outline
from .pieces import without_loose
from .pixels import Floats

FLAT = 2.0  # times as thick as the other outline, squared: from there on what is wide becomes flat instead of round
THIN = 2.0  # cells of the grid: thinner lines would tear
SOON = 4.0  # how suddenly


class Body:
    """What two outlines allow; its numbers can be had on any grid."""

    def __init__(self, front: Outline, side: Outline, size: tuple[float, float, float], is_box: bool = False) -> None:
        """`size` is width, depth and height in metres; with `is_box` nothing was turned on a lathe."""
        self.front, self.side, self.size = front, _filled(side, front), size
        self.sections = kind = section.sections(front, self.side, is_box)
        side_kind = kind.at(self.side.heights)
        self.beside = (
            sticking_out(front, kind.wide, kind.across, kind.turned),
            sticking_out(self.side, side_kind.deep, side_kind.along, side_kind.turned),
        )

    def grid(self, pitch: float) -> Grid:
        """The body on a grid, with two cells of nothing around it."""
        counts = [int(np.ceil(length / pitch)) + 4 for length in self.size]
        x, y, z = ((np.arange(count) - (count - 1) / 2) * pitch for count in counts)
        z = z + self.size[2] / 2
        outlines = [one.widened(THIN * pitch) for one in (self.front, self.side)]
        outlines[1] = _filled(outlines[1], outlines[0])
        front, side = outlines[0].at(x, z), outlines[1].at(y, z)
        thickest = [
            np.where(most > 0, np.maximum(values.max(axis=1), 0), most)
            for values, most in ((front, outlines[0].highest(z)), (side, outlines[1].highest(z)))
        ]
        least = np.float32((0.3 * max(self.front.pitch, self.side.pitch)) ** 2)
        kind = self.sections.at(z)
        thin = np.minimum(*thickest)
        beside = [
            None if one is None else _share(one.widened(THIN * pitch).at(places, z), thin, thin, least)
            for one, places in zip(self.beside, (x, y), strict=True)
        ]
        shares = (
            _turned(x, kind.wide, kind.across, kind.turned, _share(front, thickest[0], thickest[1], least), beside[0]),
            _turned(y, kind.deep, kind.along, kind.turned, _share(side, thickest[1], thickest[0], least), beside[1]),
        )
        missing_x, missing_y = (np.maximum(1 - share, 0) ** (kind.exponent[:, None] / 2) for share in shares)
        scale = np.maximum(thin, least)[:, None]
        across, along = (scale * (np.float32(0.5) - missing) for missing in (missing_x, missing_y))
        values = across.T[:, None, :] + along.T[None, :, :]
        np.minimum(values, np.where(thin > 0, np.inf, thin), out=values)
        return Grid(without_loose(values), np.array([x[0], y[0], z[0]]), pitch)


def _share(square: Floats, thickest: Floats, other: Floats, least: np.float32) -> Floats:
    """How thick the outline is, of the thickest of its height: squares, 1 at most."""
    thickest, other = np.maximum(thickest, least)[:, None], np.maximum(other, least)[:, None]
    return _levelled(square / (FLAT * other)) / _levelled(thickest / (FLAT * other))


def _turned(
    places: NDArray[np.float64], width: Floats, middle: Floats, turned: Floats, share: Floats, beside: Floats | None
) -> Floats:
    """The share; where the body was turned on a lathe, a circle's, and that of what is beside it."""
    circle = 1 - ((places[None] - middle[:, None]) / np.maximum(width / 2, 1e-6)[:, None]) ** 2
    both = circle if beside is None else np.maximum(circle, beside)
    return (share + turned[:, None] * (both - share)).astype(np.float32)


def _levelled(values: Floats) -> Floats:
    """The values, which come near to 1 and never above it."""
    return values / (1 + np.abs(values) ** SOON) ** np.float32(1 / SOON)


def _filled(side: Outline, front: Outline) -> Outline:
    """The side, with its nearest row wherever it has nothing and the front has something."""
    up = side.heights
    has = side.square.max(axis=1) > 0
    wanted = (front.highest(up) > 0) & ~has
    if not wanted.any() or not has.any():
        return side
    rows = np.nonzero(has)[0]
    nearest = rows[np.abs(np.nonzero(wanted)[0][:, None] - rows).argmin(axis=1)]
    square, coverage = side.square.copy(), side.coverage.copy()
    square[wanted], coverage[wanted] = square[nearest], coverage[nearest]
    return side._replace(square=square, coverage=coverage)
