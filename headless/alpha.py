# SPDX-License-Identifier: GPL-3.0-or-later
"""What a picture's own transparency tells: a shape, or nothing. Never cuts by colour, never imports bpy; numpy only.

An opacity is (h, w), 0 to 1, 1 where the picture is at its most opaque.
"""

from typing import Literal

import numpy as np

from .pixels import Floats, Mask, blur, grow, label, rim_of, strongest

DUST = 0.00015  # of the shape's area: smaller parts are stray dots; less than SPECK, as small parts are meant here
DOT, DOTS = 0.00001, 0.02  # of the picture: one transparent dot, and all of them, that are an accident and no cut-out
MARGIN = 0.05  # of the picture's side: a wider transparent margin lies around a figure, not around a card
SLIVER = 0.01  # of the picture's side: a transparent strip so thin on one side alone comes from scaling
CORNER = 0.1  # of the card's shorter side: rounded corners end within it
CLEAR, FAINT = 0.03, 0.08  # opacity: below, nothing shows; above, something does
BODY = 0.5  # of the opaque area: a translucent area that is larger is the figure's body, a smaller one its shadow
RIM = 4  # pixels within which a body's edge rises to its full opacity; a shadow's and a glow's take more
PLAIN = 0.05  # sRGB 0..1: what differs less from one colour is plain
HAIR = 0.1  # opacity from which a lone thin line of a drawing of thin lines counts

Says = Literal["shape", "margin", "dots", "nothing"]
"""What transparency says: a shape; a clear margin or rounded corners around a card; stray dots; nothing at all."""


def says(opacity: Floats) -> Says:
    """What the transparency of a picture tells."""
    clear = opacity < 0.5
    if not clear.any():
        return "nothing"
    if clear.all():  # a few pixels, averaged down
        return "shape"
    top, bottom, left, right = box_of(~clear)
    height, width = clear.shape
    if not (_is_margin(top, height - bottom, height) and _is_margin(left, width - right, width)):
        return "shape"
    inner = clear[top:bottom, left:right].copy()
    has_corners = _open_corners(inner)
    parts, area = label(inner)
    if len(area) > 1 and (area[1:].max() > max(4, DOT * clear.size) or area[1:].sum() > DOTS * clear.size):
        return "shape"
    return "margin" if has_corners or inner.shape != clear.shape else "dots"


def box_of(mask: Mask) -> tuple[int, int, int, int]:
    """Top, bottom, left and right of what is true, the ends not included; the mask has something true."""
    rows, columns = np.nonzero(mask.any(axis=1))[0], np.nonzero(mask.any(axis=0))[0]
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def _is_margin(before: int, after: int, side: int) -> bool:
    """Whether two opposite clear strips, pixels wide, leave a card: thin on both sides, or a sliver on one."""
    most = MARGIN if before and after else SLIVER
    return max(before, after) <= max(2, most * side)


def _open_corners(clear: Mask) -> bool:
    """Take rounded corners out of what is clear of a card; whether there are any. Left and right ones are alike."""
    size = round(CORNER * min(clear.shape))
    if size < 1:
        return False
    found = False
    for row, rows in ((0, np.s_[:size]), (-1, np.s_[-size:])):
        left, right = clear[rows, :size], clear[rows, -size:]
        if clear[row, 0] and clear[row, -1] and np.mean(left != right[:, ::-1]) <= 0.25 * np.mean(left) + 1 / size:
            clear[rows, :size] = clear[rows, -size:] = False
            found = True
    return found


def from_alpha(opacity: Floats, *, is_filled: bool = False) -> Floats:
    """The matte (h, w), 0 outside to 1 inside, the contour at 0.5, that an opacity tells.

    Half of the strongest opacity is an anti-aliased edge's true place, and leaves soft shadows and glows outside. A
    body that is translucent nearly everywhere is measured by its own opacity. Where the figure `is_filled`, what it
    encloses belongs to it.
    """
    strongest = float(opacity.max())
    opacity = opacity / np.float32(strongest) if 0 < strongest < 1 else opacity  # a lone pixel that was averaged down
    matte = _without_dust(_hairlines(_body(opacity)))
    return filled(matte) if is_filled else matte


def filled(matte: Floats) -> Floats:
    """The matte with everything inside that its shape encloses."""
    outside, _ = label(np.pad(matte < 0.5, 1, constant_values=True))
    enclosed = (outside > 0) & (outside != outside[0, 0])
    return np.where(enclosed[1:-1, 1:-1], 1, matte).astype(np.float32)


def is_translucent(opacity: Floats) -> bool:
    """Whether the figure's body is translucent while something small of it is opaque: glass, a ghost with eyes."""
    return _translucent(opacity) is not None


def _body(opacity: Floats) -> Floats:
    """Raise a translucent body to full opacity; shadows stay as they are."""
    found = _translucent(opacity)
    if found is None:
        return opacity
    body, level = found
    near = grow(body, 3) | (opacity >= 0.5)
    return np.where(near, np.minimum(opacity / np.float32(level), 1), opacity).astype(np.float32)


def is_inverted(opacity: Floats, colour: Floats) -> bool:
    """Whether the transparency hides what the picture shows, and leaves the plain rest: a mask the wrong way round."""
    hidden = opacity < 0.5
    if hidden.all() or np.mean(hidden[rim_of(hidden.shape)]) > 0.02:
        return False
    tone = np.median(colour[~hidden], axis=0)
    away = strongest(np.abs(colour - tone))
    return bool(np.mean(away[~hidden] > PLAIN) < 0.02 and np.mean(away[hidden] > 3 * PLAIN) > 0.5)


def _translucent(opacity: Floats) -> tuple[Mask, float] | None:
    """A translucent body and its opacity, where it outweighs what is opaque.

    Its edge rises at once, as a cut's does, where a shadow's and a glow's rise slowly.
    """
    opaque = opacity >= 0.5
    thin = (opacity > FAINT) & ~opaque
    core = ~grow(~thin, 1)  # without the soft pixels of edges
    if core.sum() <= BODY * opaque.sum():
        return None
    parts, area = label(core)
    total = np.bincount(parts.ravel(), opacity.ravel())
    mean = total / np.maximum(area, 1)
    edge = core & grow(opacity < CLEAR, RIM)
    risen = np.bincount(parts[edge], opacity[edge] >= 0.7 * mean[parts[edge]], minlength=len(area))
    at_edge = np.bincount(parts[edge], minlength=len(area))
    steep = (risen >= 0.6 * at_edge) & (at_edge > 0)
    steep[0] = False
    body = steep[parts]
    if body.sum() <= BODY * opaque.sum() or body.sum() < 0.5 * core.sum():
        return None
    return body, float(np.median(opacity[body]))


def _hairlines(matte: Floats) -> Floats:
    """Measure the contour of lines thinner than a pixel from their own strongest opacity, so that they stay.

    They never get fully opaque.

    A line has nothing beside it; a translucent area, such as a shadow, is left as it is. Faint lines count where the
    drawing has little else: a few of them beside a figure are what a careless cut-out left over.
    """
    strongest = grow(matte, 1)
    lone = strongest < 0.95
    if lone.any():
        lone &= blur(matte, 3) < 0.5 * strongest
    line = lone & (strongest >= 0.5)
    faint = lone & (strongest >= HAIR)
    if np.count_nonzero(faint & (matte >= 0.5 * strongest)) > np.count_nonzero(matte >= 0.5):
        line = faint
    return np.where(line, matte / np.maximum(strongest, HAIR), matte)


def _without_dust(matte: Floats) -> Floats:
    """Stray dots of a drawing are no parts of it."""
    parts, area = label(matte >= 0.5)
    dust = area < DUST * area[1:].sum()
    if dust[1:].all():  # a picture of nothing but dots
        return matte
    return np.where(dust[parts], 0, matte).astype(np.float32)
