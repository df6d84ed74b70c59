# SPDX-License-Identifier: GPL-3.0-or-later
"""A mask -> a matte whose contour lies within the pixels, where the colours say so. Never imports bpy; numpy only."""

import numpy as np

from .pixels import Floats, Mask, blur, grow


def softened(mask: Mask, distance: Floats, threshold: float) -> Floats:
    """Turn a mask into a matte whose 0.5 lies where the edge's pixels are half background, to a fraction of a pixel."""
    inner = ~grow(~mask, 2)
    outer = grow(mask, 1)
    strongest = grow(np.where(mask, distance, 0), 2)  # the object's own colour near the edge
    share = np.clip(distance / np.maximum(strongest, 2 * threshold), 0, 1)
    matte = np.where(inner, 1, np.where(outer, share, 0)).astype(np.float32)
    return blur(matte, 0.5) if max(mask.shape) >= 256 else matte
