# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames around a picture: bars, borders, lines, passe-partouts, a polaroid's card. Tells where the inside is; never
cuts a figure out, never imports bpy; numpy only.

A frame is a band of one colour along the picture's border whose inner edge is straight and as long as the inside. A
plain background is no frame, for what stands out of it has no such edge; nor is the white around a flat, rectangular
figure such as a flag.
"""

from typing import NamedTuple

import numpy as np

from .pixels import Floats, Mask, grow, strongest

LAYERS = 6  # of a frame, one inside the other
LEAST_INSIDE = 0.2  # of the picture's area
UNIFORM = 0.96  # of a row of the band has the band's colour
STRAIGHT, EACH = 0.7, 0.45  # of the inner edge that shows, of all sides together and of each: the inside may fade away
FULL, EACH_FULL = 0.88, 0.8  # the same of two bars that are not black: a box on a page has two such edges, but shorter
TOLERANCES = (0.05, 0.03, 0.02)  # sRGB 0..1: so far the band's colour may vary; JPEG needs much, pale frames little
NOISE = 0.02  # sRGB 0..1: a row that varies more is no band
WIDE = 0.17  # of the picture's side: a wider band on all four sides is a background, not a frame
WIDE_BOTTOM, CARD = 0.32, 0.09  # the same of a polaroid's lower edge, and of its three others
WIDE_BAR = 0.42  # the same of bars on two opposite sides
LINE = 0.06  # of the side: so near to the border a thin line must run to be a frame's
THIN = 0.025  # of the side: so thin a white band is a frame even around something flat
LIGHT = 0.8  # sRGB 0..1: a band that is lighter may be the page that a flat figure lies on
DARK = 0.2  # sRGB 0..1: the band of a film is darker
HOLES = 10  # changes between band and hole, at least, along a film
COLOURS = 8  # flat art shows no more along its edge, in steps of 1/32


class Window(NamedTuple):
    """A rectangle of a picture, in pixels, the ends not included."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def area(self) -> tuple[slice, slice]:
        """As an index of an array."""
        return slice(self.top, self.bottom), slice(self.left, self.right)


class Band(NamedTuple):
    """The band of one colour along one side."""

    width: int  # pixels
    colour: Floats  # (3,)


def inside(colour: Floats) -> Window | None:
    """Where the picture (h, w, 3) inside its frame lies; None where it has no frame."""
    height, width = colour.shape[:2]
    window = Window(0, height, 0, width)
    for _ in range(LAYERS):
        layer = _layer(colour[window.area], max(1, round(0.004 * max(height, width))))
        if layer is None:
            break
        top, bottom, left, right = layer
        smaller = Window(window.top + top, window.bottom - bottom, window.left + left, window.right - right)
        size = (smaller.bottom - smaller.top, smaller.right - smaller.left)
        if min(size) < 8 or size[0] * size[1] < LEAST_INSIDE * height * width:
            break
        window = smaller
    return None if window == (0, height, 0, width) else window


def _layer(colour: Floats, soft: int) -> tuple[int, int, int, int] | None:
    """How wide the outermost layer of a frame is: above, below, at the left, at the right.

    It is a few pixels more than the band, `soft`, as its inner edge may be smeared.
    """
    height, width = colour.shape[:2]
    if min(height, width) < 24:
        return None
    turned = (colour, colour[::-1], colour.transpose(1, 0, 2), colour[:, ::-1].transpose(1, 0, 2))
    for tolerance in TOLERANCES:
        bands = [_band(side, tolerance) for side in turned]
        if any(band.width >= len(side) for band, side in zip(bands, turned, strict=True)):  # all of one colour
            continue
        for sides in ((0, 1, 2, 3), (0, 1), (2, 3)):
            if all(bands[number].width for number in sides) and _is_frame(colour, turned, bands, sides, tolerance):
                widths = [bands[number].width + soft if number in sides else 0 for number in range(4)]
                return widths[0], widths[1], widths[2], widths[3]
    return None


def _band(side: Floats, tolerance: float) -> Band:
    """The band along the first row of a picture."""
    tone = np.median(side[0], axis=0).astype(np.float32)
    if float(np.median(np.abs(side[0] - tone).max(axis=1))) > NOISE:
        return Band(0, tone)
    other = _unlike(side, tone, tolerance)
    rows = np.mean(other, axis=1) > 1 - UNIFORM
    if tone.max() < DARK and rows.any():
        rows &= ~_perforated(side, other)
    return Band(int(np.argmax(rows)) if rows.any() else len(side), tone)


def _perforated(side: Floats, other: Mask) -> Mask:
    """Which rows run through the holes of a film: many, all of one light colour."""
    share = other.mean(axis=1)
    changes = np.count_nonzero(other[:, 1:] != other[:, :-1], axis=1)
    rows = (changes >= HOLES) & (share < 0.8)
    for row in np.nonzero(rows)[0]:
        holes = side[row][other[row]]
        tone = np.median(holes, axis=0)
        rows[row] = tone.min() > 0.5 and np.median(np.abs(holes - tone)) < 0.05
    return rows


def _unlike(colour: Floats, tone: Floats, tolerance: float) -> Mask:
    return strongest(np.abs(colour - tone)) > tolerance


def _is_frame(
    colour: Floats, turned: tuple[Floats, ...], bands: list[Band], sides: tuple[int, ...], tolerance: float
) -> bool:
    tones = np.stack([bands[number].colour for number in sides])
    if np.ptp(tones, axis=0).max() > 0.08:
        return False
    tone = tones.mean(axis=0)
    width = [bands[number].width for number in sides]
    length = [len(turned[number]) for number in sides]
    share = [band / side for band, side in zip(width, length, strict=True)]
    is_polaroid = False
    if len(sides) == 4:
        is_polaroid = width[1] >= 1.5 * width[0] and _alike(width[2], width[3]) and _alike(width[0], width[2])
        is_polaroid = is_polaroid and max(share[0], share[2], share[3]) <= CARD
        if max(share[0], share[2], share[3]) > WIDE or share[1] > (WIDE_BOTTOM if is_polaroid else WIDE):
            return False
        is_even = _alike(width[2], width[3]) and _alike(width[0], width[1])
        is_dark = tone.max() < 0.1
        if not (is_polaroid or is_dark or is_even):
            return False
    elif max(share) > WIDE_BAR or min(share) < 0.01 or not (_alike(*width) or tone.max() < 0.1):
        return False
    start = (bands[2].width, bands[0].width) if len(sides) == 4 else (0, 0)
    end = (bands[3].width, bands[1].width) if len(sides) == 4 else (0, 0)
    edges, deeper = [], []
    for number in sides:
        along = number // 2  # the sides above and below run from left to right
        row = bands[number].width
        stretch = slice(start[along], turned[number].shape[1] - end[along])
        before = turned[number][max(0, row - 2), stretch]  # shading rises slowly, and is no edge
        near = _unlike(turned[number][row + 1 : row + 4, stretch], before, tolerance).any(axis=0)
        depth = row + max(4, round(0.03 * len(turned[number])))
        edges.append(float(near.mean()))
        deeper.append(float(_unlike(turned[number][depth, stretch], tone, tolerance).mean()))
    least, mean = (EACH, STRAIGHT) if len(sides) == 4 or tone.max() < 0.1 else (EACH_FULL, FULL)
    if min(edges) < least or np.mean(edges) < mean:
        return False
    is_line = np.mean(deeper) < 0.5
    if is_line:
        return len(sides) == 4 and max(share) <= LINE
    if len(sides) == 4 and tone.min() > LIGHT and not is_polaroid and max(share) > THIN:
        return not _is_flat(colour[bands[0].width : -bands[1].width, bands[2].width : -bands[3].width])
    return True


def _alike(one: int, other: int) -> bool:
    """Whether two bands are about equally wide, in pixels."""
    return abs(one - other) <= 2 + 0.15 * max(one, other)


def _is_flat(inner: Floats) -> bool:
    """Whether it is flat art: areas of one colour, few along its edge; a photograph has noise or shading."""
    edge = max(2, round(0.02 * min(inner.shape[:2])))
    ring = np.ones(inner.shape[:2], np.bool_)
    ring[2 * edge : -2 * edge, 2 * edge : -2 * edge] = False
    ring[:edge], ring[-edge:], ring[:, :edge], ring[:, -edge:] = False, False, False, False
    if not ring.any():
        return False
    steps = strongest(np.abs(np.diff(inner, axis=1, append=inner[:, -1:]))) > 2.5 / 255
    quiet = np.mean(~grow(steps, 1))
    tones = np.clip(inner[ring] * 31 + 0.5, 0, 31).astype(np.int64) @ np.array([1, 32, 1024])
    counts = np.sort(np.bincount(tones))[::-1]
    needed = int(np.searchsorted(np.cumsum(counts), 0.85 * counts.sum())) + 1
    return bool(quiet > 0.6 and needed <= COLOURS)
