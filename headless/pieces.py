# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the pieces of a body on a grid that do not hang together, and drops those that no picture asks for. Never
imports bpy; numpy only.
"""

import numpy as np
from numpy.typing import NDArray

from .pixels import Floats, Mask, lowest_linked

ASKED = 0.1  # of a piece's own silhouette is new to the body's, or the piece is dropped


def without_loose(values: Floats) -> Floats:
    """The values (nx, ny, nz), below 0 where a piece only hides before or behind larger ones, from the front and the
    side."""
    number = labelled(values > 0)
    sizes = np.bincount(number.ravel())
    if len(sizes) <= 2:
        return values
    front, side = (np.zeros(shape, np.bool_) for shape in (number[:, 0].shape, number[0].shape))
    dropped = np.zeros(len(sizes), np.bool_)
    for piece in np.argsort(-sizes[1:], kind="stable") + 1:
        where = np.nonzero(number == piece)
        seen = np.zeros_like(front), np.zeros_like(side)
        seen[0][where[0], where[2]] = True
        seen[1][where[1], where[2]] = True
        new = [(mask & ~old).sum() > ASKED * mask.sum() for mask, old in zip(seen, (front, side), strict=True)]
        if any(new):
            front |= seen[0]
            side |= seen[1]
        else:
            dropped[piece] = True
    return np.where(dropped[number], -np.abs(values), values)


def labelled(mask: Mask) -> NDArray[np.int32]:
    """Number the parts of a mask (nx, ny, nz) that hang together by faces; 0 where it is false.

    As `pixels.label` does in a plane: runs along the last axis take the lowest number that they touch.
    """
    padded = np.zeros((*mask.shape[:2], mask.shape[2] + 1), np.bool_)
    padded[..., :-1] = mask
    flat = padded.ravel()
    starts = flat & ~np.concatenate(([False], flat[:-1]))
    runs = (np.cumsum(starts, dtype=np.int32) * flat).reshape(padded.shape)
    pairs = []
    for one, other in ((runs[1:], runs[:-1]), (runs[:, 1:], runs[:, :-1])):
        touching = (one > 0) & (other > 0)
        touching[..., 1:] &= ~touching[..., :-1]  # two runs touch in one stretch: its first cell says it
        pairs.append(np.stack((one[touching], other[touching])))
    ends = np.concatenate(pairs, axis=1)
    root = lowest_linked(ends, int(runs.max(initial=0)) + 1)
    return np.unique(root, return_inverse=True)[1].astype(np.int32)[runs[..., :-1]]
