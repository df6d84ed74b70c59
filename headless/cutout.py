# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides which pixels of a picture belong to the shape. Never imports bpy; numpy only.

Three answers: the picture's own transparency; else what differs from a background that is plain or gently shaded; else
nothing can be told apart, and the whole rectangle is the shape.
"""

from dataclasses import dataclass

import numpy as np

from .pixels import Bytes, Floats, Mask, blur, enlarge, grow, label, luminance, shrink

MATTE_SIZE = 2048  # pixels, longer side of a matte that comes from transparency
STUDY_SIZE = 1024  # pixels, longer side at which a background is studied: finer shows nothing more but noise
FIT_SIZE = 256  # pixels, longer side at which the background's shading is fitted
SPECK = 0.0004  # of the shape's area: smaller parts are dust and JPEG noise
DUST = 0.00015  # the same where transparency tells the shape: less noise, and small parts are meant
HOLE = 0.01  # of the part around it: smaller enclosed background is an eye or a highlight, not a hole
LEAST, MOST = 0.004, 0.97  # of the picture: a "shape" outside these is a failed separation
BUSY = (
    0.40  # of the border may differ from the background (the object may touch it) before the background counts as busy
)
PARTS = 40  # more of them are the clutter of a photograph or a page of text, and nothing to shape one by one
STRAY = 0.0005  # of the picture: fewer transparent pixels are an accident, not a cut-out
STEP = (
    0.035  # least difference from the background, sRGB 0..1: JPEG noise stays under it, white on white rises above it
)


@dataclass(frozen=True)
class Cutout:
    """Which part of a picture is the shape."""

    matte: Floats  # (h, w), 0 outside to 1 inside, the contour at 0.5; may be coarser than the picture
    origin: str  # "alpha", "background" or "rectangle"
    note: str = ""  # what was decided for the user, a sentence, or nothing


class NothingToShape(Exception):
    """The picture holds no shape at all; the text says so to the user."""


def cut_out(picture: Bytes) -> Cutout:
    """Find the shape in an (h, w, 4) picture of straight sRGB bytes."""
    alpha = picture[..., 3]
    strongest = int(alpha.max())
    if strongest < 8:
        raise NothingToShape("The picture is fully transparent: choose one that shows something.")
    if np.mean(alpha < strongest / 2) > STRAY:
        # Half of the strongest opacity is an anti-aliased edge's true place, and leaves soft shadows and glows outside.
        return Cutout(_without_dust(_hairlines(shrink(alpha, MATTE_SIZE) * (255 / strongest))), "alpha")
    found = _from_background(shrink(picture[..., :3], STUDY_SIZE))
    if found is not None:
        matte, pierced = found
        taken = (
            "Enclosed areas in the colour of the background became holes"
            if pierced
            else "The background was taken away by its colour"
        )
        return Cutout(matte, "background", f"{taken}; transparency in the picture decides more exactly.")
    note = (
        "No background could be told apart, so the whole picture became a relief; "
        "make the background transparent to shape a figure."
    )
    return Cutout(np.ones(shrink(alpha, STUDY_SIZE).shape, np.float32), "rectangle", note)


def bounds(matte: Floats) -> tuple[int, int, int, int]:
    """Top, bottom, left and right of what is inside, in pixels of the matte, the ends not included.

    Where nothing is opaque enough to be inside, all of it counts.
    """
    inside = matte >= 0.5
    rows, columns = np.nonzero(inside.any(axis=1))[0], np.nonzero(inside.any(axis=0))[0]
    if not len(rows):
        return 0, matte.shape[0], 0, matte.shape[1]
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def _hairlines(matte: Floats) -> Floats:
    """Measure the contour of lines thinner than a pixel from their own strongest opacity, so that they stay.

    They never get fully opaque.

    A line has nothing beside it; a translucent area, such as a shadow, is left as it is.
    """
    strongest = grow(matte, 1)
    line = (strongest >= 0.5) & (strongest < 0.95)
    if line.any():
        line &= blur(matte, 3) < 0.5 * strongest
    return np.where(line, matte / np.maximum(strongest, 0.5), matte)


def _without_dust(matte: Floats) -> Floats:
    """Stray dots of a drawing are no parts of it."""
    parts, area = label(matte >= 0.5)
    dust = area < DUST * area[1:].sum()
    if dust[1:].all():  # a picture of nothing but dots
        return matte
    return np.where(dust[parts], 0, matte).astype(np.float32)


def _from_background(colour: Floats) -> tuple[Floats, bool] | None:
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
    mask, pierced = _tidy(_without_shadow(colour, background, distance > threshold))
    if not LEAST < mask.mean() < MOST:
        return None
    matte = _soften(mask, distance, threshold)
    return (matte, pierced) if len(label(matte >= 0.5)[1]) - 1 <= PARTS else None


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
    return _largest(np.abs(colour - background))


def _largest(channels: Floats) -> Floats:
    return np.maximum(np.maximum(channels[..., 0], channels[..., 1]), channels[..., 2])


def _without_shadow(colour: Floats, background: Floats, mask: Mask) -> Mask:
    """Take soft shadows that the object throws on the background out of the mask.

    A shadow is the background made evenly darker, it begins without an edge, and it lies against the rest of the
    background.
    """
    light = blur(luminance(colour) / np.maximum(luminance(background), 0.02), 1)
    tint = _largest(np.abs(colour - background * light[..., None]))
    steps = np.maximum(
        np.abs(np.diff(light, axis=0, append=light[-1:])), np.abs(np.diff(light, axis=1, append=light[:, -1:]))
    )
    # Of the light, a pixel: noise stays under it, the edge of a white object does not.
    gentle = max(0.01, 4 / max(mask.shape))
    soft = (light > 0.45) & (light < 1) & (tint < 0.05) & (grow(steps, 1) < gentle)
    numbers, _ = label(soft | ~mask)
    reached = np.zeros(numbers.max() + 1, np.bool_)
    reached[numbers[_rim_of(mask.shape)]] = True
    reached[0] = False
    shadow = reached[numbers] & mask
    # A few pixels of penumbra between the flooded shadow and the object's edge remain; they are too thin to matter.
    return mask & ~shadow


def _rim_of(shape: tuple[int, ...]) -> Mask:
    rim = np.ones(shape, np.bool_)
    rim[1:-1, 1:-1] = False
    return rim


def _tidy(mask: Mask) -> tuple[Mask, bool]:
    """Drop specks, and close enclosed bits of background that are too small to be meant as holes.

    Also tells whether there are any that are not.
    """
    parts, area = label(mask)
    small = area < max(4, SPECK * mask.sum())
    mask = mask & ~small[parts]
    parts, area = label(mask)
    gaps, gap_area = label(~mask)
    around = np.zeros(len(gap_area), np.int64)  # area of the part to the left of each gap: the part that it lies in
    right_of = (gaps[:, 1:] > 0) & (parts[:, :-1] > 0)
    np.maximum.at(around, gaps[:, 1:][right_of], area[parts[:, :-1][right_of]])
    enclosed = np.ones(len(gap_area), np.bool_)
    enclosed[0] = False  # the mask itself
    enclosed[np.unique(gaps[_rim_of(mask.shape)])] = False
    small = gap_area < np.maximum(HOLE * around, 4)
    return mask | (enclosed & small)[gaps], bool((enclosed & ~small).any())


def _soften(mask: Mask, distance: Floats, threshold: float) -> Floats:
    """Turn a mask into a matte whose 0.5 lies where the edge's pixels are half background, to a fraction of a pixel."""
    inner = ~grow(~mask, 2)
    outer = grow(mask, 1)
    strongest = grow(np.where(mask, distance, 0), 2)  # the object's own colour near the edge
    share = np.clip(distance / np.maximum(strongest, 2 * threshold), 0, 1)
    matte = np.where(inner, 1, np.where(outer, share, 0)).astype(np.float32)
    return blur(matte, 0.5) if max(mask.shape) >= 256 else matte
