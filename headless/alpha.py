# SPDX-License-Identifier: GPL-3.0-or-later
"""The shape that a picture's own transparency tells. Never imports bpy; numpy only."""

import numpy as np

from .pixels import Bytes, Floats, blur, grow, label

DUST = 0.00015  # of the shape's area: smaller parts are stray dots; less than SPECK, as small parts are meant here
STRAY = 0.0005  # of the picture: fewer transparent pixels are an accident, not a cut-out


def decides(alpha: Bytes) -> bool:
    """Whether the transparency (h, w) of a picture tells a shape."""
    return bool(np.mean(alpha < int(alpha.max()) / 2) > STRAY)


def from_alpha(opacity: Floats) -> Floats:
    """The matte (h, w), 0 outside to 1 inside, the contour at 0.5, that an opacity (h, w), 1 where strongest, tells.

    Half of the strongest opacity is an anti-aliased edge's true place, and leaves soft shadows and glows outside.
    """
    return _without_dust(_hairlines(opacity))


def _hairlines(matte: Floats) -> Floats:
    """Measure the contour of lines thinner than a pixel from their own strongest opacity, so that they stay.

    They never get fully opaque.

    A line has nothing beside it; a translucent area, such as a shadow, is left as it is.
    """
    strongest = grow(matte, 1)
    line = (strongest >= 0.5) & (strongest < 0.95)
    if line.any():
        line &= blur(matte, 3) < 0.5 * strongest
    return np.where(line, matte / np.maximum(strongest, 0.5), matte)


def _without_dust(matte: Floats) -> Floats:
    """Stray dots of a drawing are no parts of it."""
    parts, area = label(matte >= 0.5)
    dust = area < DUST * area[1:].sum()
    if dust[1:].all():  # a picture of nothing but dots
        return matte
    return np.where(dust[parts], 0, matte).astype(np.float32)
