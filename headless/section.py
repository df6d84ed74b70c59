# SPDX-License-Identifier: GPL-3.0-or-later
"""What kind of cross-section a body has at each height, as far as two outlines tell: round, turned on a lathe, or
nearly a rectangle. Never imports bpy; numpy only.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .outline import Outline, spans, straightness
from .pixels import Floats, blur

ROUND, EDGED = 2.0, 7.0  # exponents of the cross-section: an ellipse, and nearly a rectangle
STRAIGHT = (0.53, 0.85)  # of the contours, straight: from not at all to fully a box
ALIKE = (0.03, 0.1)  # by so much, of itself, a width differs from the depth: from turned on a lathe to not at all
EVEN = 0.012  # of the height: over so much one kind becomes another
LASTING = 0.35  # of a width: so high is at least what was turned on a lathe, if not all is: a seat's plate is not
ALL = (0.6, 0.8)  # of the height, turned: from there on even a plate was
SURE = 0.9  # of how surely most of the body was turned: where it looks less so, something may hide it
SOFT = 1.5  # rows
ROOT = 0.4  # of the height, at most: so high is what a handle or a spout hides of a turned body
MOSTLY = 0.35  # of the height: so much of a body is seen to be turned, before something is taken for its handle


class Sections(NamedTuple):
    """The cross-sections, a number for each of some heights."""

    up: NDArray[np.float64]  # metres
    exponent: Floats  # of the superellipse
    turned: Floats  # 0..1 how surely it is a circle
    wide: Floats  # metres from left to right where the body is thickest
    across: Floats  # metres, x of the middle of that
    deep: Floats  # metres from front to back
    along: Floats  # metres, y of the middle of that

    def at(self, up: NDArray[np.float64]) -> "Sections":
        return Sections(up, *(np.interp(up, self.up, values).astype(np.float32) for values in self[1:]))


def sections(front: Outline, side: Outline, is_box: bool = False) -> Sections:
    """The cross-sections at the front's heights.

    Straight edges make a box, unless the body is as deep as it is wide: then it was turned on a lathe, if it is no box.
    """
    up = front.heights
    wide, across, lonely = spans(front)
    there = side.heights
    deep, along, single = (np.interp(up, there, values).astype(np.float32) for values in spans(side))
    most = np.where((wide > 0) & (deep > 0), np.maximum(wide, deep), 0)
    differs = np.ones(len(up)) if is_box else _ramp(np.abs(wide - deep) / np.maximum(most, 1e-6), *ALIKE)
    boxy = _ramp((straightness(front) + straightness(side)) / 2, *STRAIGHT)
    like = np.where(lonely & (single > 0.99) & (most > 0), 1 - differs, 0)
    sure = like > SURE * np.quantile(like[most > 0], 1 - MOSTLY) if (most > 0).any() else most > 0
    hidden = _hidden(sure, (wide, across), (deep, along), most > 0)
    if hidden.any():
        least = np.minimum(wide, deep)
        wide, deep, most = (np.where(hidden, least, values) for values in (wide, deep, most))
        across, along = (_bridged(values, hidden | (most <= 0)) for values in (across, along))
        like, differs = np.where(hidden, 1, like), np.where(hidden, 0, differs)
    share = like[most > 0].sum() / max(np.count_nonzero(most > 0), 1)
    turned = like * np.maximum(_lasting(like > 0.5, most, front.pitch), _ramp(share, *ALL))
    rows = EVEN * float((most > 0).sum())
    even, turned = (
        blur(_bridged(values, most <= 0).astype(np.float32)[:, None], rows)[:, 0] for values in (differs, turned)
    )
    if like.any():  # a handle that meets its mug makes no wider mug
        known = like > 0
        wide, across, deep, along = (np.interp(up, up[known], values[known]) for values in (wide, across, deep, along))
    return Sections(up, ROUND / (1 - (1 - ROUND / EDGED) * boxy * even), turned, wide, across, deep, along)


def _hidden(
    like: NDArray[np.bool_], front: tuple[Floats, Floats], side: tuple[Floats, Floats], has: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """The rows between turned ones in which one outline (widths, their middles) goes on and the other is wider: a
    handle's roots."""
    number = np.cumsum(np.diff(like, prepend=False))
    short = np.bincount(number)[number] <= ROOT * has.sum()
    narrow = np.minimum(front[0], side[0])
    fits = has & (narrow > 0)
    for width, middle in (front, side):
        axis = _bridged(middle, ~like | ~has)
        fits &= np.abs(middle - axis) + narrow / 2 <= width / 2 + ALIKE[1] * narrow
    hidden = ~like & fits & short
    return blur(hidden.astype(np.float32)[:, None], SOFT)[:, 0] * has > 0.01  # a root begins softly


def _bridged(values: Floats, gaps: NDArray[np.bool_]) -> Floats:
    """The values, and in gaps what is between those at their ends."""
    rows = np.arange(len(values))
    if gaps.all():
        return values
    return np.where(gaps, np.interp(rows, rows[~gaps], values[~gaps]), values)


def _lasting(rows: NDArray[np.bool_], widths: Floats, pitch: float) -> NDArray[np.bool_]:
    """Those of the rows that are part of a run that is high enough for its width."""
    number = np.cumsum(np.diff(rows, prepend=False))
    height = np.bincount(number, rows) * pitch
    width = np.bincount(number, rows * widths) / np.maximum(np.bincount(number, rows), 1)
    return rows & (height >= LASTING * width)[number]


def _ramp(value: NDArray | float, low: float, high: float) -> NDArray:
    return np.clip((np.asarray(value) - low) / (high - low), 0, 1)
