# SPDX-License-Identifier: GPL-3.0-or-later
"""A plain or gently shaded background, and what stands out from it. Never imports bpy; numpy only."""

import numpy as np

from . import shadow
from .contour import softened
from .holes import tidied
from .pixels import Floats, Mask, enlarge, label, rim_of, strongest

FIT_SIZE = 256  # pixels, longer side at which the background's shading is fitted
LEAST, MOST = 0.004, 0.97  # of the picture: a "shape" outside these is a failed separation
BUSY = (
    0.40  # of the border may differ from the background (the object may touch it) before the background counts as busy
)
PARTS = 40  # more of them are the clutter of a photograph or a page of text, and nothing to shape one by one
FLAWLESS = (
    0.01  # sRGB 0..1, the noise of a background that is drawn: what stands before it is meant, however many parts
)
EVEN = 0.03  # sRGB 0..1: what a background of one colour differs within itself, as it is fitted
ONE = 0.95  # of all that stands out: a figure so large is no clutter, whatever crumbs lie around it
STEP = (
    0.035  # least difference from the background, sRGB 0..1: JPEG noise stays under it, white on white rises above it
)


def from_background(colour: Floats, *, is_filled: bool = False) -> tuple[Floats, bool] | None:
    """Matte of what stands out from the background, and whether it has holes.

    None where the background is busy or nothing stands out.
    """
    height, width = colour.shape[:2]
    if min(height, width) < 8:
        return None
    small = colour[:: -(-max(height, width) // FIT_SIZE), :: -(-max(height, width) // FIT_SIZE)]
    frame = np.ones(small.shape[:2], np.bool_)
    edge = max(1, round(0.02 * min(frame.shape)))
    frame[edge:-edge, edge:-edge] = False
    background = _fit(small, frame, degree=2)
    distance = _difference(small, background)
    if np.mean(distance[frame] > 0.1) > BUSY:
        return None
    for _ in range(2):  # what is background now says more about it than the border alone
        noise = 1.4826 * float(np.median(distance[frame]))
        quiet = distance < max(STEP, 3 * noise)
        background = _fit(small, quiet, degree=3)
        distance = _difference(small, background)
    noise = 1.4826 * float(np.median(distance[frame & quiet])) if (frame & quiet).any() else 1.0
    background = enlarge(background, height, width)
    distance = _difference(colour, background)
    threshold = max(STEP, 4 * noise)
    if threshold > 0.2:
        return None
    clean = distance <= threshold
    bare = background
    background, sharp = shadow.shaded(colour, bare, clean)
    distance = _difference(colour, background)
    mask = distance > threshold
    mask |= shadow.belonging(mask, distance, threshold, sharp)
    if np.ptp(bare, axis=(0, 1)).max() < EVEN:  # shadows are drawn on paper; before a gradient stand photographs
        mask &= ~shadow.drawn(mask, colour, bare)
    mask, pierced = tidied(mask, colour, background, is_filled=is_filled)
    if not LEAST < mask.mean() < MOST:
        return None
    matte = softened(mask, distance, threshold)
    parts = label(matte >= 0.5)[1][1:]
    is_flawless = noise < FLAWLESS and float(clean[rim_of(clean.shape)].mean()) > 0.9
    is_one = parts.max(initial=0) > ONE * parts.sum()
    return (matte, pierced) if is_flawless or is_one or len(parts) <= PARTS else None


def _fit(colour: Floats, chosen: Mask, degree: int) -> Floats:
    """A polynomial in x and y per channel, fitted to the chosen pixels; those that fit badly lose their say."""
    height, width = chosen.shape
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    terms = np.stack([x**i * y**j for i in range(degree + 1) for j in range(degree + 1 - i)], axis=-1)
    rows, columns = np.nonzero(chosen)
    step = max(1, len(rows) // 20_000)
    a = terms[rows[::step], columns[::step]].astype(np.float64)
    b = colour[rows[::step], columns[::step]].astype(np.float64)
    weight = 1 / (0.02 + np.abs(b - np.median(b, axis=0)).max(axis=1))
    for _ in range(12):
        weighted = a * weight[:, None]
        coefficients = np.linalg.solve(weighted.T @ a + 1e-6 * np.eye(a.shape[1]), weighted.T @ b)
        error = np.abs(b - a @ coefficients).max(axis=1)
        weight = 1 / (1e-4 + error**2 / max(float(np.median(error)), 0.004) ** 2 + 1)
    return (terms.reshape(-1, a.shape[1]) @ coefficients.astype(np.float32)).reshape(colour.shape)


def _difference(colour: Floats, background: Floats) -> Floats:
    """How unlike two pictures are, per pixel, about 0..1.

    The largest channel counts, so that pure blue counts like pure green.
    """
    return strongest(np.abs(colour - background))
