# SPDX-License-Identifier: GPL-3.0-or-later
"""The background under the shadows that lie on it, shadows that are drawn, and bits of a figure that have the
background's colour. Never imports bpy; numpy only.

A shadow multiplies the background's light and leaves its colour. It is smooth, runs out without an edge, and lies open
to the background, whatever the width of its penumbra. A figure ends in an edge.
"""

import numpy as np
from numpy.typing import NDArray

from .pixels import Floats, Mask, blur, fill_outward, grow, label, luminance, rim_of, strongest

DARKEST, BRIGHTEST = 0.3, 1.04  # of the background's light: beyond them it is no shadow
TINT = 0.05  # sRGB 0..1: a shadow may differ from the darkened background by so much, mostly JPEG's colour noise
EDGE = 0.008  # of the light, against its mean over 3 pixels: what smooth shading stays under
STEEP = 0.12  # of the light's span over 7 pixels: a penumbra a few pixels wide stays under it, a figure's edge does not
SHARP = 0.06  # of the light: an edge in any case
OPEN = 0.7  # of a shadow's shore: the rest may be cut off from the background by edges
REACH = 6  # pixels across an edge, JPEG's ringing with it

# Drawn shadows. Found on 150 pictures of clip art, a third of them with such a shadow, a third with grey figures.
OPAQUE = 0.5  # of the background's light: what is drawn darker is no longer mostly background, so it counts as figure
LEAST = 0.002  # of all that stands out: smaller ones are left alone
BESIDE = 0.55  # of all that stands out is something else, which throws the shadow
LYING = (
    0.1  # of a shadow's outline: so much of it at least has the figure on the other side, and so much the background
)
SIDE = 0.2  # of the figure's size: a sharp shadow lies so far below it or to its right
OUTLINED = 0.06  # of the light: an edge that is so much deeper than what it encloses is an outline, which no shadow has
FLAT = 0.02  # of the light: the spread within a shadow of one grey; others are taken for the shading of a grey figure
COLOURFUL = 0.35  # of a figure's pixels may be grey, or it has only a shadow of one grey
FADING = (0.7, 0.12)  # of a soft shadow's shore, and of the light: how much it changes over 5 pixels there at most
FAINT = 0.03  # of the light: what is hardly darker than the background is a white figure's shading


def shaded(colour: Floats, background: Floats, clean: Mask) -> tuple[Floats, Mask]:
    """The (h, w, 3) background with the shadows on it, carried on under the figure, and where edges are.

    `clean` is where the picture equals the bare background.
    """
    light = luminance(colour) / np.maximum(luminance(background), np.float32(0.02))
    sharp = _edges(light, clean)
    tint = strongest(np.abs(colour - background * light[..., None]))
    smooth = (light > DARKEST) & (light < BRIGHTEST) & (tint < TINT) & ~sharp
    ground = _reached(clean)
    shadow = _reached(smooth | clean) & ~ground
    # Narrow leaks are cut through, so that what has leaked into the figure stands alone.
    numbers, area = label(shadow & ~grow(~(shadow | ground), 1))
    near, far = grow(numbers, 2), grow(numbers, 2 + REACH)
    shore = ground & grow(~ground, 1)
    opened = np.bincount(near[shore], minlength=len(area))
    within = np.bincount(far[shore], minlength=len(area))
    lies_open = opened > OPEN * within
    lies_open[0] = False
    shadow &= lies_open[near]
    if not shadow.any():
        return background, sharp
    factor = np.where(shadow & ~clean, light, np.float32(1))
    known = (ground | shadow).astype(np.float32)
    return background * fill_outward(np.repeat(factor[..., None], 3, axis=2), known), sharp


def belonging(mask: Mask, distance: Floats, threshold: float, sharp: Mask) -> Mask:
    """Areas in the background's colour that are part of the figure, as its shading only passes through that colour.

    Edges part them from the background around the figure, but none parts them from the figure itself.
    """
    outside = _reached(~mask & ~sharp)
    inlets, area = label(~mask & ~grow(outside, 3))
    strong = grow(distance, 3) > 3 * threshold
    bank = grow(inlets, 1)
    on_bank = mask & (bank > 0)
    banks = np.bincount(bank[on_bank], minlength=len(area))
    steep = np.bincount(bank[on_bank & strong], minlength=len(area))
    gentle = (steep < 0.5 * banks) & (area >= 16)
    gentle[0] = False
    return gentle[inlets]


def drawn(mask: Mask, colour: Floats, background: Floats) -> Mask:
    """The parts (h, w) of what stands out that are shadows drawn beside or below a figure: neutral, even where their
    edge is sharp, without an outline, and less than half opaque. `background` is the bare one.
    """
    height, width = mask.shape
    light = luminance(colour) / np.maximum(luminance(background), np.float32(0.02))
    veil = mask & (light > OPAQUE) & (light < 1) & (strongest(np.abs(colour - background * light[..., None])) < TINT)
    rest, ground = mask & ~veil, ~mask
    none = np.zeros_like(mask)
    if not rest.any() or rest.sum() < BESIDE * mask.sum():
        return none
    numbers, area = label(veil & ~grow(~veil, 1))
    count = len(area)
    body = np.where(veil, grow(numbers, 1), 0)
    shore = np.where(ground & grow(mask, 1), grow(body, 3), 0)
    outline = np.where(veil, 0, grow(body, 2))
    banks = np.maximum(_tally(outline, count), 1)
    span = grow(light, 2) + grow(-light, 2)
    shores = np.maximum(_tally(shore, count), 1)
    step = _tally(shore, count, span) / shores
    area = np.maximum(area, 1)
    depth = _tally(numbers, count, 1 - light) / area
    spread = np.sqrt(np.maximum(_tally(numbers, count, (1 - light) ** 2) / area - depth**2, 0))
    rows, columns = np.nonzero(rest)
    tall, wide = (max(int(np.ptp(np.nonzero(mask.any(axis))[0])), 1) for axis in (1, 0))
    below = (_tally(numbers, count, np.arange(height)[:, None]) / area - rows.mean()) / tall
    right = (_tally(numbers, count, np.arange(width)[None]) / area - columns.mean()) / wide
    lying = (_tally(outline, count, ground) >= LYING * banks) & (_tally(outline, count, rest) >= LYING * banks)
    lying &= (_tally(body, count) >= max(9, LEAST * mask.sum())) & (depth >= FAINT)
    lying[0] = False
    is_colourful = float(np.mean(np.ptp(colour[rest], axis=1) < TINT)) < COLOURFUL
    fading = (_tally(shore, count, span < FADING[1]) > FADING[0] * shores) & (below > -SIDE / 2)
    sharp = (np.maximum(below, right) > SIDE) & (step <= depth + OUTLINED) & ((spread < FLAT) | is_colourful)
    return veil & (lying & (fading | sharp))[grow(body, 2)]


def _tally(numbers: NDArray[np.int32], count: int, weights: NDArray | None = None) -> NDArray[np.float64]:
    """The sum of the weights (broadcast; 1 without them) over the pixels of each number."""
    if weights is not None:
        weights = np.broadcast_to(weights, numbers.shape).ravel()
    return np.bincount(numbers.ravel(), weights, minlength=count).astype(np.float64)


def _edges(light: Floats, clean: Mask) -> Mask:
    """Where the light changes more sharply than shadows do, a pixel to either side with it."""
    change = np.abs(light - blur(light, 1))
    noise = 1.4826 * float(np.median(change[clean])) if clean.any() else 0.0
    span = grow(light, 3) + grow(-light, 3)
    return grow(change > np.clip(STEEP * span, max(EDGE, 4 * noise), SHARP), 1)


def _reached(mask: Mask) -> Mask:
    """The parts of a mask that touch the picture's rim."""
    numbers, _ = label(mask)
    touches = np.zeros(int(numbers.max()) + 1, np.bool_)
    touches[numbers[rim_of(mask.shape)]] = True
    touches[0] = False
    return touches[numbers]
