# SPDX-License-Identifier: GPL-3.0-or-later
"""Presses the fine shading of pictures into a body that they show: bright places stand out, dark ones lie deeper. Adds
no point, and leaves the silhouettes as they are. Never imports bpy; numpy only.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from . import maps
from .pixels import Floats, Mask, bilinear, blur_inside, luminance, shrink
from .solid import Solid
from .swell import RELIEF, RELIEF_STUDY
from .views import AXES, View

CONTRAST = 0.25  # of full scale: shading from there on is no deeper
PAINT = 0.1  # of full scale: where shading changes by more on average, it is the edge of another colour
RIM = 2.0  # times the relief's depth: nearer to a silhouette's contour less stands out
LEFT = 0.1  # of it at the contour: the middle of the front is the contour of the side
BELOW = (2.0, 4.0, 6.0)  # times the relief's depth: a body that goes on so far below is thick
HIDDEN = 2.5  # edges of quads behind what a view shows there: such a point is not seen
COARSER = 4  # times: what is around a pixel is looked up in a picture so much smaller
EVEN = 2  # rounds of taking the mean of what is around


def pressed(solid: Solid, views: Mapping[str, View]) -> Solid:
    """The body with relief, each view's where it is seen."""
    points, quads = solid.points.astype(np.float64), solid.quads
    normals = _normals(points, quads)
    a, b = quads.ravel(), np.roll(quads, -1, axis=1).ravel()
    edge = float(np.linalg.norm(points[b] - points[a], axis=1).mean())
    depth = RELIEF * float(np.ptp(points, axis=0).max())
    moves = np.zeros(len(points))
    for view in views.values():
        facing = np.clip(normals @ np.array(AXES[view.name][1], np.float64), 0, 1) ** 2
        facing *= _is_seen(points, view, edge)
        moves += depth * facing * _shading(points, view, edge)
    count = np.maximum(np.bincount(a, minlength=len(points)), 1)
    for _ in range(EVEN):
        moves = np.bincount(a, moves[b], minlength=len(points)) / count
    moves *= _thick(points, normals, views, depth)
    for view in views.values():
        moves = np.minimum(moves, np.maximum(_room(points, normals, view, depth), np.minimum(moves, 0)))
    return Solid((points + moves[:, None] * normals).astype(np.float32), quads)


def _normals(points: NDArray[np.float64], quads: NDArray[np.int32]) -> NDArray[np.float64]:
    across = np.cross(points[quads[:, 2]] - points[quads[:, 0]], points[quads[:, 3]] - points[quads[:, 1]])
    total = [np.bincount(quads.ravel(), np.repeat(across[:, axis], 4), minlength=len(points)) for axis in range(3)]
    normals = np.stack(total, axis=1)
    return normals / np.maximum(np.linalg.norm(normals, axis=1), 1e-30)[:, None]


def _place(points: NDArray[np.float64], view: View) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where a view shows the points: fractions of its matte's height and width."""
    frame, (height, width) = view.frame, view.cutout.matte.shape
    down = frame.bottom - points[:, 2] * frame.metre
    right = frame.centre + points @ np.array(AXES[view.name][0], np.float64) * frame.metre
    return down / height, right / width


def _shading(points: NDArray[np.float64], view: View, edge: float) -> Floats:
    """How much brighter than around it each point is in the view, -1 to 1."""
    luma = luminance(shrink(view.image, RELIEF_STUDY))
    inside = maps.fitted(view.cutout.matte, *luma.shape)
    size = max(luma.shape)
    cell = edge * view.frame.metre * size / max(view.cutout.matte.shape)  # finer relief would only crumple the quads
    band = blur_inside(luma, inside, max(size / 400, 0.6 * cell)) - _around(luma, inside, size / 25)
    strong = _around(band * band, inside, size / 25)
    band = np.tanh(band / CONTRAST) / (1 + (strong / PAINT**2) ** 2)
    down, right = _place(points, view)
    return bilinear(band.astype(np.float32), down * luma.shape[0], right * luma.shape[1])


def _around(image: Floats, inside: Floats, sigma: float) -> Floats:
    """`blur_inside` for a wide `sigma`, made of a quarter of the pixels each way, which it does not need."""
    height, width = image.shape
    few = max(1, height // COARSER), max(1, width // COARSER)
    blurred = blur_inside(maps.fitted(image * inside, *few), maps.fitted(inside, *few), sigma / COARSER)
    return maps.fitted(blurred, height, width)


def _is_seen(points: NDArray[np.float64], view: View, edge: float) -> Mask:
    """Whether nothing of the body is between the points and the onlooker."""
    right, onlooker = (np.array(axis, np.float64) for axis in AXES[view.name])
    places = np.stack((points @ right, points[:, 2]), axis=1)
    cells = ((places - places.min(axis=0)) / (1.5 * edge)).astype(np.int64)
    number = cells[:, 0] * (cells[:, 1].max() + 1) + cells[:, 1]
    near = points @ onlooker
    nearest = np.full(int(number.max()) + 1, -np.inf)
    np.maximum.at(nearest, number, near)
    return near >= nearest[number] - HIDDEN * edge


def _thick(
    points: NDArray[np.float64], normals: NDArray[np.float64], views: Mapping[str, View], depth: float
) -> NDArray[np.float64]:
    """How far the body goes on below each point, 0..1: where it is thin, relief would press it out of its outlines."""
    free = np.zeros(len(points))
    for below in BELOW:
        inside = np.ones(len(points), np.bool_)
        for view in views.values():
            matte = view.cutout.matte
            down, right = _place(points - below * depth * normals, view)
            inside &= bilinear(matte, down * matte.shape[0], right * matte.shape[1]) >= 0.5
        free += inside
    return (free / len(BELOW)) ** 2


def _room(points: NDArray[np.float64], normals: NDArray[np.float64], view: View, depth: float) -> NDArray[np.float64]:
    """How far each point may go along its normal, in metres, so that the view's silhouette hardly changes."""
    matte, free = view.cutout.matte, np.zeros(len(points))
    for reach in (1, 2, 3):  # fades out: a step would be seen where one view's contour is in the middle of another
        down, right = _place(points + RIM * reach / 2 * depth * normals, view)
        free += bilinear(matte, down * matte.shape[0], right * matte.shape[1]) >= 0.5
    return depth * (LEFT + (1 - LEFT) * free / 3)
