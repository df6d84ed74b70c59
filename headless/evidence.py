# SPDX-License-Identifier: GPL-3.0-or-later
"""What speaks for each pixel's being figure or background, once parts of both are known. Never imports bpy; numpy only.

All of it is in nats: the logarithm of how much likelier the pixel is as figure than as background.
"""

import numpy as np
from numpy.typing import NDArray

from .pixels import Floats, Mask, blur, fill_outward, strongest

Numbers = NDArray[np.int64]

COLOURS = 40  # that a picture is reduced to before they are counted
CELLS = 48  # tiles along the longer side in which colours are counted
NEAR = 3.0  # tiles: how far a count has its say
ANYWHERE = 0.1  # of the weight has what is counted in the whole picture
RARE = 2e-3  # a share of a colour below this says nothing
CLOSE = 12  # pixels: background on both sides as near as this explains any mixture of the two, as at a horizon
SLACK = 0.2  # of the step between the two: JPEG blurs colour more than light
GAP = 4  # pixels: over twice this, the background's own unevenness is measured
LEAST_ERROR = 0.008  # sRGB 0..1: JPEG noise
LEAST_CONTRAST = 0.12  # sRGB 0..1: a figure is taken to be at least so unlike what is behind it
FAR = 80  # of the longer side is the distance over which a continued background becomes twice as unsure


def numbered(colour: Floats) -> Numbers:
    """Which of `COLOURS` colours of its own each pixel of an (h, w, 3) picture is nearest to."""
    centres = _palette(colour)
    axis = (np.arange(32, dtype=np.float32) + 0.5) / 32
    grid = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    table = ((centres**2).sum(axis=1) - 2 * grid @ centres.T).argmin(axis=1)
    steps = np.clip(colour * 32, 0, 31).astype(np.int32)
    return table[(steps[..., 0] * 32 + steps[..., 1]) * 32 + steps[..., 2]]


def _palette(colour: Floats) -> Floats:
    """The colours most unlike each other, moved to the middle of what is nearest to them (k-means)."""
    flat = colour.reshape(-1, 3)
    sample = flat[:: max(1, len(flat) // 3000)]
    chosen = [sample.mean(axis=0)]
    far = ((sample - chosen[0]) ** 2).sum(axis=1)
    for _ in range(COLOURS - 1):
        chosen.append(sample[int(far.argmax())])
        far = np.minimum(far, ((sample - chosen[-1]) ** 2).sum(axis=1))
    centres = np.array(chosen)
    for _ in range(8):
        nearest = ((sample[:, None] - centres[None]) ** 2).sum(axis=2).argmin(axis=1)
        many = np.bincount(nearest, minlength=COLOURS)
        for channel in range(3):
            total = np.bincount(nearest, sample[:, channel], COLOURS)
            centres[:, channel] = np.where(many > 0, total / np.maximum(many, 1), centres[:, channel])
    return centres.astype(np.float32)


def by_colour(numbers: Numbers, figure: Mask, background: Mask) -> Floats:
    """From how often a pixel's colour is seen in the figure and in the background near it."""
    height, width = figure.shape
    tile = max(1, -(-max(height, width) // CELLS))
    rows, columns = -(-height // tile), -(-width // tile)
    cell = (np.arange(height) // tile)[:, None] * columns + np.arange(width) // tile
    where = cell * COLOURS + numbers
    shares = []
    for chosen in (figure, background):
        counts = np.bincount(where[chosen], minlength=rows * columns * COLOURS).reshape(rows, columns, COLOURS)
        local = blur(counts.astype(np.float32), NEAR) * (16 / tile**2)
        many = local.sum(axis=2, keepdims=True)
        trust = many / (many + 1) * (1 - ANYWHERE)
        anywhere = counts.sum(axis=(0, 1)) / max(1, int(chosen.sum()))
        shares.append(trust * local / (many + 1e-3) + (1 - trust) * anywhere)
    ratio = np.log((shares[0] + RARE) / (shares[1] + RARE)).astype(np.float32)
    return ratio.reshape(-1)[where]


def by_continuing(colour: Floats, figure: Mask, background: Mask) -> Floats:
    """From how well the known background, continued along rows, along columns and all around, explains a pixel."""
    weight = background.astype(np.float32)
    calm = blur(colour * weight[..., None], 1) / np.maximum(blur(weight, 1), 1e-3)[..., None]
    calm = np.where(background[..., None], calm, colour)
    row = _between(colour, calm, background)
    turned = _between(colour.transpose(1, 0, 2), calm.transpose(1, 0, 2), background.T)
    column = turned[0].T, turned[1].T
    around = strongest(np.abs(colour - fill_outward(calm, weight))), np.minimum(row[1], column[1])
    error = _unevenness(colour, background) + LEAST_ERROR
    best = np.full(figure.shape, np.inf, np.float32)
    for unlike, distance in (row, column, around):
        contrast = max(LEAST_CONTRAST, float(np.median(unlike[figure])))
        expected = np.minimum(error * (1 + distance * (FAR / max(figure.shape))), contrast)
        best = np.minimum(best, unlike / expected - unlike / contrast + np.log(expected / contrast))
    return best


def _between(colour: Floats, calm: Floats, background: Mask) -> tuple[Floats, Floats]:
    """How unlike the background to its left and right each pixel is (0..1), and how many pixels away that is."""
    height, width = background.shape
    x = np.arange(width, dtype=np.int32)
    left = np.maximum.accumulate(np.where(background, x, -1), axis=1)
    right = np.minimum.accumulate(np.where(background, x, width)[:, ::-1], axis=1)[:, ::-1]
    first = np.where(left >= 0, left, np.minimum(right, width - 1))
    last = np.where(right < width, right, np.maximum(left, 0))
    distance = np.minimum(np.where(left >= 0, x - left, width), np.where(right < width, right - x, width))
    distance = distance.astype(np.float32)
    distance[(left < 0) | (right >= width)] *= 2  # nothing holds the other end
    distance[(left < 0) & (right >= width)] = 1e6
    rows = np.arange(height)[:, None]
    start, way = calm[rows, first], calm[rows, last] - calm[rows, first]
    share = ((x - first) / np.maximum(last - first, 1)).astype(np.float32)
    close = last - first <= CLOSE
    mixed = np.einsum("...c,...c", colour - start, way) / (np.einsum("...c,...c", way, way) + np.float32(1e-4))
    share = np.where(close, mixed.clip(0, 1), share)
    unlike = strongest(np.abs(colour - start - way * share[..., None]))
    return np.maximum(unlike - close * np.float32(SLACK) * strongest(np.abs(way)), 0).astype(np.float32), distance


def _unevenness(colour: Floats, background: Mask) -> float:
    """How far the background usually is from the mean of two places in it, `GAP` pixels to each side (0..1)."""
    errors = np.full(background.shape, np.inf, np.float32)
    for axis in (0, 1):
        picture, known = np.moveaxis(colour, axis, 0), np.moveaxis(background, axis, 0)
        ends = slice(None, -2 * GAP), slice(2 * GAP, None)
        error = strongest(np.abs(picture[GAP:-GAP] - (picture[ends[0]] + picture[ends[1]]) / 2))
        error = np.where(known[GAP:-GAP] & known[ends[0]] & known[ends[1]], error, np.inf)
        middle = np.moveaxis(errors, axis, 0)[GAP:-GAP]
        np.minimum(middle, error, out=middle)
    measured = errors[np.isfinite(errors)]
    return float(np.quantile(measured, 0.7)) if len(measured) > 20 else 0.2
