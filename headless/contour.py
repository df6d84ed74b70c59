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
    if max(mask.shape) < 256:
        return matte
    # The blur sinks lines of a pixel or two under the contour; they keep the share that their own pixels say.
    thin = mask & ~grow(~grow(~mask, 1), 1)
    return np.maximum(blur(matte, 0.5), np.where(thin & (share >= 0.5), share, 0)).astype(np.float32)
