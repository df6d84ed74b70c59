# SPDX-License-Identifier: GPL-3.0-or-later
"""A figure before what is not plain: a table, something blurred, a photograph. Never imports bpy; numpy only.

What is reached from the picture's border without crossing something sharp is background; at several degrees of
sharpness this gives several guesses. Each is refined by the colours on both sides of its contour, and the one that
looks most like a figure is refined once more at full size. Whether it is one at all, `score` says.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from .energy import couplings, divided
from .evidence import Numbers, by_colour, by_continuing, numbered
from .pixels import Floats, Mask, blur, enlarge, fill_outward, grow, label, rim_of, strongest

COARSE, FINE = 192, 640  # pixels, longer side at which guesses are compared, and at which one is refined
LEAST_SIDE = 32  # pixels: too little to see in
NOISE = 0.6  # quantile of the sharpness along the picture's border that counts as noise
TIMES = (2, 4, 8)  # the noise: what is sharper is not crossed
LEAST_SHARPNESS = 0.004  # sRGB 0..1
PRIOR = 0.85  # nats: how much the guess has its say in what is refined
STRIP = 3  # pixels of a guess: a thin sharp line that begins at the picture's border is a horizon, no figure
SEEN = 0.03  # sRGB 0..1: sharpness that the eye sees
CONVINCING = 0.75  # the least score of a figure: landscapes and other photographs without one stay below it
SMALLEST, LARGEST = 0.003, 0.95  # of the picture, a figure


class _Clues(NamedTuple):
    """What every guess about a picture is refined by."""

    colour: Floats
    numbers: Numbers
    costs: tuple[Floats, Floats]


def found(colour: Floats) -> Mask | None:
    """A mask of the figure in an (h, w, 3) picture of sRGB 0..1, holes and all; None where there is nothing to see.

    It is the best guess, whatever that is worth: ask `score`.
    """
    height, width = colour.shape[:2]
    if min(height, width) < LEAST_SIDE:
        return None
    work = _fitted(colour, FINE)
    factor = max(1, -(-max(work.shape) // COARSE))
    small = _averaged(work, factor)
    if min(small.shape[:2]) < LEAST_SIDE // 2:
        return None
    clues = _clues(small)
    guesses = [_refined(clues, guess, prior, turns=2) for guess, prior in _guesses(sharpness(work), factor)]
    if not guesses:
        return None
    best = max(guesses, key=lambda guess: score(small, guess > 0.5))
    rows, columns = work.shape[:2]
    start = enlarge(best, best.shape[0] * factor, best.shape[1] * factor)[:rows, :columns]
    mask = _refined(_clues(work), start, 2 * start - 1, turns=1) > 0.5
    mask &= ~_strips(mask)
    return mask if mask.shape == (height, width) else enlarge(mask.astype(np.float32), height, width) > 0.5


def matte(mask: Mask) -> Floats:
    """The mask with a soft contour, 0 to 1, that is at least 0.5 exactly where the mask is: no hairline is lost."""
    soft = blur(mask.astype(np.float32), 0.7)
    return np.where(mask, np.maximum(soft, 0.55), np.minimum(soft, 0.45)).astype(np.float32)


def behind(colour: Floats, mask: Mask) -> Floats:
    """The background of an (h, w, 3) picture, continued to where the mask covers it."""
    return fill_outward(colour, (~grow(mask, 2)).astype(np.float32))


def score(colour: Floats, mask: Mask) -> float:
    """How much a mask looks like a figure in an (h, w, 3) picture, 0 to 1.

    A figure's contour lies on what is sharper than the background, most of what is sharp lies in it, it leaves the
    picture's border free, has few gaps, is mostly one piece, and is neither tiny nor nearly all.
    """
    if max(mask.shape) > FINE:  # judged as large as it was found
        colour, mask = _fitted(colour, FINE), _fitted(mask[..., None].astype(np.float32), FINE)[..., 0] > 0.5
    share = float(mask.mean())
    if not SMALLEST < share < LARGEST:
        return 0.0
    sharp = sharpness(colour)
    calmest = sharp[~grow(mask, 4)]
    contour = grow(mask, 1) & grow(~mask, 1)
    if not calmest.size or not contour.any():
        return 0.0
    on_edges = float(np.mean(grow(sharp, 1)[contour] > float(np.quantile(calmest, 0.9)) + 0.01))
    seen = sharp > SEEN
    holding = float((seen & grow(mask, 1)).sum()) / max(1, int(seen.sum()))
    free = 1 - float(mask[rim_of(mask.shape)].mean())
    closed = 0.4 + 0.6 * share / (1 - float(_reached(~mask).mean()))
    area = label(mask)[1][1:]
    whole = 0.5 + 0.5 * float(area.max() / area.sum())
    return on_edges * holding**0.5 * free * closed * whole * min(1, share / 0.03) * min(1, (1 - share) / 0.2)


def sharpness(colour: Floats) -> Floats:
    """How far each pixel is from what is just around it (0..1): high along edges and in fine texture."""
    padded = np.pad(colour, ((1, 1), (1, 1), (0, 0)), mode="edge")
    rows = padded[:-2] + 2 * padded[1:-1] + padded[2:]
    calm = (rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:]) / 16
    return strongest(np.abs(calm - blur(calm, 1)))


def _guesses(sharp: Floats, factor: int) -> Iterator[tuple[Floats, Floats]]:
    """A start (0..1) and how much is to be said for it (nats) at each degree of sharpness, smaller by `factor`."""
    frame = np.ones(sharp.shape, np.bool_)
    edge = max(2, round(0.03 * min(sharp.shape)))
    frame[edge:-edge, edge:-edge] = False
    noise = float(np.quantile(sharp[frame], NOISE))
    for times in TIMES:
        barrier = _any(sharp > times * noise + LEAST_SHARPNESS, factor)
        background = grow(_reached(~grow(barrier, 1)), 1) & ~barrier
        background |= _strips(~background)
        figure = _opened(~background, 1)
        if 0.005 < figure.mean() < 0.9 and background.mean() > 0.05:
            start = np.where(figure, 1, np.where(background, 0, 0.5)).astype(np.float32)
            yield start, (PRIOR * np.where(figure, 1, np.where(background, -1, 0))).astype(np.float32)


def _clues(colour: Floats) -> _Clues:
    return _Clues(colour, numbered(colour), couplings(colour))


def _refined(clues: _Clues, start: Floats, prior: Floats, turns: int) -> Floats:
    """The guess, moved to where the colours on both sides of its contour say; 0 to 1."""
    value = start
    for turn in range(turns):
        figure, background = value > 0.6, value < 0.4
        if figure.sum() < 16 or background.sum() < 16:
            break
        evidence = by_continuing(clues.colour, figure, ~grow(~background, 1)).clip(-4, 4)
        # Colours are counted only once the horizon, which no seen background has, is out of the figure.
        others = evidence if turn < turns - 1 else by_colour(clues.numbers, figure, background).clip(-4, 4)
        value = divided((0.7 * (evidence + others) + prior).astype(np.float32), clues.costs, value, steps=40)
    return value


def _reached(passable: Mask) -> Mask:
    """What hangs together with the picture's border."""
    numbers, area = label(passable)
    reached = np.zeros(len(area), np.bool_)
    reached[numbers[rim_of(passable.shape)]] = True
    reached[0] = False
    return reached[numbers]


def _opened(mask: Mask, steps: int) -> Mask:
    """The mask without what is thinner than twice as many pixels."""
    return grow(~grow(~mask, steps), steps)


def _strips(mask: Mask) -> Mask:
    """Thin pieces of a mask that begin at the picture's border."""
    return _reached(mask & ~_opened(mask, STRIP))


def _any(mask: Mask, factor: int) -> Mask:
    """Whether anything is true in each block of `factor` x `factor` pixels."""
    padded = np.pad(mask, ((0, -mask.shape[0] % factor), (0, -mask.shape[1] % factor)))
    return padded.reshape(padded.shape[0] // factor, factor, padded.shape[1] // factor, factor).any(axis=(1, 3))


def _averaged(colour: Floats, factor: int) -> Floats:
    """The picture (h, w, channels) smaller by a whole factor."""
    padded = np.pad(colour, ((0, -colour.shape[0] % factor), (0, -colour.shape[1] % factor), (0, 0)), mode="edge")
    return padded.reshape(padded.shape[0] // factor, factor, padded.shape[1] // factor, factor, colour.shape[2]).mean(
        axis=(1, 3)
    )


def _fitted(colour: Floats, longest: int) -> Floats:
    """The picture averaged down by the least whole factor that fits it into `longest` pixels."""
    return _averaged(colour, -(-max(colour.shape) // longest))
