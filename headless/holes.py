# SPDX-License-Identifier: GPL-3.0-or-later
"""Which enclosed areas in the colour of the background are holes in a figure, and which belong to it. Never imports
bpy; numpy only."""

import numpy as np

from .pixels import Floats, Mask, label, rim_of

SPECK = 0.0004  # of the shape's area: smaller parts are dust and JPEG noise
HOLE = 0.01  # of the part around it: smaller enclosed background is an eye or a highlight, not a hole


def tidied(mask: Mask, colour: Floats, background: Floats, *, is_filled: bool = False) -> tuple[Mask, bool]:
    """Drop specks, and close enclosed bits of background that are too small to be meant as holes.

    Also tells whether there are any that are not. Where the figure `is_filled`, all belong to it.
    """
    parts, area = label(mask)
    small = area < max(4, SPECK * mask.sum())
    mask = mask & ~small[parts]
    parts, area = label(mask)
    gaps, gap_area = label(~mask)
    around = np.zeros(len(gap_area), np.int64)  # area of the part to the left of each gap: the part that it lies in
    right_of = (gaps[:, 1:] > 0) & (parts[:, :-1] > 0)
    np.maximum.at(around, gaps[:, 1:][right_of], area[parts[:, :-1][right_of]])
    enclosed = np.ones(len(gap_area), np.bool_)
    enclosed[0] = False  # the mask itself
    enclosed[np.unique(gaps[rim_of(mask.shape)])] = False
    small = gap_area < (np.inf if is_filled else np.maximum(HOLE * around, 4))
    return mask | (enclosed & small)[gaps], bool((enclosed & ~small).any())
