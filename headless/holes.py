# SPDX-License-Identifier: GPL-3.0-or-later
"""Which enclosed areas in the colour of the background are holes in a figure, and which belong to it. Never imports
bpy; numpy only.

A bright area inside an outline is paper that the figure was drawn on, such as a sheep's wool or a clock's face. It
belongs to the figure unless its surroundings say that one looks through it: where solid matter of an even width, and
not a line, leads around most of it (a ring, a shackle, a letter's eye); where it lies close to the outside (a handle);
where many alike lie beside each other (between spokes or pickets); where strokes of one width and one paint make an
ornament; and where it lies close to the outside of a figure in many colours, whose border is no outline around paper
(the gap between an arm and a body). A photograph has no outlines: what shows exactly the background there, is the
background.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .pixels import Floats, Mask, grow, label, luminance, rim_of, strongest

SPECK = 0.0004  # of the figure's area: smaller parts are dust and JPEG noise
HOLE = 0.01  # of the part around it: a smaller enclosed area is an eye or a highlight, not a hole

# Found on about 550 pictures of clip art and judged on as many others; those from NEAR to BREAK on about 250 with
# enclosed areas. Widths of what is around an area are told in widths of the area itself: twice its size by its outline,
# which is the radius of a disc.
STOUT = 0.3  # a narrower wall is an outline
LINE = 3  # pixels: the same
SOLID = 3  # times the width of the part's strokes: in a thicker wall are other enclosed areas
DEEP = 5  # an area that lies deeper in the figure is painted on it
EVEN = 1.6  # of the wall's thinnest tenth: what is thicker does not belong to the wall
MOST = 0.7  # of an area's outline has the wall on its other side: the rest is what a shackle is fixed to
SOME = 0.4  # of it is enough where the area lies close to the outside
CLOSE = 0.6  # of the figure's greatest depth
COMPACT = 0.3  # of a disc's area with the same outline: pictograms and lettering have less
ISLANDS = 0.01  # of an area: what is drawn in it would hang in the air if it were a hole
ALIKE = 7  # areas of the same part, of half to twice the size, are spokes or pickets
BARRED = 0.25  # of all that the part encloses is between such
MOSTLY = 0.5  # of it: then all that the part encloses is between them, as the spokes in a picture are often broken
SMALLER = 0.2  # times HOLE: how small an area may be where it is one of many
LEAF = 0.1  # times HOLE: how small it may be in a photograph, of a tree above all
NEAR = 0.36  # of the figure's size (the root of its area): what lies deeper is a sign's or a badge's face
ALL = 0.89  # of an area's outline has the wall on its other side: such a ring may be as thick as it likes
ROUND = 0.6  # of a disc's area with the same outline
SLIT = 0.17  # the same: what is longer and narrower in a painted figure is a gleam or a seam
SAME = 0.19  # sRGB 0..1: the same paint
FLAT = 0.88  # of a figure in one paint: an ornament, ironwork, a sign, lettering, or a drawing in lines
MOTLEY = 0.61  # of a figure's border in one paint at most: more is an outline, and what it encloses may be paper
SHADED = 0.437  # of a figure's pixels differ gently from the next: it is painted, not drawn
OUTLINE = 0.028  # of the figure's size: what is drawn in narrower strokes is a drawing of a thing
BAR = 0.16  # of it: wider ones are plates that something is painted on
THIN = 0.1  # times an area's width: a narrower stroke around it is an outline
MANY = 8  # areas make an ornament, however deep they lie
THICKET = 30  # are spokes or meshes, however thin the strokes
WIDER = 1.6  # times a figure's strokes: what is thicker is no stroke
LUMPS = 0.1  # of a figure in strokes is thicker
BREAK = 0.15  # of a figure's size: only narrower strokes are outlines that can be broken
PHOTOGRAPH = 0.55  # of a figure's inner pixels differ gently from the next: drawings have flat areas and hard lines
BULK = 0.2  # of a figure's pixels are inner ones, or it is drawn in lines
GENTLE = (0.008, 0.12)  # of the luminance 0..1, from pixel to pixel
CORE = 3  # pixels from the edge, where JPEG's noise ends
UNLIKE = 0.008  # from the background, sRGB 0..1, beside its noise: such an area was painted, if only nearly white
NOISY = 0.025  # the same for photographs, and for what has no core


@dataclass(frozen=True)
class _Gaps:
    """What lies enclosed. An array has one value for each number; those that are not enclosed have an area of 0."""

    numbers: NDArray[np.int32]  # (h, w), 0 where there is none
    area: NDArray[np.int64]  # pixels
    inside: NDArray[np.int32]  # (h, w), the number of the part of the filled figure at each pixel
    filled: NDArray[np.int64]  # pixels of each such part
    outside: Mask  # (h, w)


def tidied(mask: Mask, colour: Floats, background: Floats, *, is_filled: bool = False) -> tuple[Mask, bool]:
    """Drop specks from a figure's mask (h, w), and close what it encloses unless that is a hole.

    Also tells whether there are holes. `colour` and `background` are (h, w, 3), sRGB 0..1. Where the figure
    `is_filled`, all that it encloses belongs to it.
    """
    mask = _without_specks(mask)
    gaps = _gaps_in(mask)
    if is_filled or not gaps.area.any():
        return mask | (gaps.numbers > 0), False
    holes = _holes(gaps, mask, colour, strongest(np.abs(colour - background)))
    return mask | ((gaps.numbers > 0) & ~holes[gaps.numbers]), bool(holes.any())


def _without_specks(mask: Mask) -> Mask:
    """Parts count as one where they touch at a corner: so a slanting line is no row of specks."""
    bridged = mask.copy()
    bridged[:-1, 1:] |= mask[:-1, :-1] & mask[1:, 1:]
    bridged[:-1, :-1] |= mask[:-1, 1:] & mask[1:, :-1]
    near, _ = label(bridged)
    area = np.bincount(near[mask], minlength=int(near.max()) + 1)
    small = area < max(4, SPECK * mask.sum())
    return mask & ~small[near]


def _gaps_in(mask: Mask) -> _Gaps:
    """Find what the mask encloses, also where its outline has a break of two pixels at most."""
    rim = rim_of(mask.shape)
    numbers, area = label(~mask)
    numbers = np.where(_without(numbers, rim), numbers, 0)
    count = len(area)
    sealed, sealed_area = label(~grow(mask, 1) & (numbers == 0))
    sealed = np.where(_without(sealed, rim), sealed, 0)
    # What has no body is a dent between two strokes, and no area behind a broken one.
    # Nor is there an outline to break where the figure is not drawn in lines: flats that touch at a corner are open.
    stroke = 2 * mask.sum() / max(0.8 * _outline(mask.astype(np.int32), 2)[1], 1)
    if stroke > BREAK * np.sqrt(mask.sum() + np.count_nonzero(numbers)):
        sealed = np.zeros_like(sealed)
    bodies = np.unique(sealed[(sealed > 0) & ~grow(sealed == 0, 3)])
    body = np.zeros(len(sealed_area), np.bool_)
    body[bodies] = True
    behind = grow(np.where(body[sealed], sealed, 0), 1)
    numbers = np.where((behind > 0) & ~mask, behind + count, numbers).astype(np.int32)
    area = np.bincount(numbers.ravel())
    area[0] = 0
    outside = ~mask & (numbers == 0)
    inside, filled = label(~outside)
    return _Gaps(numbers, area, inside, filled, outside)


def _without(numbers: NDArray[np.int32], rim: Mask) -> Mask:
    """Where the numbered areas are that do not reach the rim."""
    reaching = np.zeros(int(numbers.max()) + 1, np.bool_)
    reaching[numbers[rim]] = True
    reaching[0] = True
    return ~reaching[numbers]


def _holes(gaps: _Gaps, mask: Mask, colour: Floats, difference: Floats) -> Mask:
    """Say of each number whether it is a hole."""
    numbers, count = gaps.numbers, len(gaps.area)
    area = np.maximum(gaps.area, 1)
    part = np.zeros(count, np.int64)  # of the filled figure, in which each gap lies
    part[numbers] = gaps.inside
    outline = 0.8 * _outline(numbers, count)  # of steps along rows and columns; 0.8 of them are the length of a slope
    width = 2 * area / np.maximum(outline, 1)
    depth = _distance(gaps.outside)
    deepest = np.zeros(count, np.int64)
    np.maximum.at(deepest, numbers.ravel(), depth.ravel())
    greatest = np.zeros(len(gaps.filled), np.int64)
    np.maximum.at(greatest, gaps.inside.ravel(), depth.ravel())

    wall, thickest, around = _walls(numbers, depth, mask, count)
    ink, parts = np.where(mask, gaps.inside, 0), len(gaps.filled)
    stroke = 2 * np.bincount(ink.ravel(), minlength=parts) / np.maximum(0.8 * _outline(ink, parts), 1)
    solid = (wall >= LINE) & (wall <= SOLID * stroke[part])
    wall /= width
    compactness = 4 * np.pi * area / np.maximum(outline, 1) ** 2
    stout = solid & (wall >= STOUT) & (wall <= DEEP) & (compactness >= COMPACT)
    encircled = (around >= MOST) | ((around >= SOME) & (deepest < CLOSE * greatest[part]))
    share = np.where(gaps.area >= 4, gaps.area / np.maximum(gaps.filled[part], 1), 0)
    is_bare = _islands(gaps, mask) < ISLANDS * area
    limit = UNLIKE + 2 * float(np.median(difference[gaps.outside])) if gaps.outside.any() else UNLIKE
    unlike = _unlike(numbers, difference, count)
    if _is_photograph(colour, mask):
        return (share >= LEAF * HOLE) & (unlike < max(NOISY, limit))

    size = np.sqrt(np.maximum(gaps.filled, 1))
    core = _core(mask, 1)
    is_near = deepest <= NEAR * size[part]
    is_ring = (around >= ALL) & (compactness >= ROUND)
    ring = stout & encircled & (is_near | is_ring)
    is_flat = _flatness(colour[core]) >= FLAT
    alike = _alike(np.where(share >= SMALLER * HOLE, gaps.area, 0), part)
    if is_flat:
        count_in = np.bincount(part, weights=share >= SMALLER * HOLE, minlength=parts)
        alike &= ((stroke >= OUTLINE * size) | (count_in >= THICKET))[part]
        drawn = _strokes(mask, ink, stroke) & (OUTLINE * size <= stroke) & (stroke <= BAR * size)
        is_frame = (around >= MOST) & (thickest <= BAR * size[part])
        through = drawn[part] & (wall >= THIN) & ((count_in >= MANY)[part] | is_frame)
    else:
        rim = core & grow(gaps.outside, CORE)
        is_painted = _flatness(colour[rim]) <= MOTLEY or _gentle(luminance(colour), core) >= SHADED
        through = is_near & is_painted & (compactness >= SLIT)
    return is_bare & (unlike < limit) & ((share >= HOLE) & (ring | through) | alike)


def _core(mask: Mask, depth: int) -> Mask:
    """The mask without its edge, where JPEG mixes colours, or all of a mask that is hardly more than edge."""
    core = ~grow(~mask, depth)
    return core if core.sum() >= 0.1 * mask.sum() else mask


def _flatness(colours: Floats) -> float:
    """How many of the colours (n, 3) are about the commonest one, 0..1."""
    if not len(colours):
        return 1.0
    bins = (colours * 7.99).astype(np.int64) @ np.array([64, 8, 1])
    commonest = np.median(colours[bins == np.bincount(bins).argmax()], axis=0)
    return float(np.mean(np.abs(colours - commonest).max(axis=1) < SAME))


def _gentle(light: Floats, where: Mask) -> float:
    """How many pixels there differ gently from the next below, 0..1."""
    step = np.abs(np.diff(light, axis=0, append=light[-1:]))[where]
    return float(np.mean((step > GENTLE[0]) & (step < GENTLE[1]))) if len(step) else 0.0


def _strokes(mask: Mask, ink: NDArray[np.int32], stroke: NDArray[np.float64]) -> Mask:
    """Whether each part is drawn in strokes of one width: nearly nothing of it is thicker."""
    thick = _distance(~mask) > 0.5 * WIDER * stroke[ink] + 1
    amount = np.bincount(ink.ravel(), minlength=len(stroke))
    return np.bincount(ink[thick & mask], minlength=len(stroke)) <= LUMPS * amount


def _is_photograph(colour: Floats, mask: Mask) -> bool:
    light = luminance(colour)
    step = np.abs(np.diff(light, axis=0, append=light[-1:]))
    step = np.maximum(step, np.abs(np.diff(light, axis=1, append=light[:, -1:])))
    step = step[~grow(~mask, CORE)]
    return len(step) >= BULK * mask.sum() > 0 and bool(np.mean((step > GENTLE[0]) & (step < GENTLE[1])) >= PHOTOGRAPH)


def _alike(area: NDArray[np.int64], part: NDArray[np.int64]) -> Mask:
    """Whether each gap is one of many of about its size in its part, or beside such."""
    key = 64 * part + np.log2(np.maximum(area, 1))  # no area has 64 bits: so sizes of one part stay beside each other
    order = np.argsort(key)
    key, sums = key[order], np.concatenate(([0], np.cumsum(area[order])))
    low, high = np.searchsorted(key, key - 1, "left"), np.searchsorted(key, key + 1, "right")
    total = np.bincount(part, weights=area)[part[order]]
    many = (high - low >= ALIKE) & (sums[high] - sums[low] >= BARRED * total)
    alike = np.zeros(len(area), np.bool_)
    alike[order] = many
    barred = np.bincount(part, weights=area * alike) >= MOSTLY * np.maximum(np.bincount(part, weights=area), 1)
    return (alike | barred[part]) & (area > 0)


def _outline(numbers: NDArray[np.int32], count: int) -> NDArray[np.int64]:
    """How many sides of pixels each number has to others."""
    sides = np.zeros(count, np.int64)
    for one, other in ((numbers[1:], numbers[:-1]), (numbers[:, 1:], numbers[:, :-1])):
        edge = one != other
        sides += np.bincount(one[edge], minlength=count) + np.bincount(other[edge], minlength=count)
    return sides


def _distance(outside: Mask) -> NDArray[np.int32]:
    """Steps along rows and columns to the nearest pixel outside."""
    distance = np.where(outside, 0, sum(outside.shape)).astype(np.int32)
    for axis in (0, 1):
        place = np.arange(distance.shape[axis], dtype=np.int32).reshape((-1, 1) if axis == 0 else (1, -1))
        before = np.minimum.accumulate(distance - place, axis=axis) + place
        after = np.flip(np.minimum.accumulate(np.flip(distance + place, axis), axis=axis), axis) - place
        distance = np.minimum(before, after)
    return distance


def _walls(
    numbers: NDArray[np.int32], depth: NDArray[np.int32], mask: Mask, count: int
) -> tuple[NDArray[np.float64], NDArray[np.int32], NDArray[np.float64]]:
    """How far each gap's outline is from the outside (pixels; a quarter of it is nearer; nine tenths are), and how
    much of it has a wall of an even width.
    """
    edge = mask & (numbers == 0)
    beside = grow(numbers, 1)
    edge &= beside > 0
    owner, steps = beside[edge], depth[edge]
    order = np.lexsort((steps, owner))
    owner, steps = owner[order], steps[order]
    length = np.bincount(owner, minlength=count)
    first = np.cumsum(length) - length
    last = max(len(steps) - 1, 0)
    steps = np.append(steps, 0)
    thin, quarter, thick = (
        steps[np.minimum(first + (share * length).astype(np.int64), last)] for share in (0.1, 0.25, 0.9)
    )
    even = np.bincount(owner, weights=steps[:-1] < EVEN * thin[owner] + 1, minlength=count)
    return quarter.astype(np.float64), thick, even / np.maximum(length, 1)


def _islands(gaps: _Gaps, mask: Mask) -> NDArray[np.float64]:
    """Pixels of the figure that lie free in each gap."""
    parts, area = label(mask)
    parts, numbers = (np.pad(each, ((0, 0), (1, 0))) for each in (parts, gaps.numbers))
    starts = (parts[:, 1:] > 0) & (parts[:, :-1] == 0)
    around = np.zeros(len(area), np.int64)
    # From the last to the first: what is left of a part's very first pixel lies around it, and not in it.
    around[parts[:, 1:][starts][::-1]] = numbers[:, :-1][starts][::-1]
    return np.bincount(around, weights=area, minlength=len(gaps.area))


def _unlike(numbers: NDArray[np.int32], difference: Floats, count: int) -> NDArray[np.float64]:
    """How much each gap differs from the background, at its core where it has one."""
    inner = numbers[(numbers > 0) & ~grow(numbers == 0, CORE)]
    has_core = np.bincount(inner, minlength=count) > 0
    counted = (numbers > 0) & (~has_core[numbers] | ~grow(numbers == 0, CORE))
    owner = numbers[counted]
    amount = np.bincount(owner, minlength=count)
    mean = np.bincount(owner, weights=difference[counted], minlength=count) / np.maximum(amount, 1)
    return np.where(has_core, mean, np.maximum(0, mean - (NOISY - UNLIKE)))
