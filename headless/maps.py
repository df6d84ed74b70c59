# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the texture maps of a sculpted picture: base colour, roughness with metallic, normals. Never imports bpy."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .cutout import Cutout
from .pixels import Bytes, Floats, blur, blur_inside_widely, enlarge, fill_outward, grow, luminance, shrink
from .waves import cosines, values_of

FILL_SIZE = 1024  # pixels, longer side at which colours are bled over the rim
LIGHT_SIZE = 512  # pixels, longer side at which shading is told from colour: shading is smooth
SURFACE_SIZE = 512  # pixels, longer side of the metallic-roughness map
NORMAL_SIZE = 2048  # pixels, longer side of the normal map
SHADING_STEP = (
    0.035  # natural log of luma per pixel at LIGHT_SIZE: weaker gradients are taken for shading, stronger for paint
)
SHADING_REACH = 120.0  # pixels at LIGHT_SIZE over which shading is evened out; wider slopes are kept in part
SHADING_MOST = 0.5  # natural log: nothing gets more than 1.65 times brighter or darker
BUMP = 1.6  # slope of the normal map for a luma step of 1 a pixel at 1024
MATTE, SMOOTH, ROUGH = 0.6, 0.35, 0.8  # roughness of plain, highlighted and busy places


class Maps(NamedTuple):
    """What is painted on a model; each map is (h, w, 3), top row first."""

    colour: Bytes
    surface: Bytes | None  # roughness in green, metallic in blue, as glTF wants it
    normal: Bytes | None  # tangent space, Y up as in OpenGL and glTF


def of_picture(picture: Bytes, trust: Floats, matte: Floats, texture_model: str) -> Maps:
    """The maps of one picture, whose pixels show the shape as far as `trust` says: "baked" is its colours alone, "pbr"
    all."""
    return of_colour(base_colour(picture, trust), matte, texture_model)


def of_colour(colour: Bytes, matte: Floats, texture_model: str) -> Maps:
    """The same of (h, w, 3) colours that show no background."""
    if texture_model != "pbr":
        return Maps(colour, None, None)
    return Maps(even_shading(colour, matte), surface(colour, matte), normals(colour, matte))


def trusted(cutout: Cutout) -> Floats:
    """How far each pixel's colour is the shape's own.

    A transparent picture's edge pixels are: their colour is stored apart from their opacity. Others are mixed with the
    background.
    """
    if cutout.origin == "alpha":
        return np.clip(cutout.matte * 4 - 0.5, 0, 1)
    if cutout.origin == "rectangle":
        return cutout.matte
    return np.clip(cutout.matte * 2.5 - 1.25, 0, 1)


def base_colour(picture: Bytes, trust: Floats) -> Bytes:
    """(h, w, 3) colours, with those of trusted pixels bled over the rest so that no background shows at the rim.

    `trust` is (h', w'), 1 where a pixel shows the shape alone, 0 where it shows background.
    """
    height, width = picture.shape[:2]
    small = shrink(picture[..., :3], FILL_SIZE)
    weight = fitted(trust, small.shape[0], small.shape[1])
    # Half-trusted pixels count for little, but are all that hair-thin lines have.
    filled = fill_outward(small, np.clip(weight, 0, 1) ** 4)
    filled = np.round(np.clip(filled, 0, 1) * 255).astype(np.uint8)
    keep = np.clip(weight * 2 - 1, 0, 1) if trust.shape != (height, width) else None
    result = picture[..., :3].copy()
    for rows in bands(height):
        part = _stretched(keep if keep is not None else np.clip(trust * 2 - 1, 0, 1), height, width, rows)
        outside = part < 1
        under = _stretched(filled, height, width, rows)[outside].astype(np.float32)
        share = part[outside].astype(np.float32)[:, None]
        result[rows][outside] = np.round(result[rows][outside] * share + under * (1 - share)).astype(np.uint8)
    return result


def bands(height: int) -> list[slice]:
    """Cuts of at most 512 rows: large pictures are worked on in parts, to bound memory."""
    return [slice(start, min(start + 512, height)) for start in range(0, height, 512)]


def _stretched(image: NDArray, height: int, width: int, rows: slice) -> NDArray:
    """Some rows of an image stretched to (height, width), each pixel from its nearest."""
    down = (np.arange(rows.start, rows.stop) * image.shape[0]) // height
    if image.shape[1] == width:
        return image[down]
    return image[down][:, (np.arange(width) * image.shape[1]) // width]


def stretched_rows(image: Floats, height: int, rows: slice) -> Floats:
    """Some rows of an image stretched to so many, bilinearly."""
    last = len(image) - 1
    down = np.clip((np.arange(rows.start, rows.stop) + 0.5) * (len(image) / height) - 0.5, 0, last)
    first = down.astype(np.int64)
    part = (down - first).astype(np.float32)[:, None]
    return image[first] * (1 - part) + image[np.minimum(first + 1, last)] * part


def fitted(image: Floats, height: int, width: int) -> Floats:
    """An image at another size: averaged down by whole blocks where it is much larger, stretched otherwise."""
    factor = max(1, min(image.shape[0] // height, image.shape[1] // width))
    if factor > 1:
        cut = image[: image.shape[0] // factor * factor, : image.shape[1] // factor * factor]
        image = cut.reshape(cut.shape[0] // factor, factor, cut.shape[1] // factor, factor).mean((1, 3))
    return enlarge(image, height, width) if image.shape != (height, width) else image


def even_shading(colour: Bytes, matte: Floats) -> Bytes:
    """Take the slow changes of brightness out of (h, w, 3) colours (Retinex): edges are paint, slopes are light.

    Finds the picture whose log-luma gradients are the strong ones of the original and zero elsewhere (a screened
    Poisson equation, solved by a cosine transform at reduced size). Where a picture is flat between its edges, nothing
    changes.
    """
    small = shrink(colour, LIGHT_SIZE)
    inside = fitted(matte, *small.shape[:2])
    log = np.log(luminance(small) + 0.06)
    divergence = np.zeros_like(log)
    for axis in (0, 1):
        step = np.diff(log, axis=axis)
        covered = np.minimum(*(np.take(inside, range(s, inside.shape[axis] - 1 + s), axis) for s in (0, 1))) > 0.5
        edge = grow(np.abs(step), 2) > SHADING_STEP * 2
        shading = np.where(covered & ~edge & (np.abs(step) < SHADING_STEP), step, 0)
        padding = [(0, 0), (0, 0)]
        padding[axis] = (1, 1)
        divergence += np.diff(np.pad(shading, padding), axis=axis)
    light = _screened_poisson(divergence, SHADING_REACH)
    light -= float((light * inside).sum() / max(float(inside.sum()), 1.0))  # overall brightness stays
    gain = np.exp(-np.clip(light, -SHADING_MOST, SHADING_MOST)).astype(np.float32)
    height, width = colour.shape[:2]
    result = np.empty_like(colour)
    wide = enlarge(gain, gain.shape[0], width)
    for rows in bands(height):
        band = stretched_rows(wide, height, rows)
        result[rows] = np.minimum(colour[rows] * band[..., None] + np.float32(0.5), 255).astype(np.uint8)
    return result


def _screened_poisson(divergence: Floats, reach: float) -> Floats:
    """Solve laplace(u) - u / reach² = divergence with reflecting borders."""
    down, right = (2 * np.cos(np.pi * np.arange(size) / size) - 2 for size in divergence.shape)
    waves = cosines(cosines(divergence).T) / (right[:, None] + down - 1 / reach**2)
    return values_of(values_of(waves).T).astype(np.float32)


def surface(colour: Bytes, matte: Floats) -> Bytes:
    """(h, w, 3) as glTF wants it: roughness in green, metallic in blue.

    Matte by default, smoother where a highlight shows, rougher where the picture is busy. Metallic only where
    colourless and full of soft, strong contrasts, as polished steel is; a picture cannot say more.
    """
    small = shrink(colour, SURFACE_SIZE)
    size = max(small.shape[:2])
    weight = fitted(matte, *small.shape[:2])
    luma = luminance(small)
    mean, fine = _mean_and_spread(luma, weight, size / 60)
    busy = np.clip((fine - 0.06) / 0.2, 0, 1)
    highlight = np.clip((luma - 0.8) / 0.2, 0, 1) * np.clip((luma - mean) / 0.25, 0, 1)
    saturation = np.ptp(small, axis=2)
    _, contrast = _mean_and_spread(luma, weight, size / 20)
    metallic = 0.6 * np.clip((contrast - 0.22) / 0.1, 0, 1) * np.clip(1 - saturation / 0.1, 0, 1) * (1 - busy)
    roughness = MATTE + (ROUGH - MATTE) * busy + (SMOOTH - MATTE) * np.maximum(highlight, metallic)
    packed = np.stack((np.ones_like(roughness), roughness, metallic), axis=2)
    return np.round(np.clip(packed, 0, 1) * 255).astype(np.uint8)


def _mean_and_spread(luma: Floats, weight: Floats, sigma: float) -> tuple[Floats, Floats]:
    """The mean around each pixel, taken from where `weight` is high, and how far pixels are from it there."""
    total = blur(weight, sigma) + np.float32(1e-4)
    mean = blur(luma * weight, sigma) / total
    return mean, np.sqrt(np.maximum(blur((luma - mean) ** 2 * weight, sigma) / total, 0))


def normals(colour: Bytes, matte: Floats) -> Bytes:
    """(h, w, 3) tangent-space normals from fine changes of luma, Y up as in OpenGL and glTF."""
    small = shrink(colour, NORMAL_SIZE)
    size = max(small.shape[:2])
    weight = fitted(matte, *small.shape[:2])
    luma = luminance(small)
    fine = blur(luma, max(0.5, size / 1024)) - blur_inside_widely(luma, weight, size / 80)
    fine *= np.clip(weight * 2 - 1, 0, 1)
    fine = 0.3 * np.tanh(fine / 0.3)  # hard black outlines are not cliffs
    slope = np.float32(BUMP * size / 1024)
    down, right = (
        np.gradient(fine, axis=axis) * slope if fine.shape[axis] > 1 else np.zeros_like(fine) for axis in (0, 1)
    )
    length = np.sqrt(down * down + right * right + 1)
    normal = np.stack((-right, down, np.ones_like(fine)), axis=2) / length[..., None]  # down the picture is -Y
    return np.round(normal * 127.5 + 127.5).astype(np.uint8)
