# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides which pixels of a picture belong to the shape, step by step, and says so. Never imports bpy; numpy only.

The picture's own transparency decides, where it tells a shape. Else what lies inside a frame is looked at: a painted
checkerboard is background, else what differs from a plain or gently shaded background is the figure, else what stands
convincingly before anything else. Where nothing can be told apart, the whole rectangle inside the frame is the shape.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from . import alpha as alpha_of
from . import background, checkerboard, figure, frames
from .contour import softened
from .holes import tidied
from .pixels import Bytes, Floats, fill_outward, rim_of, shrink, strongest

MATTE_SIZE = 2048  # pixels, longer side of a matte that comes from transparency
STUDY_SIZE = 1024  # pixels, longer side at which a background is studied: finer shows nothing more but noise
LEAST = 8  # pixels, shorter side of a picture in which a figure is looked for
AT_BORDER = 0.05  # of the picture's border may be the figure before it is looked for in another way
FINE = 128  # pixels, longer side of a rectangle's matte at least
SEEN = 8  # of 255: the least opacity at which anything of a picture is seen
STEADY = 250  # of 255: a picture that is less opaque than this everywhere is translucent

How = Literal["auto", "filled", "alpha", "rectangle"]
"""What the user may choose: Local's parameter `cutout`."""

BETTER = "Cut Out lets you paint the figure right"
CLOSE = "; choose Filled as the Cutout to close them"
BECAME_RELIEF = "became a relief"
IS_FIGURE = "counts as the figure"  # instead, where a picture is not the only one and its rectangle is an outline
MARGIN = "Transparency around the picture decided nothing, so it was looked through."
DOTS = "A few transparent dots decided nothing, so they were looked over."
VEIL = "The picture is equally translucent everywhere, so its colours decided."
TRACE = "The picture is almost fully transparent everywhere, so its colours decided."
INVERTED = "The transparency hides the figure and leaves a plain background, so it was looked through."
FRAME = "A frame was left out."


@dataclass(frozen=True)
class Cutout:
    """Which part of a picture is the shape."""

    matte: Floats  # (h, w), 0 outside to 1 inside, the contour at 0.5; may be coarser than the picture
    origin: str  # "alpha", "background" or "rectangle"
    note: str = ""  # what was decided for the user, sentences, or nothing


class NothingToShape(Exception):
    """The picture holds no shape at all; the text says so to the user."""


def cut_out(picture: Bytes, how: How = "auto", *, is_one_of_several: bool = False) -> Cutout:
    """Find the shape in an (h, w, 4) picture of straight sRGB bytes.

    Of a picture that `is_one_of_several` of an object, a transparent margin tells the shape, too: a box is a rectangle
    from all sides. Alone, it would be a photograph on a transparent card.
    `how` "auto" looks at everything; "filled" does too, and has enclosed areas belong to the figure; "alpha" goes by
    the picture's transparency alone; "rectangle" takes the whole picture. Raises `NothingToShape`.
    """
    alpha = picture[..., 3]
    strongest = int(alpha.max())
    if strongest == 0 or (strongest < SEEN and np.ptp(picture[..., :3], axis=(0, 1)).max() < SEEN):
        raise NothingToShape("The picture is fully transparent: choose one that shows something.")
    if how == "rectangle":
        return Cutout(_fine(np.ones(shrink(alpha, STUDY_SIZE).shape, np.float32)), "rectangle")
    opacity = shrink(alpha, STUDY_SIZE) * np.float32(255 / strongest)
    told = alpha_of.says(opacity) if strongest >= SEEN else "nothing"
    looked = _looked_through(told, strongest)
    if how == "alpha" and told == "nothing":
        raise NothingToShape(
            "The picture has no transparency that tells a shape: choose another Cutout, or make the background "
            "transparent with Cut Out first."
        )
    if how != "alpha" and told == "shape" and alpha_of.is_inverted(opacity, shrink(picture[..., :3], STUDY_SIZE)):
        told, looked = "nothing", INVERTED
    if how == "alpha" or told == "shape" or (told == "margin" and is_one_of_several):
        return _by_alpha(shrink(alpha, MATTE_SIZE) * np.float32(255 / strongest), is_filled=how == "filled")
    return _by_colour(picture, opacity, told, looked, is_filled=how == "filled")


def _by_alpha(opacity: Floats, *, is_filled: bool) -> Cutout:
    matte = alpha_of.from_alpha(opacity, is_filled=is_filled)
    if alpha_of.is_translucent(opacity):
        return Cutout(matte, "alpha", "The translucent body of the figure was taken for solid.")
    return Cutout(matte, "alpha")


def _looked_through(told: alpha_of.Says, strongest: int) -> str:
    """What became of a transparency that decided nothing."""
    if strongest < SEEN:
        return TRACE
    return {"margin": MARGIN, "dots": DOTS}.get(told, VEIL if strongest < STEADY else "")


def _by_colour(picture: Bytes, opacity: Floats, told: alpha_of.Says, looked: str, *, is_filled: bool) -> Cutout:
    """The shape that the colours tell, within the card that the transparency leaves and the frame around it."""
    colour = shrink(picture[..., :3], STUDY_SIZE)
    height, width = colour.shape[:2]
    window = frames.Window(0, height, 0, width)
    if told in ("margin", "dots"):  # no colour is stored where the picture is transparent, or any
        seen = opacity >= 0.95
        if seen.any():
            window = frames.Window(*alpha_of.box_of(opacity >= 0.5))
            colour = fill_outward(colour, seen.astype(np.float32))
    framed = frames.inside(colour[window.area])
    if framed is not None:
        window = frames.Window(
            window.top + framed.top, window.top + framed.bottom, window.left + framed.left, window.left + framed.right
        )
    notes = [looked, FRAME if framed is not None else ""]
    found = _figure(colour[window.area], is_filled=is_filled)
    matte = np.zeros((height, width), np.float32)
    if found is not None:
        matte[window.area], note = found
        return Cutout(matte, "background", _joined(*notes, note))
    matte[window.area] = 1
    if told == "margin" and framed is None:
        matte = alpha_of.from_alpha(opacity, is_filled=True)
    return Cutout(_fine(matte), "rectangle", _joined(*notes, _relief(picture.shape[:2], is_framed=framed is not None)))


def _fine(matte: Floats) -> Floats:
    """A matte of at least FINE pixels: the body's corners are rounded within a pixel, which of few pixels is much."""
    factor = max(1, FINE // max(matte.shape))
    return np.kron(matte, np.ones((factor, factor), np.float32)) if factor > 1 else matte


def _relief(shape: tuple[int, ...], *, is_framed: bool) -> str:
    """Why a picture (h, w) became a relief, and what to do about it."""
    if min(shape) < LEAST:
        return (
            f"The picture is only {min(shape)} pixels across, so it {BECAME_RELIEF}; choose a larger one for a figure."
        )
    whole = "its inside" if is_framed else "the whole picture"
    return (
        f"No background could be told apart, so {whole} {BECAME_RELIEF}; "
        "make the background transparent to shape a figure, for example with Cut Out."
    )


def _figure(colour: Floats, *, is_filled: bool) -> tuple[Floats, str] | None:
    """Matte of the figure in an (h, w, 3) picture without a frame, and how it was found; None where there is none."""
    found = _before_a_board(colour, is_filled=is_filled)
    if found is not None:
        return found
    plain = background.from_background(colour, is_filled=is_filled)
    if plain is not None and not (plain[0] >= 0.5).any():
        plain = None
    if plain is None or not _is_free(plain[0]):
        found = _before_anything(colour, is_filled=is_filled)
        if found is not None:
            return found
    if plain is None:
        return None
    return plain[0], _told("The background was taken away by its colour", pierced=plain[1], is_filled=is_filled)


def _is_free(matte: Floats) -> bool:
    """Whether what a plain background leaves keeps off the picture's border: a table beside it would not."""
    return float((matte[rim_of(matte.shape)] >= 0.5).mean()) < AT_BORDER


def _before_anything(colour: Floats, *, is_filled: bool) -> tuple[Floats, str] | None:
    """The figure before a background that is not plain, where there is a convincing one."""
    mask = figure.found(colour)
    if mask is None or figure.score(colour, mask) < figure.CONVINCING:
        return None
    mask, pierced = tidied(mask, colour, figure.behind(colour, mask), is_filled=is_filled)
    taken = "The figure was told from what is behind it by its edges and colours"
    return figure.matte(mask), _told(taken, pierced=pierced, is_filled=is_filled)


def _before_a_board(colour: Floats, *, is_filled: bool) -> tuple[Floats, str] | None:
    board = checkerboard.board(colour)
    if board is None:
        return None
    mask, pierced = tidied(~board.mask, colour, board.colour, is_filled=is_filled)
    if not background.LEAST < mask.mean() < background.MOST:
        return None
    distance = strongest(np.abs(colour - board.colour))
    matte = softened(mask, np.where(mask, np.maximum(distance, 0.2), distance), max(background.STEP, 4 * board.noise))
    taken = "The painted checkerboard was taken for transparency"
    return matte, _told(taken, pierced=pierced, is_filled=is_filled)


def _told(taken: str, *, pierced: bool, is_filled: bool) -> str:
    """What was taken away, what became of enclosed areas, and how to do better."""
    if pierced:
        return f"{taken}. Enclosed areas in the colour of the background became holes{CLOSE}. {BETTER}."
    if is_filled:
        return f"{taken}, and what the figure encloses belongs to it. {BETTER}."
    return f"{taken}. {BETTER}."


def _joined(*notes: str) -> str:
    return " ".join(filter(None, notes))


def bounds(matte: Floats) -> tuple[int, int, int, int]:
    """Top, bottom, left and right of what is inside, in pixels of the matte, the ends not included.

    Where nothing is opaque enough to be inside, all of it counts.
    """
    inside = matte >= 0.5
    if not inside.any():
        return 0, matte.shape[0], 0, matte.shape[1]
    return alpha_of.box_of(inside)
