# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells whether a picture of the back can be of the object that the front shows, and lays it on the front's outline.
Shapes nothing. Never imports bpy; numpy only.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from .agreement import Contradiction, overlap
from .pixels import Floats, Mask, grow, label, window_mean
from .views import Frame, View

SAME = 0.93  # intersection over union of two outlines that are drawn a little differently
OTHER = 0.6  # the same of outlines that cannot be of one object
CLEARLY = 0.02  # of intersection over union: an alignment that is better by less is not
HIGH, WIDE, BELOW = 2, 4, 0.25  # metres: what is looked at
STUDY = 192  # cells a metre, the longer side of the front, in which outlines are laid over each other


def front_and_back(views: Mapping[str, View]) -> str:
    """A sentence for the user where the outline of the back is a little different from the front's, else "".

    `views` has "front" and "back", brought to one height. Raises `Contradiction` where they cannot be of one object.
    """
    front, back = views["front"], views["back"]
    there, here = outline(front), outline(aligned(front, back))
    alike, as_it_is = overlap(there, here[:, ::-1]), overlap(there, outline(back))
    if alike >= SAME:
        return ""
    pair = f"The back ({back.called}) is not the same shape as the front ({front.called})"
    flip = as_it_is >= SAME and as_it_is > alike + 0.05
    if alike < OTHER:
        raise Contradiction(
            f"{pair}, but is if you flip it left to right: flip it, then retry."
            if flip
            else f"{pair}: choose a picture of the same object in the same pose, taken from straight behind."
        )
    if flip:
        return f"{pair}, but would be if you flipped it left to right."
    return f"{pair} ({100 * alike:.0f} % of the outlines agree), so it was fitted to the front's outline."


def aligned(front: View, back: View) -> View:
    """The back, moved and scaled so that its outline lies on the front's where that fits better than one height does: a
    hair that stands up, or a bit of shadow, makes a figure higher, but hardly larger."""
    there, here = outline(front)[:, ::-1], outline(back)
    if not there.any() or not here.any():
        return back
    scale = float(np.sqrt(there.sum() / here.sum()))
    (there_up, there_right), (here_up, here_right) = middle(there), middle(here)
    frame = back.frame
    moved = Frame(
        frame.centre + frame.metre * (here_right - there_right / scale),
        frame.bottom + frame.metre * (there_up / scale - here_up),
        frame.metre / scale,
    )
    other = replace(back, frame=moved)
    return other if overlap(there, outline(other)) > overlap(there, here) + CLEARLY else back


def middle(mask: Mask) -> tuple[float, float]:
    """The middle of a mask of `outline`'s, in metres up and to the right."""
    rows, columns = np.nonzero(mask)
    return float(HIGH - BELOW - (rows.mean() + 0.5) / STUDY), float((columns.mean() + 0.5) / STUDY - WIDE / 2)


def outline(view: View) -> Mask:
    """What is inside the outline in cells of which `STUDY` make a metre, `HIGH` metres from `BELOW` the ground, and
    `WIDE` metres across."""
    cell = view.frame.metre / STUDY  # pixels of the matte
    down = view.frame.bottom + (np.arange(-HIGH * STUDY, 0) + BELOW * STUDY + 0.5) * cell
    right = view.frame.centre + (np.arange(-WIDE * STUDY // 2, WIDE * STUDY // 2) + 0.5) * cell
    return without_holes(window_mean(view.cutout.matte, down, right, max(1.0, cell))) >= 0.5


def without_holes(matte: Floats) -> Floats:
    """A coarse matte whose holes belong to the figure, too: in one picture they may be told as holes, in the other as
    part of the figure. What thin lines enclose is a hole."""
    thick = grow(matte >= 0.2, 2)
    numbers, _ = label(np.pad(~thick, 1, constant_values=True))
    holes = ~thick & (numbers[1:-1, 1:-1] != numbers[0, 0])
    return np.where(grow(holes, 3), np.float32(1), matte)
