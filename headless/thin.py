# SPDX-License-Identifier: GPL-3.0-or-later
"""Widens the thin lines of a matte, so that a coarse grid cannot lose or tear them. Never imports bpy; numpy only."""

import numpy as np

from .pixels import Floats, Mask, run_down

LEVELS = 4  # of thinness: lines end up between 3/4 and all of the wanted width
BUMP = 1  # pixels: what stands out from something wide by no more is its rough contour, and no line
FINE = 12  # pixels, wanted width at which the lines are studied


def widened(matte: Floats, least: float) -> Floats:
    """The matte (h, w), whose lines thinner than `least` pixels are about that wide; all else stays as it is."""
    factor = max(1, int(least / FINE))
    size = least / factor
    if size < 2:
        return matte
    height, width = matte.shape
    padded = np.pad(matte >= 0.5, ((0, -height % factor), (0, -width % factor)))
    blocks = padded.reshape(padded.shape[0] // factor, factor, padded.shape[1] // factor, factor)
    inside: Mask = np.asarray(blocks.any(axis=(1, 3)))
    wide: Mask = inside
    for level in range(1, LEVELS + 1):
        square = max(2, round(size * level / LEVELS))
        thin = inside & ~_grown(_opened(inside, square), BUMP, BUMP)
        reach = int(np.ceil((size - square) / 2)) if level < LEVELS else 0
        if reach and thin.any():
            wide = wide | _grown(thin, reach, reach)
    if wide is inside:
        return matte
    added = (wide & ~inside).repeat(factor, axis=0).repeat(factor, axis=1)[:height, :width]
    return np.maximum(matte, added.astype(np.float32))


def _opened(mask: Mask, square: int) -> Mask:
    """What of a mask squares of so many pixels a side can cover without leaving it."""
    before = square // 2
    after = square - 1 - before
    whole = ~_grown(np.pad(~mask, 1, constant_values=True), before, after)
    return _grown(whole, after, before)[1:-1, 1:-1]


def _grown(mask: Mask, before: int, after: int) -> Mask:
    """Where anything of the mask is within so many pixels up and to the left, and down and to the right."""
    for _ in range(2):
        sums = np.zeros((len(mask) + before + after + 1, mask.shape[1]), np.int32)
        sums[before + 1 : before + 1 + len(mask)] = mask
        run_down(sums)
        mask = (sums[before + after + 1 :] > sums[: len(mask)]).T
    return mask
