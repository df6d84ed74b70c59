# SPDX-License-Identifier: GPL-3.0-or-later
"""What sticks out of a turned body, as a mug's handle does: an outline of its own, so that the body is as round at the
handle's roots as elsewhere, and the handle as thick as it is wide. Never imports bpy; numpy only.
"""

import numpy as np

from .outline import Outline, beside, swollen
from .pixels import Floats, grow

STICKING = 0.03  # of the body's width: what stands out by less is its rough contour
CELLS = 2.5  # of the outline, the same at least
NEAR = 3  # cells around what sticks out: further away it must not pull at the body's surface


def sticking_out(outline: Outline, width: Floats, middle: Floats, turned: Floats) -> Outline | None:
    """What is beside a body of this width and middle (metres, for each row of the outline) where it was turned, and all
    else where it was not; None if nothing is beside it.

    What touches the body goes on to its middle, as if it went through it: so it does not get thinner at its root.
    """
    inside = outline.inside
    along = outline.low[0] + np.arange(inside.shape[1]) * outline.pitch - middle[:, None]
    edge = (width / 2 + np.maximum(STICKING * width, CELLS * outline.pitch))[:, None]
    round_rows = turned[:, None] > 0
    parts = inside & ~round_rows
    for towards in (along, -along):
        here = inside & round_rows & (towards >= 0)
        end = np.where(~inside & (towards >= 0), towards, np.inf).min(axis=1)[:, None]  # of what begins in the middle
        joined = here & (towards < end)
        sticks = (joined & (towards > edge)).any(axis=1)[:, None]
        parts |= (joined & sticks) | (here & (towards > end) & (towards > edge))
    if not (parts & round_rows).any():
        return None
    coverage = np.where(parts | (beside(parts) & ~inside), outline.coverage, 0).astype(np.float32)
    square = np.where(grow(parts, NEAR), swollen(coverage, outline.pitch), np.float32(-1))
    return outline._replace(coverage=coverage, square=square)
