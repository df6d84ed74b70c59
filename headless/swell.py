# SPDX-License-Identifier: GPL-3.0-or-later
"""The body of an object of which one picture is known: what lies inside the outline swells, thick where the shape is
wide, and the back is like the front. A rectangle becomes a plate with a relief. Paints nothing.

Points are (x, y, depth) in pixels of the matte, as in `shape`; the triangles of each quad follow each other, as a GLB
wants it where quads were asked for.
"""

import numpy as np
from numpy.typing import NDArray

from . import maps
from .cutout import Cutout
from .lowpoly import likeness, reduced
from .pixels import Bytes, Floats, bilinear, blur, blur_inside, luminance, shrink
from .shape import Indices, Sheet, body, make_sheet, swollen, triangulated

FACES = {"base": 78_000, "turbo": 56_000}  # quads at high_poly, before any triangulation
HIGH_POLY = 50_000  # faces at least, and at most four times that
LOW_POLY = 4_450  # quads of a coarse grid, of which there may be a tenth more
LOW_POLY_MOST = 5_000  # faces
ALIKE = 0.988  # intersection over union with the picture that makes a coarse grid good enough
THICKER = 2.0  # times the depth of the fine body: so deep coarse cells get where thin lines run together in them
RELIEF = 0.014  # depth of the relief, of the picture's longer side
RELIEF_STUDY = 512  # pixels, longer side at which shading is read for the relief
PLATE = 0.05  # thickness of a rectangle's plate, of the shorter side
LEAST_PLATE = 0.004  # the same at least, of the longer side, unless it is more than the shorter: a strip is no foil
PLATE_RELIEF = 0.10  # height of its relief, of the shorter side


def counts(resolution: str, model: str, quads: bool) -> tuple[int, int]:
    """How many quads a body should have, and may have at most. Where no quads were asked for, each is two triangles."""
    if resolution == "low_poly":
        return (LOW_POLY, LOW_POLY_MOST) if quads else (LOW_POLY // 2, LOW_POLY_MOST // 2)
    return FACES[model], 4 * HIGH_POLY if quads else 2 * HIGH_POLY


def high_poly(
    image: Bytes, cutout: Cutout, model: str, quads: bool, behind: Bytes | None
) -> tuple[Floats, Indices, int]:
    """Points (x, y, depth in matte pixels; those of the back are the latter half), triangles and the number of faces of
    a body of 50,000 to 200,000.

    `behind` is the picture from whose shading the back has its relief, as if seen through the figure from the front;
    `image` itself where the back mirrors the front, None where it has none.
    """
    sheet = make_sheet(cutout.matte, FACES[model], HIGH_POLY if quads else HIGH_POLY // 2)
    return cells(sheet, *thickness(image, cutout, sheet, model, behind), quads)


def low_poly(
    image: Bytes, cutout: Cutout, model: str, quads: bool, behind: Bytes | None
) -> tuple[Floats, Indices, int]:
    """The same with at most 5,000 faces: a coarse grid where that follows the outline, else the fine one reduced."""
    coarse = make_sheet(cutout.matte, LOW_POLY if quads else LOW_POLY // 2)
    alike = likeness(coarse.points, coarse.walls, cutout.matte)
    deepest = np.inf
    if not quads or alike < ALIKE:
        fine = make_sheet(cutout.matte, FACES[model], HIGH_POLY // 2)
        front, back = thickness(image, cutout, fine, model, behind)
        few = reduced(fine, front, cutout.matte, quads)
        if few and likeness(few.points, few.walls, cutout.matte) >= min(alike, ALIKE):  # hair-thin lines may be gone
            far = np.full_like(few.depth, back[0]) if cutout.origin == "rectangle" else few.depth
            if model == "base" and cutout.origin != "rectangle" and behind is not image:
                far = far - relief_of(image, cutout.matte, few.points, fine.pitch, few.depth)
                if behind is not None:
                    far = far + relief_of(behind, cutout.matte, few.points, fine.pitch, few.depth)
                far = np.maximum(far, few.depth.min())
            points, sheets, wall = body(few.points, few.triangles, few.walls, few.depth, far)
            triangles = np.concatenate((sheets, triangulated(points, wall)))
            return points, triangles, len(sheets) // 2 + few.lonely + len(wall) if quads else len(triangles)
        if cutout.origin != "rectangle":
            deepest = THICKER * float(front.max())
    front, back = thickness(image, cutout, coarse, model, behind)
    return cells(coarse, np.minimum(front, deepest), np.minimum(back, deepest), quads)


def cells(sheet: Sheet, front: Floats, back: Floats, quads: bool) -> tuple[Floats, Indices, int]:
    """Points, triangles and the number of faces of the body over a grid of cells."""
    points, sheets, wall = body(sheet.points, sheet.quads, sheet.walls, front, back)
    triangles = np.concatenate((triangulated(points, sheets), triangulated(points, wall)))
    return points, triangles, len(triangles) // 2 if quads else len(triangles)


def thickness(image: Bytes, cutout: Cutout, sheet: Sheet, model: str, behind: Bytes | None) -> tuple[Floats, Floats]:
    """Depth of the front and of the back at every point of the sheet, in matte pixels from the middle."""
    down, right = sheet.points[:, 1], sheet.points[:, 0]
    height, width = cutout.matte.shape
    if cutout.origin == "rectangle":
        short, long = sorted(np.ptp(sheet.points, axis=0).tolist())
        plate = np.float32(max(PLATE * short, min(short, LEAST_PLATE * long)) / 2)
        if model == "turbo":
            relief = np.zeros(len(sheet.points), np.float32)
        else:
            luma = blur(luminance(shrink(image, RELIEF_STUDY)), RELIEF_STUDY / 300)
            relief = PLATE_RELIEF * short * at_points(luma, down / height, right / width)
        front, back = plate + relief, np.full(len(relief), plate)
        return front.astype(np.float32), back
    half = swollen(sheet)
    if model != "base":
        return half, half
    front = half + relief_of(image, cutout.matte, sheet.points, sheet.pitch, half)
    if behind is image:
        return front, front
    if behind is None:
        return front, half
    return front, half + relief_of(behind, cutout.matte, sheet.points, sheet.pitch, half)


def relief_of(image: Bytes, matte: Floats, points: NDArray[np.floating], pitch: float, half: Floats) -> Floats:
    """How far fine shading in a picture raises each of (n, 2) points, in matte pixels, where the body has this half
    thickness; its cells have sides of `pitch`."""
    height, width = matte.shape
    small = shrink(image, RELIEF_STUDY)
    luma, size = luminance(small), max(small.shape[:2])
    inside = maps.fitted(matte, *luma.shape)
    cell = pitch * size / max(height, width)  # relief finer than the cells would only crumple them
    band = blur_inside(luma, inside, max(size / 400, 0.6 * cell)) - blur_inside(luma, inside, size / 25)
    down, right = points[:, 1], points[:, 0]
    relief = RELIEF * max(height, width) * np.tanh(at_points(band, down / height, right / width) / 0.25)
    return relief * np.minimum(1, half / (4 * RELIEF * max(height, width))) ** 2


def at_points(image: Floats, down: NDArray[np.floating], right: NDArray[np.floating]) -> Floats:
    """Values at fractions (0..1) of the image's height and width."""
    return bilinear(image, down * image.shape[0], right * image.shape[1])
