# SPDX-License-Identifier: GPL-3.0-or-later
"""Colours of a back of which nothing is known: those of the contour, carried inward, so that no second face looks out
of it. Shapes nothing. Never imports bpy; numpy only.

Outlines that are drawn around a figure say nothing of it: the colours are taken from further in. They stay apart as
they do along the contour, hair above and clothes below, and meet in soft borders.
"""

import numpy as np
from numpy.typing import NDArray

from .cutout import bounds
from .maps import fitted
from .pixels import Bytes, Floats, Mask, blur, enlarge, shrink

STUDY = 128  # pixels, longer side of the figure at which colours are carried
REACH = 0.08  # of the figure's longer side: so far from the contour colours are looked at
OUTLINE = 0.02  # of the same: what lies nearer to the contour may be a line drawn around the figure
ALONG = 0.03  # of the same: over so much of the contour its colour is one
ALIKE = 0.15  # distance in RGB (0..1) within which colours are taken for one
KINDS = 6  # of colours at most
APART = 5.0  # power of the shares of the kinds: 1 mixes them like wet paint, much more cuts them like paper
UPRIGHT = 0.3  # how easily colours go up and down, of how easily they go across: what lies one above the other stays so
SWEEPS = 10  # of smoothing at full size; at smaller ones more, they cost little
LEAST = 4  # pixels, shorter side: smaller is not halved any more
HARDLY = np.float32(1e-4)  # weight of what counts only where there is nothing else


def carried_in(colour: Bytes, matte: Floats) -> Bytes:
    """(h, w, 3) colours for the back of the figure in a picture of the same shape, seen through it from the front.

    `matte` tells the figure; it may have another size.
    """
    height, width = colour.shape[:2]
    top, bottom, left, right = bounds(matte)
    down, across = matte.shape[0] / height, matte.shape[1] / width
    rows = slice(int(top / down), max(int(top / down) + 1, round(bottom / down)))
    columns = slice(int(left / across), max(int(left / across) + 1, round(right / across)))
    small = shrink(colour[rows, columns], STUDY)
    carried = _carried(small, fitted(matte[top:bottom, left:right], *small.shape[:2]).clip(0, 1))
    part = np.round(enlarge(carried, rows.stop - rows.start, columns.stop - columns.start).clip(0, 1) * 255)
    beyond = (rows.start, height - rows.stop), (columns.start, width - columns.stop), (0, 0)
    return np.pad(part.astype(np.uint8), beyond, mode="edge")


def _carried(small: Floats, inside: Floats) -> Floats:
    """The same of the figure alone, at the size of the study."""
    size = max(inside.shape)
    depth = depth_inside(inside >= 0.5, max(4, round(REACH * size)))
    own = along_contour(small, depth, size)
    at = (depth > 0) & (depth <= max(2, OUTLINE * size))
    if not at.any():
        return small
    kind = kinds(own[at])
    count = int(kind.max()) + 1
    shares = np.zeros((*at.shape, count), np.float32)
    shares[at] = np.eye(count, dtype=np.float32)[kind]
    known = at.astype(np.float32)
    softness = max(1.0, ALONG * size / 2)
    shares = np.where(at[..., None], blur(shares, softness) / (blur(known, softness)[..., None] + HARDLY), 0)
    # Each kind carries its own colours with it, which change along the contour as shading does.
    loads = [shares, *(shares[..., k : k + 1] * own for k in range(count))]
    spread = diffused(np.concatenate(loads, axis=2), known, inside)
    part = np.maximum(spread[..., :count], HARDLY)
    colours = spread[..., count:].reshape(*at.shape, count, 3) / part[..., None]
    part = part**APART
    return (part[..., None] * colours).sum(axis=2) / part.sum(axis=2)[..., None]


def depth_inside(inside: Mask, most: int) -> Floats:
    """How many pixels each is inside, up to `most`: eroded by squares and crosses by turns, which makes octagons."""
    depth = np.zeros(inside.shape, np.float32)
    for step in range(most):
        depth += inside
        p = np.pad(inside, 1)
        if step % 2:
            inside = inside & p[:-2, 1:-1] & p[2:, 1:-1] & p[1:-1, :-2] & p[1:-1, 2:]
        else:
            rows = p[:-2] & p[1:-1] & p[2:]
            inside = rows[:, :-2] & rows[:, 1:-1] & rows[:, 2:]
    return depth


def along_contour(small: Floats, depth: Floats, size: int) -> Floats:
    """For every pixel the colour that prevails in the band along the contour near it; only near the contour is it of
    use."""
    weight = np.clip((depth - 1) / (OUTLINE * size), 0, 1) ** 3 * (depth < depth.max())
    weight = np.where(depth > 0, np.maximum(weight, HARDLY), 0).astype(np.float32)
    softness = max(1.5, ALONG * size)

    def mean(weight: Floats) -> Floats:
        total = blur(np.dstack((small * weight[..., None], weight)), softness)
        return total[..., :3] / np.maximum(total[..., 3:], 1e-9)

    prevailing = mean(weight)
    for _ in range(4):  # what differs counts less and less: lines, spots, a neighbour's colour
        off = ((small - prevailing) ** 2).sum(axis=2)
        prevailing = mean(weight / (1 + off / ALIKE**2) ** 2)
    return prevailing


def kinds(colours: Floats) -> NDArray[np.int64]:
    """A number for each of (n, 3) colours, the same for those that are much the same (k-means, begun far apart)."""
    centres = [colours.mean(axis=0)]
    off = ((colours - centres[0]) ** 2).sum(axis=1)
    while len(centres) < KINDS and off.max() > ALIKE**2:
        centres.append(colours[off.argmax()])
        off = np.minimum(off, ((colours - centres[-1]) ** 2).sum(axis=1))
    middle = np.array(centres)
    for _ in range(8):
        nearest = ((colours[:, None] - middle) ** 2).sum(axis=2).argmin(axis=1)
        sums = [colours[nearest == k].mean(axis=0) if (nearest == k).any() else middle[k] for k in range(len(middle))]
        middle = np.array(sums)
    return nearest


def diffused(values: Floats, known: Floats, inside: Floats) -> Floats:
    """Spread (h, w, c) values from where they are `known` (1) to the rest of what is `inside`, as heat would.

    Solved at half the size first, then smoothed.
    """
    height, width = known.shape
    share = known[..., None]
    if min(height, width) <= LEAST:
        return fill_evenly(values, share)
    padding = ((0, height % 2), (0, width % 2), (0, 0))
    even = np.pad(np.concatenate((values * share, share, inside[..., None]), axis=2), padding)
    quarter = even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]
    weight = quarter[..., -2:-1]
    coarse = diffused(quarter[..., :-2] / np.maximum(weight, 1e-6), np.minimum(weight[..., 0], 1), quarter[..., -1] / 4)
    spread = enlarge(coarse, height + height % 2, width + width % 2)[:height, :width]
    across = np.minimum(inside[:, 1:], inside[:, :-1])[..., None] + HARDLY
    upright = UPRIGHT * np.minimum(inside[1:], inside[:-1])[..., None] + HARDLY
    total = np.zeros_like(share)
    for part, link in ((np.s_[:, 1:], across), (np.s_[:, :-1], across), (np.s_[1:], upright), (np.s_[:-1], upright)):
        total[part] += link
    fixed, free = values * share, (1 - share) / total
    spread = fixed + spread * (1 - share)
    for _ in range(SWEEPS * max(1, STUDY // max(height, width))):
        flow = np.zeros_like(spread)
        flow[:, 1:] += across * spread[:, :-1]
        flow[:, :-1] += across * spread[:, 1:]
        flow[1:] += upright * spread[:-1]
        flow[:-1] += upright * spread[1:]
        spread = fixed + flow * free
    return spread


def fill_evenly(values: Floats, share: Floats) -> Floats:
    """Where values are not known, their mean."""
    mean = (values * share).sum(axis=(0, 1)) / np.maximum(share.sum(), 1e-6)
    return (values * share + mean * (1 - share)).astype(np.float32)
