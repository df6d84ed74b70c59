# SPDX-License-Identifier: GPL-3.0-or-later
"""The background under the shadows that lie on it, and bits of a figure that have its colour. Never imports bpy; numpy
only.

A shadow multiplies the background's light and leaves its colour. It is smooth, runs out without an edge, and lies open
to the background, whatever the width of its penumbra. A figure ends in an edge.
"""

import numpy as np

from .pixels import Floats, Mask, blur, fill_outward, grow, label, luminance, rim_of

DARKEST, BRIGHTEST = 0.3, 1.04  # of the background's light: beyond them it is no shadow
TINT = 0.05  # sRGB 0..1: a shadow may differ from the darkened background by so much, mostly JPEG's colour noise
EDGE = 0.008  # of the light, against its mean over 3 pixels: what smooth shading stays under
STEEP = 0.12  # of the light's span over 7 pixels: a penumbra a few pixels wide stays under it, a figure's edge does not
SHARP = 0.06  # of the light: an edge in any case
OPEN = 0.7  # of a shadow's shore: the rest may be cut off from the background by edges
REACH = 6  # pixels across an edge, JPEG's ringing with it


def shaded(colour: Floats, background: Floats, clean: Mask) -> tuple[Floats, Mask]:
    """The (h, w, 3) background with the shadows on it, carried on under the figure, and where edges are.

    `clean` is where the picture equals the bare background.
    """
    light = luminance(colour) / np.maximum(luminance(background), np.float32(0.02))
    sharp = _edges(light, clean)
    tint = np.abs(colour - background * light[..., None]).max(axis=2)
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
