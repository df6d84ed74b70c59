# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides which pixels of a picture belong to the shape. Never imports bpy; numpy only.

Four answers: the picture's own transparency; else what differs from a background that is plain or gently shaded; else
a convincing figure before anything else; else nothing can be told apart, and the whole rectangle is the shape.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from . import alpha as alpha_of
from . import background, figure
from .holes import tidied
from .pixels import Bytes, Floats, rim_of, shrink

MATTE_SIZE = 2048  # pixels, longer side of a matte that comes from transparency
STUDY_SIZE = 1024  # pixels, longer side at which a background is studied: finer shows nothing more but noise
AT_BORDER = 0.05  # of the picture's border may be the figure before it is looked for in another way

How = Literal["auto", "filled", "alpha", "rectangle"]
"""What the user may choose: Local's parameter `cutout`."""


@dataclass(frozen=True)
class Cutout:
    """Which part of a picture is the shape."""

    matte: Floats  # (h, w), 0 outside to 1 inside, the contour at 0.5; may be coarser than the picture
    origin: str  # "alpha", "background" or "rectangle"
    note: str = ""  # what was decided for the user, a sentence, or nothing


class NothingToShape(Exception):
    """The picture holds no shape at all; the text says so to the user."""


def cut_out(picture: Bytes, how: How = "auto") -> Cutout:
    """Find the shape in an (h, w, 4) picture of straight sRGB bytes.

    `how` "auto" looks at everything; "filled" does too, and has enclosed areas belong to the figure; "alpha" goes by
    the picture's transparency alone; "rectangle" takes the whole picture. Raises `NothingToShape`.
    """
    alpha = picture[..., 3]
    strongest = int(alpha.max())
    if strongest < 8:
        raise NothingToShape("The picture is fully transparent: choose one that shows something.")
    if how == "rectangle":
        return _whole(alpha, "")
    if how == "alpha" or alpha_of.decides(alpha):
        return Cutout(alpha_of.from_alpha(shrink(alpha, MATTE_SIZE) * (255 / strongest)), "alpha")
    colour = shrink(picture[..., :3], STUDY_SIZE)
    found = background.from_background(colour, is_filled=how == "filled")
    if found is None or not _is_free(found[0]):
        seen = _before_anything(colour, is_filled=how == "filled")
        if seen is not None:
            return seen
    if found is not None:
        matte, pierced = found
        taken = (
            "Enclosed areas in the colour of the background became holes"
            if pierced
            else "The background was taken away by its colour"
        )
        return Cutout(matte, "background", f"{taken}; transparency in the picture decides more exactly.")
    return _whole(
        alpha,
        "No background could be told apart, so the whole picture became a relief; "
        "make the background transparent to shape a figure.",
    )


def _is_free(matte: Floats) -> bool:
    """Whether what a plain background leaves keeps off the picture's border: a table beside it would not."""
    return float((matte[rim_of(matte.shape)] >= 0.5).mean()) < AT_BORDER


def _before_anything(colour: Floats, *, is_filled: bool) -> Cutout | None:
    """The figure before a background that is not plain, where there is a convincing one."""
    mask = figure.found(colour)
    if mask is None or figure.score(colour, mask) < figure.CONVINCING:
        return None
    mask, _ = tidied(mask, colour, figure.behind(colour, mask), is_filled=is_filled)
    note = "The figure was told from what is behind it by its edges and colours; transparency decides more exactly."
    return Cutout(figure.matte(mask), "background", note)


def _whole(alpha: Bytes, note: str) -> Cutout:
    return Cutout(np.ones(shrink(alpha, STUDY_SIZE).shape, np.float32), "rectangle", note)


def bounds(matte: Floats) -> tuple[int, int, int, int]:
    """Top, bottom, left and right of what is inside, in pixels of the matte, the ends not included.

    Where nothing is opaque enough to be inside, all of it counts.
    """
    inside = matte >= 0.5
    rows, columns = np.nonzero(inside.any(axis=1))[0], np.nonzero(inside.any(axis=0))[0]
    if not len(rows):
        return 0, matte.shape[0], 0, matte.shape[1]
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
