# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells a box from what was turned on a lathe, where both have the same silhouettes: by the colours on both sides of an
upright edge, or by the size of a cube. Shapes nothing. Never imports bpy; numpy only.
"""

from collections.abc import Mapping

import numpy as np

from .outline import Outline, size, straightness
from .pixels import Floats
from .views import View

AROUND = ("front", "right", "back", "left")
"""The right end of each view's picture adjoins the left end of the next view's."""

ROWS = 64  # heights at which colours are compared
EDGE = 0.06  # of the width from its end: there an edge's colour is looked at
LESS = 0.6  # of the difference that a round body would make, at most, is seen across an edge
SEEN = 0.04  # of full scale: differences that are more than noise
CUBIC = 0.02  # by so much, of itself, the sides of a cube differ
SQUARE = 0.93  # of a contour, straight: a square's


def boxed(views: Mapping[str, View], front: Outline, side: Outline, lengths: tuple[float, float, float]) -> bool:
    """Whether a body of so much width, depth and height (metres) that may have been turned is a box all the same."""
    if min(straightness(front), straightness(side)) >= SQUARE and max(lengths) - min(lengths) <= CUBIC * max(lengths):
        return True
    across, around = [], []
    for left, right in zip(AROUND, (*AROUND[1:], AROUND[0]), strict=True):
        if left in views and right in views:
            first, second = (_colours(views[name]) for name in (left, right))  # each (rows, left end - middle - right)
            across.append(np.abs(first[:, 2] - second[:, 0]))
            around += [np.abs(first[:, 2] - second[:, 1]), np.abs(first[:, 1] - second[:, 0])]
    if not across:
        return False
    return float(np.mean(across)) + SEEN < LESS * float(np.mean(around))


def _colours(view: View) -> Floats:
    """Colours (ROWS, 3, 3), 0..1, at the left end, in the middle and at the right end of rows of the silhouette."""
    matte, image = view.cutout.matte, view.image
    frame = view.frame
    height = size(view)[1] * frame.metre
    rows = np.clip((frame.bottom - (np.arange(ROWS) + 0.5) / ROWS * height).astype(int), 0, matte.shape[0] - 1)
    inside = matte[rows] >= 0.5
    left, right = inside.argmax(axis=1), inside.shape[1] - inside[:, ::-1].argmax(axis=1)
    columns = left[:, None] + (right - left)[:, None] * np.array([EDGE, 0.5, 1 - EDGE])
    down = ((rows + 0.5) / matte.shape[0] * image.shape[0]).astype(int)
    across = np.clip(columns / matte.shape[1] * image.shape[1], 0, image.shape[1] - 1).astype(int)
    return image[down[:, None], across, :3].astype(np.float32) / 255
